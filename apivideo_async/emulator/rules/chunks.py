"""The chunks that one upload has received: a class for byte ranges, and one for parts.

Both classes have three steps. ``check`` decides on the ``Content-Range`` header, before the body is
read. ``check_size`` decides on the size of the file, after the body was read. ``add`` records the
chunk. See service.md#upload-rules, service.md#upload-errors.

Only the last chunk of a file may be smaller than the minimum size. While the total is unknown, the
last position is unknown too. A small chunk is then accepted if it is the highest one so far. From
then on, higher chunks are refused, and so is a total that does not make the small chunk the last
one (service.md#small-chunks).
"""

from bisect import bisect_left, insort

from attrs import define, field

from .ranges import ByteRange, Limits, Part
from .upload_problems import by_bytes, by_part, upload_problem

__all__ = ["ByteChunks", "PartChunks"]


@define(eq=False)
class ByteChunks:
    """Accepted byte ranges. They never overlap.

    ``ranges`` are the accepted ranges ``(first, last)``, both inclusive, in ascending order.
    ``covered`` is the number of bytes accepted.
    """

    _limits: Limits
    # Sorted, so that one binary search finds the neighbours of a new range.
    ranges: list[tuple[int, int]] = field(factory=list, init=False)
    covered: int = field(default=0, init=False)
    total: int | None = field(default=None, init=False)
    # The last byte of the accepted range below the minimum size. There is one at most.
    _small_last: int | None = field(default=None, init=False)

    @property
    def complete(self) -> bool:
        """Whether the total is known and every byte was accepted (service.md#upload-completion)."""
        # The ranges do not overlap, so their sizes add up to the total only if there is no gap.
        return self.covered == self.total

    def check(self, chunk: ByteRange) -> None:
        """Raise a refusal if the range contradicts the ranges and the total so far."""
        known = self.total
        if known is not None and chunk.total not in {None, known}:
            detail = f'The "total_bytes" you already set for this video is {known}.'
            raise by_bytes("different-total-bytes", detail)
        if known is not None and chunk.last >= known:
            raise by_bytes("to-byte-too-high-total")
        if chunk.total is not None and self.ranges and chunk.total <= self.ranges[-1][1]:
            raise by_bytes("total-bytes-too-low")
        if self._overlaps(chunk):
            raise by_bytes("range-overlap")
        self._check_small(chunk)

    def _overlaps(self, chunk: ByteRange) -> bool:
        # The accepted ranges do not overlap, so only the two neighbours can overlap the new range.
        index = bisect_left(self.ranges, (chunk.first, chunk.first))
        follows = index < len(self.ranges) and self.ranges[index][0] <= chunk.last
        return follows or (index > 0 and self.ranges[index - 1][1] >= chunk.first)

    def _check_small(self, chunk: ByteRange) -> None:
        # This request may be the one that states the total.
        total = self.total if chunk.total is None else chunk.total
        highest = max(chunk.last, self.ranges[-1][1] if self.ranges else 0)
        # The last byte of the file, or the highest byte so far while the total is unknown.
        last_byte = highest if total is None else total - 1
        if chunk.length < self._limits.min_chunk and chunk.last != last_byte:
            raise by_bytes("range-too-small")
        # This range, or the total that it states, would put the earlier small range before the end.
        if self._small_last not in {None, last_byte}:
            raise by_bytes("range-too-small", "A range below the minimum size is not the last one.")

    def check_size(self, chunk: ByteRange, size: int) -> None:
        """Raise a refusal if the size of the file differs from the length of the range."""
        if size != chunk.length:
            raise by_bytes(
                "range-mismatch",
                f"The size of the file you sent is {size} bytes but the range length you set is "
                f"{chunk.length}.",
            )

    def add(self, chunk: ByteRange, size: int) -> int:
        """Record a range that passed the checks. Return its position in the media."""
        insort(self.ranges, (chunk.first, chunk.last))
        self.covered += size
        if size < self._limits.min_chunk:
            self._small_last = chunk.last
        if chunk.total is not None:
            self.total = chunk.total
        return chunk.first


@define(eq=False)
class PartChunks:
    """Accepted numbered parts. ``covered`` is the number of bytes accepted."""

    _limits: Limits
    covered: int = field(default=0, init=False)
    total: int | None = field(default=None, init=False)
    _accepted: set[int] = field(factory=set, init=False)
    _highest: int = field(default=0, init=False)
    # The number of the accepted part below the minimum size. There is one at most.
    _small: int | None = field(default=None, init=False)

    @property
    def numbers(self) -> list[int]:
        """The accepted part numbers in ascending order."""
        return sorted(self._accepted)

    @property
    def complete(self) -> bool:
        """Whether the total is known and every part was accepted (service.md#upload-completion)."""
        # ``check`` refuses numbers above the total, so the count is sufficient.
        return len(self._accepted) == self.total

    def check(self, chunk: Part) -> None:
        """Raise a refusal if the part contradicts the parts and the total so far."""
        known = self.total
        if known is not None and chunk.total not in {None, known}:
            detail = f'The "total_parts" you already set for this video is {known}.'
            raise by_part("different-total-parts", detail)
        if known is not None and chunk.number > known:
            raise by_part("part-too-high-total")
        if chunk.total is not None and chunk.total < self._highest:
            raise by_part("total-parts-too-low")
        if chunk.number in self._accepted:
            detail = f"The part number {chunk.number} has already been sent."
            raise by_part("part-already-sent", detail)

    def check_size(self, chunk: Part, size: int) -> None:
        """Raise a refusal if the part is too large, or too small for its position.

        The header of a part states no size, so all sizes are checked here.
        """
        if size > self._limits.max_chunk:
            raise upload_problem("uploaded-file-too-large")
        total = self.total if chunk.total is None else chunk.total
        last_number = max(chunk.number, self._highest) if total is None else total
        if size < self._limits.min_chunk and chunk.number != last_number:
            raise by_part("uploaded-file-too-small")
        # This part, or the total that it states, would put the earlier small part before the end.
        if self._small not in {None, last_number}:
            detail = (
                f"The part number {self._small} is below the minimum size and not the last one."
            )
            raise by_part("uploaded-file-too-small", detail)

    def add(self, chunk: Part, size: int) -> int:
        """Record a part that passed the checks. Return its position in the media."""
        self._accepted.add(chunk.number)
        self._highest = max(self._highest, chunk.number)
        self.covered += size
        if size < self._limits.min_chunk:
            self._small = chunk.number
        if chunk.total is not None:
            self.total = chunk.total
        return chunk.number
