"""How a probe divides a file: chunks of one size, and a small last one. No I/O."""

from attrs import frozen

from ..config import Mode
from ..protocol.content_range import ContentRange, PartOf, RangeOf
from .service import SMALL

__all__ = ["Layout"]


@frozen
class Layout:
    """``full`` chunks of ``chunk`` bytes, and a last one of ``SMALL`` bytes. Numbers count from 1.

    With ``full`` 0, the file is one small chunk.
    """

    mode: Mode
    chunk: int
    full: int

    def size(self, number: int) -> int:
        """Return the bytes of a chunk."""
        return self.chunk if number <= self.full else SMALL

    def content_range(self, number: int, *, total: bool = True) -> ContentRange:
        """Return the header of a chunk, with or without the total."""
        if self.mode == "part":
            return PartOf(number, self.full + 1 if total else None)
        start = (number - 1) * self.chunk
        whole = self.full * self.chunk + SMALL
        return RangeOf(start, start + self.size(number) - 1, whole if total else None)
