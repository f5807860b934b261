"""The chunks that one upload has received: a class for byte ranges, and one for parts.

Both classes have three steps. ``check`` decides on the ``Content-Range`` header, before the body is
read. ``check_size`` decides on the size of the file, after the body was read. ``add`` records the
chunk. See service.md#upload-rules.

Only the last chunk of a file may be smaller than the minimum size. While the total is unknown, the
last position is unknown too. A small chunk is then accepted if it is the highest one so far. From
then on, higher chunks are refused, and so is a total that does not make the small chunk the last
one (service.md#small-chunks).
"""

from __future__ import annotations

from bisect import bisect_left, insort

from .content_range import ByteRange, Limits, Part
from .upload_problems import by_bytes, by_part, upload_problem


class ByteChunks:
    """Accepted byte ranges. They never overlap.

    The upload is complete when they cover the total without a gap.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Sorted, so that one binary search finds the neighbours of a new range.
        self._ranges: list[tuple[int, int]] = []
        # The accepted range below the minimum size. There is one at most.
        self._small: tuple[int, int] | None = None
        self._covered = 0
        self.total: int | None = None

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The accepted ranges ``(first, last)``, both inclusive, in ascending order."""
        return list(self._ranges)

    @property
    def covered(self) -> int:
        """The number of bytes accepted."""
        return self._covered

    @property
    def complete(self) -> bool:
        """Whether the total is known and every byte was accepted (service.md#upload-completion)."""
        # The ranges do not overlap, so their sizes add up to the total only if there is no gap.
        return self.total is not None and self._covered == self.total

    def check(self, sent: ByteRange) -> None:
        """Raise a refusal if the range contradicts the ranges and the total so far.

        See service.md#upload-errors.
        """
        known = self.total
        if sent.total is not None and known is not None and sent.total != known:
            raise by_bytes(
                "different-total-bytes",
                f'The "total_bytes" you already set for this video is {known}.',
            )
        if known is not None and sent.last >= known:
            raise by_bytes("to-byte-too-high-total")
        if sent.total is not None and self._ranges and sent.total <= self._ranges[-1][1]:
            raise by_bytes("total-bytes-too-low")
        if self._overlaps(sent):
            raise by_bytes("range-overlap")
        self._check_small(sent)

    def _overlaps(self, sent: ByteRange) -> bool:
        # The accepted ranges do not overlap, so only the two neighbours can overlap the new range.
        at = bisect_left(self._ranges, (sent.first, sent.first))
        follows = at < len(self._ranges) and self._ranges[at][0] <= sent.last
        return follows or (at > 0 and self._ranges[at - 1][1] >= sent.first)

    def _check_small(self, sent: ByteRange) -> None:
        # This request may be the one that states the total.
        total = self.total if sent.total is None else sent.total
        highest = max(sent.last, self._ranges[-1][1] if self._ranges else 0)
        # The last byte of the file, or the highest byte so far while the total is unknown.
        last_place = highest if total is None else total - 1
        if sent.length < self._limits.min_chunk and sent.last != last_place:
            raise by_bytes("range-too-small")
        # This range, or the total that it states, would put the earlier small range before the end.
        if self._small is not None and self._small[1] != last_place:
            raise by_bytes("range-too-small", "A range below the minimum size is not the last one.")

    def check_size(self, sent: ByteRange, size: int) -> None:
        """Raise a refusal if the size of the file differs from the length of the range.

        See service.md#upload-errors.
        """
        if size != sent.length:
            raise by_bytes(
                "range-mismatch",
                f"The size of the file you sent is {size} bytes but the range length you set is {sent.length}.",
            )

    def add(self, sent: ByteRange, size: int) -> int:
        """Record a range that passed the checks. Return its position in the media."""
        insort(self._ranges, (sent.first, sent.last))
        self._covered += size
        if size < self._limits.min_chunk:
            self._small = (sent.first, sent.last)
        if sent.total is not None:
            self.total = sent.total
        return sent.first


class PartChunks:
    """Accepted numbered parts.

    The upload is complete when the total is known and every number was accepted.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sizes: dict[int, int] = {}
        self._highest = 0
        self._small: int | None = None
        self._covered = 0
        self.total: int | None = None

    @property
    def numbers(self) -> list[int]:
        """The accepted part numbers in ascending order."""
        return sorted(self._sizes)

    @property
    def covered(self) -> int:
        """The number of bytes accepted."""
        return self._covered

    @property
    def complete(self) -> bool:
        """Whether the total is known and every part was accepted (service.md#upload-completion)."""
        # ``check`` refuses numbers above the total, so the count is sufficient.
        return self.total is not None and len(self._sizes) == self.total

    def check(self, sent: Part) -> None:
        """Raise a refusal if the part contradicts the parts and the total so far.

        See service.md#upload-errors.
        """
        known = self.total
        if sent.total is not None and known is not None and sent.total != known:
            raise by_part(
                "different-total-parts",
                f'The "total_parts" you already set for this video is {known}.',
            )
        if known is not None and sent.number > known:
            raise by_part("part-too-high-total")
        if sent.total is not None and sent.total < self._highest:
            raise by_part("total-parts-too-low")
        if sent.number in self._sizes:
            raise by_part(
                "part-already-sent", f"The part number {sent.number} has already been sent."
            )

    def check_size(self, sent: Part, size: int) -> None:
        """Raise a refusal if the part is too large, or too small for its position.

        The header of a part states no size, so sizes are checked here. See service.md#upload-modes,
        service.md#small-chunks.
        """
        if size > self._limits.max_chunk:
            raise upload_problem("uploaded-file-too-large")
        total = self.total if sent.total is None else sent.total
        last_place = max(sent.number, self._highest) if total is None else total
        if size < self._limits.min_chunk and sent.number != last_place:
            raise by_part("uploaded-file-too-small")
        # This part, or the total that it states, would put the earlier small part before the end.
        if self._small is not None and self._small != last_place:
            raise by_part(
                "uploaded-file-too-small",
                f"The part number {self._small} is below the minimum size and not the last one.",
            )

    def add(self, sent: Part, size: int) -> int:
        """Record a part that passed the checks. Return its position in the media."""
        self._sizes[sent.number] = size
        self._highest = max(self._highest, sent.number)
        self._covered += size
        if size < self._limits.min_chunk:
            self._small = sent.number
        if sent.total is not None:
            self.total = sent.total
        return sent.number
