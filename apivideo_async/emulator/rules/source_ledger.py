"""The source ledger: what one video has received, and whether it accepts another request.

A ledger is empty at first. The first request makes it *whole* (no ``Content-Range``), *bytes* or
*parts*, and it stays in that mode until it is complete. A container that was created from a URL,
another video or a broadcast accepts no request at all. See service.md#upload-rules,
service.md#one-source-per-video.

Every decision is one synchronous call, so no lock is needed: concurrent requests are decided one
after the other, in the order in which their bodies ended (service.md#concurrent-chunks).
"""

from typing import Literal

from attrs import define, field

from .chunks import ByteChunks, PartChunks
from .ranges import ByteRange, ContentRange, Limits
from .upload_problems import upload_problem

__all__ = ["Origin", "SourceLedger"]

Origin = Literal["upload", "url", "clone", "live"]
_REFUSALS = {
    "url": "video-source-already-downloaded",
    "clone": "video-source-already-copied",
    "live": "video-source-already-uploaded",
}


@define(eq=False)
class SourceLedger:
    """The ledger of one container. ``whole`` is the size in bytes of an upload in one request."""

    _limits: Limits
    origin: Origin = "upload"
    bytes: ByteChunks | None = field(default=None, init=False)
    parts: PartChunks | None = field(default=None, init=False)
    whole: int | None = field(default=None, init=False)

    @property
    def started(self) -> bool:
        """Whether anything was accepted."""
        return self.whole is not None or self.bytes is not None or self.parts is not None

    @property
    def complete(self) -> bool:
        """Whether the upload is complete (service.md#upload-completion)."""
        chunks = self.bytes or self.parts
        return self.whole is not None or (chunks is not None and chunks.complete)

    @property
    def size(self) -> int:
        """The number of bytes accepted."""
        chunks = self.bytes or self.parts
        return (self.whole or 0) + (chunks.covered if chunks is not None else 0)

    def check(self, chunk: ContentRange | None) -> None:
        """Raise a refusal if the request can be refused without its body."""
        if self.origin in _REFUSALS:
            raise upload_problem(_REFUSALS[self.origin])
        if self.complete:
            raise upload_problem("video-source-already-uploaded")
        if chunk is None:
            if self.started:
                raise upload_problem("video-content-range-already-initiated")
        elif isinstance(chunk, ByteRange):
            if self.parts is not None:
                raise upload_problem("video-content-range-started-with-part")
            # A temporary object checks the first chunk: only ``accept`` changes the ledger.
            (self.bytes or ByteChunks(self._limits)).check(chunk)
        else:
            if self.bytes is not None:
                raise upload_problem("video-content-range-started-with-bytes")
            (self.parts or PartChunks(self._limits)).check(chunk)

    def accept(self, chunk: ContentRange | None, size: int) -> int:
        """Record a request whose file had ``size`` bytes. Return its position in the media.

        Raises a refusal, after which the ledger is unchanged.
        """
        # The ledger may have changed since the header was checked.
        self.check(chunk)
        if size == 0:
            raise upload_problem("uploaded-file-empty")
        if chunk is None:
            if size > self._limits.max_chunk:
                raise upload_problem("uploaded-file-too-large")
            self.whole = size
            return 0
        # The mode is set after the last check, so that a refused first chunk leaves the ledger
        # empty.
        if isinstance(chunk, ByteRange):
            byte_chunks = self.bytes or ByteChunks(self._limits)
            byte_chunks.check_size(chunk, size)
            self.bytes = byte_chunks
            return byte_chunks.add(chunk, size)
        part_chunks = self.parts or PartChunks(self._limits)
        part_chunks.check_size(chunk, size)
        self.parts = part_chunks
        return part_chunks.add(chunk, size)
