"""The chunks that one upload has received: one set for byte ranges, one for parts (service.md#upload-rules).

Both answer the same three questions. `check`: may this chunk come, as far as its header tells? `check_size`:
may it come, now that its size is known? `add`: record it. A chunk below the minimum is legal only in last
place. While the total is unknown nobody can tell which place is last, so a small chunk is let in as long as
it is the highest, and whatever would take that place from it is refused (service.md#small-chunks).
"""

from __future__ import annotations

from bisect import bisect_left, insort

from .content_range import ByteRange, Limits, Part
from .upload_problems import by_bytes, by_part, upload_problem


class ByteChunks:
    """Byte ranges that never overlap; complete when they cover the total without a gap."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ranges: list[tuple[int, int]] = []
        self._small: tuple[int, int] | None = None
        self._covered = 0
        self.total: int | None = None

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Accepted ranges `(first, last)` in order."""
        return list(self._ranges)

    @property
    def covered(self) -> int:
        """Number of bytes accepted."""
        return self._covered

    @property
    def complete(self) -> bool:
        """Whether the total is known and every byte is there (service.md#upload-completion)."""
        return self.total is not None and self._covered == self.total

    def check(self, sent: ByteRange) -> None:
        """Refuse a range that contradicts the ranges and the total seen so far (service.md#upload-errors)."""
        known = self.total
        if sent.total is not None and known is not None and sent.total != known:
            raise by_bytes("different-total-bytes", f'The "total_bytes" you already set for this video is {known}.')
        if known is not None and sent.last >= known:
            raise by_bytes("to-byte-too-high-total")
        if sent.total is not None and self._ranges and sent.total <= self._ranges[-1][1]:
            raise by_bytes("total-bytes-too-low")
        if self._overlaps(sent):
            raise by_bytes("range-overlap")
        self._check_small(sent)

    def _overlaps(self, sent: ByteRange) -> bool:
        at = bisect_left(self._ranges, (sent.first, sent.first))
        follows = at < len(self._ranges) and self._ranges[at][0] <= sent.last
        return follows or (at > 0 and self._ranges[at - 1][1] >= sent.first)

    def _check_small(self, sent: ByteRange) -> None:
        total = self.total if sent.total is None else sent.total
        highest = max(sent.last, self._ranges[-1][1] if self._ranges else 0)
        last_place = highest if total is None else total - 1
        if sent.length < self._limits.min_chunk and sent.last != last_place:
            raise by_bytes("range-too-small")
        if self._small is not None and self._small[1] != last_place:
            raise by_bytes("range-too-small", "A range below the minimum size is not the last one.")

    def check_size(self, sent: ByteRange, size: int) -> None:
        """Refuse a file whose size is not the range's (service.md#upload-errors)."""
        if size != sent.length:
            raise by_bytes(
                "range-mismatch",
                f"The size of the file you sent is {size} bytes but the range length you set is {sent.length}.",
            )

    def add(self, sent: ByteRange, size: int) -> int:
        """Record a checked range; the answer is its place in the media."""
        insort(self._ranges, (sent.first, sent.last))
        self._covered += size
        if size < self._limits.min_chunk:
            self._small = (sent.first, sent.last)
        if sent.total is not None:
            self.total = sent.total
        return sent.first


class PartChunks:
    """Numbered parts; complete when the total is known and every number is there."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sizes: dict[int, int] = {}
        self._highest = 0
        self._small: int | None = None
        self._covered = 0
        self.total: int | None = None

    @property
    def numbers(self) -> list[int]:
        """Accepted part numbers in order."""
        return sorted(self._sizes)

    @property
    def covered(self) -> int:
        """Number of bytes accepted."""
        return self._covered

    @property
    def complete(self) -> bool:
        """Whether the total is known and every part is there (service.md#upload-completion)."""
        return self.total is not None and len(self._sizes) == self.total

    def check(self, sent: Part) -> None:
        """Refuse a part that contradicts the parts and the total seen so far (service.md#upload-errors)."""
        known = self.total
        if sent.total is not None and known is not None and sent.total != known:
            raise by_part("different-total-parts", f'The "total_parts" you already set for this video is {known}.')
        if known is not None and sent.number > known:
            raise by_part("part-too-high-total")
        if sent.total is not None and sent.total < self._highest:
            raise by_part("total-parts-too-low")
        if sent.number in self._sizes:
            raise by_part("part-already-sent", f"The part number {sent.number} has already been sent.")

    def check_size(self, sent: Part, size: int) -> None:
        """Refuse a part that is too large, or too small for its place.

        See service.md#upload-modes, service.md#small-chunks.
        """
        if size > self._limits.max_chunk:
            raise upload_problem("uploaded-file-too-large")
        total = self.total if sent.total is None else sent.total
        last_place = max(sent.number, self._highest) if total is None else total
        if size < self._limits.min_chunk and sent.number != last_place:
            raise by_part("uploaded-file-too-small")
        if self._small is not None and self._small != last_place:
            raise by_part(
                "uploaded-file-too-small",
                f"The part number {self._small} is below the minimum size and not the last one.",
            )

    def add(self, sent: Part, size: int) -> int:
        """Record a checked part; the answer is its place in the media."""
        self._sizes[sent.number] = size
        self._highest = max(self._highest, sent.number)
        self._covered += size
        if size < self._limits.min_chunk:
            self._small = sent.number
        if sent.total is not None:
            self.total = sent.total
        return sent.number
