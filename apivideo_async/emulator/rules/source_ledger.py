"""What the source of one video has received, and whether one more request may add to it (service.md#upload-rules).

States: empty, then either whole (one request without Content-Range) or bytes or parts, then complete. A
container made from a URL, another video or a broadcast is closed from the start. Every decision is one synchronous
call, so requests that arrive together are decided one after the other, in the order in which their bodies
ended, without a lock (service.md#concurrent-chunks).
"""

from __future__ import annotations

from typing import Literal

from .chunks import ByteChunks, PartChunks
from .content_range import ByteRange, ContentRange, Limits
from .upload_problems import upload_problem

Origin = Literal["upload", "url", "clone", "live"]
_CLOSED = {
    "url": "video-source-already-downloaded",
    "clone": "video-source-already-copied",
    "live": "video-source-already-uploaded",
}


class SourceLedger:
    """The ledger of one container."""

    def __init__(self, limits: Limits, origin: Origin = "upload") -> None:
        self._limits = limits
        self.origin: Origin = origin
        self.bytes: ByteChunks | None = None
        self.parts: PartChunks | None = None
        self.whole: int | None = None

    @property
    def started(self) -> bool:
        """Whether anything was accepted."""
        return self.whole is not None or self.bytes is not None or self.parts is not None

    @property
    def complete(self) -> bool:
        """Whether the upload is finished (service.md#upload-completion)."""
        chunks = self.bytes or self.parts
        return self.whole is not None or (chunks is not None and chunks.complete)

    @property
    def size(self) -> int:
        """Number of bytes accepted."""
        chunks = self.bytes or self.parts
        return (self.whole or 0) + (chunks.covered if chunks is not None else 0)

    def check(self, sent: ContentRange | None) -> None:
        """Refuse whatever can be refused without the body.

        See service.md#one-source-per-video, service.md#upload-errors.
        """
        if self.origin in _CLOSED:
            raise upload_problem(_CLOSED[self.origin])
        if self.complete:
            raise upload_problem("video-source-already-uploaded")
        if sent is None:
            if self.bytes is not None or self.parts is not None:
                raise upload_problem("video-content-range-already-initiated")
        elif isinstance(sent, ByteRange):
            if self.parts is not None:
                raise upload_problem("video-content-range-started-with-part")
            (self.bytes or ByteChunks(self._limits)).check(sent)
        else:
            if self.bytes is not None:
                raise upload_problem("video-content-range-started-with-bytes")
            (self.parts or PartChunks(self._limits)).check(sent)

    def accept(self, sent: ContentRange | None, size: int) -> int:
        """Record a request whose body was `size` bytes; the answer is its place in the media.

        Nothing changes when it is refused.
        """
        self.check(sent)
        if size == 0:
            raise upload_problem("uploaded-file-empty")
        if sent is None:
            if size > self._limits.max_chunk:
                raise upload_problem("uploaded-file-too-large")
            self.whole = size
            return 0
        if isinstance(sent, ByteRange):
            byte_chunks = self.bytes or ByteChunks(self._limits)
            byte_chunks.check_size(sent, size)
            self.bytes = byte_chunks
            return byte_chunks.add(sent, size)
        part_chunks = self.parts or PartChunks(self._limits)
        part_chunks.check_size(sent, size)
        self.parts = part_chunks
        return part_chunks.add(sent, size)
