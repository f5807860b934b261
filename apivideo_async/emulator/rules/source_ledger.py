"""The source ledger: the uploads that one video has received, and the decision on the next one.

The first upload decides how the video is filled: by one request without ``Content-Range``, by byte
ranges, or by parts. A video that was created from a URL, another video or a broadcast accepts no
upload at all. See service.md#upload-rules, service.md#one-source-per-video.

Every decision is one synchronous call, so no lock is needed: concurrent requests are decided one
after the other, in the order in which their bodies ended (service.md#concurrent-chunks).
"""

from typing import Literal

from attrs import define, field

from .chunks import Chunks
from .problems import refuse
from .ranges import ContentRange, Limits

__all__ = ["Origin", "SourceLedger"]

Origin = Literal["upload", "url", "clone", "live"]
_REFUSED_ORIGINS = {
    "url": "video-source-already-downloaded",
    "clone": "video-source-already-copied",
    "live": "video-source-already-uploaded",
}
_UNIT_CHANGED = {
    "bytes": "video-content-range-started-with-bytes",
    "parts": "video-content-range-started-with-part",
}


@define(eq=False)
class SourceLedger:
    """The ledger of one video. ``whole_size`` is the size in bytes of an upload in one request."""

    _limits: Limits
    origin: Origin = "upload"
    chunks: Chunks | None = field(default=None, init=False)
    whole_size: int | None = field(default=None, init=False)

    @property
    def started(self) -> bool:
        return self.whole_size is not None or self.chunks is not None

    @property
    def complete(self) -> bool:
        """Whether the upload is complete (service.md#upload-completion)."""
        return self.whole_size is not None or (self.chunks is not None and self.chunks.complete)

    @property
    def size(self) -> int:
        return self.chunks.size if self.chunks is not None else self.whole_size or 0

    def check(self, chunk: ContentRange | None) -> None:
        """Raise a refusal if the request can be refused without its body."""
        if self.origin in _REFUSED_ORIGINS:
            raise refuse(_REFUSED_ORIGINS[self.origin])
        if self.complete:
            raise refuse("video-source-already-uploaded")
        if chunk is not None:
            self._chunks_for(chunk).check(chunk)
        elif self.started:
            raise refuse("video-content-range-already-initiated")

    def _chunks_for(self, chunk: ContentRange) -> Chunks:
        # A temporary object checks the first chunk: only ``accept`` changes the ledger.
        chunks = self.chunks or Chunks(chunk.unit, self._limits)
        if chunks.unit != chunk.unit:
            raise refuse(_UNIT_CHANGED[chunks.unit])
        return chunks

    def accept(self, chunk: ContentRange | None, size: int) -> int:
        """Record a file of ``size`` bytes. Return its position among the files of the video.

        Positions are in the order of the media. They count bytes or parts. Raises a refusal, after
        which the ledger is unchanged.
        """
        # The ledger may have changed since the header was checked.
        self.check(chunk)
        if size == 0:
            raise refuse("uploaded-file-empty")
        if chunk is None:
            if size > self._limits.max_chunk:
                raise refuse("uploaded-file-too-large")
            self.whole_size = size
            return 0
        chunks = self._chunks_for(chunk)
        chunks.check_size(chunk, size)
        # Set after the last check, so that a refused first chunk leaves the ledger empty.
        self.chunks = chunks
        chunks.add(chunk, size)
        return chunk.start
