"""The chunks that one upload has received: byte ranges, or numbered parts.

The same rules apply to both, because a part is a range of one unit: the unit is a byte or a part,
and ``start``, ``end`` and the total count units.

There are three steps. ``check`` decides on the ``Content-Range`` header, before the body is read.
``check_size`` decides on the size of the file, after the body was read. ``add`` records the chunk.
See service.md#upload-rules, service.md#upload-errors.

Only the last chunk of a file may be smaller than the minimum size. While the total is unknown, a
small chunk is accepted if it is the highest one so far. From then on, higher chunks are refused,
and so is a total that does not make the small chunk the last one (service.md#small-chunks).
"""

from bisect import bisect_left, insort

from attrs import define, field

from .problems import refuse
from .ranges import ContentRange, Limits, Unit

__all__ = ["Chunks"]

# The ends of those slugs that differ between the units.
_BEYOND_TOTAL = {"bytes": "to-byte-too-high-total", "parts": "part-too-high-total"}
_TOO_SMALL = {"bytes": "range-too-small", "parts": "uploaded-file-too-small"}
_SMALL_DETAIL = {
    "bytes": "A range below the minimum size is not the last one.",
    "parts": "The part number {} is below the minimum size and not the last one.",
}


@define(eq=False)
class Chunks:
    """The accepted chunks of one upload, which never overlap.

    ``ranges`` are ``(start, end)`` in ascending order. ``size`` is the number of bytes accepted.
    """

    unit: Unit
    _limits: Limits
    ranges: list[tuple[int, int]] = field(factory=list, init=False)
    total: int | None = field(default=None, init=False)
    size: int = field(default=0, init=False)
    _received_units: int = field(default=0, init=False)
    # The end of the accepted chunk below the minimum size. There is one at most.
    _small_end: int | None = field(default=None, init=False)

    @property
    def complete(self) -> bool:
        """Whether the total is known and every unit was accepted (service.md#upload-completion)."""
        # The ranges do not overlap, so their lengths add up to the total only if there is no gap.
        return self._received_units == self.total

    def check(self, chunk: ContentRange) -> None:
        """Raise a refusal if the chunk contradicts the chunks and the total so far."""
        known = self.total
        if known is not None and chunk.total not in {None, known}:
            detail = f'The "total_{self.unit}" you already set for this video is {known}.'
            raise chunk.refuse(f"different-total-{self.unit}", detail)
        if known is not None and chunk.end > known:
            raise chunk.refuse(_BEYOND_TOTAL[self.unit])
        if chunk.total is not None and chunk.total < self._highest_end:
            raise chunk.refuse(f"total-{self.unit}-too-low")
        if self._overlaps(chunk):
            if self.unit == "bytes":
                raise chunk.refuse("range-overlap")
            detail = f"The part number {chunk.end} has already been sent."
            raise chunk.refuse("part-already-sent", detail)
        if chunk.size is not None:
            self._check_small(chunk, chunk.size)

    def check_size(self, chunk: ContentRange, size: int) -> None:
        """Raise a refusal if a file of ``size`` bytes does not fit the header."""
        if chunk.size is None:
            if size > self._limits.max_chunk:
                raise refuse("uploaded-file-too-large")
            self._check_small(chunk, size)
        elif size != chunk.size:
            detail = f"The size of the file you sent is {size} bytes"
            detail += f" but the range length you set is {chunk.size}."
            raise chunk.refuse("range-mismatch", detail)

    def add(self, chunk: ContentRange, size: int) -> None:
        """Record a chunk that passed the checks."""
        insort(self.ranges, (chunk.start, chunk.end))
        self._received_units += chunk.end - chunk.start
        self.size += size
        if size < self._limits.min_chunk:
            self._small_end = chunk.end
        if chunk.total is not None:
            self.total = chunk.total

    @property
    def first_gap(self) -> int:
        """The first unit that was not accepted."""
        end = 0
        for start, stop in self.ranges:
            if start > end:
                break
            end = stop
        return end

    @property
    def _highest_end(self) -> int:
        return self.ranges[-1][1] if self.ranges else 0

    def _overlaps(self, chunk: ContentRange) -> bool:
        # The accepted ranges do not overlap, so only the two neighbours can overlap the new range.
        index = bisect_left(self.ranges, (chunk.start, chunk.start))
        follows = index < len(self.ranges) and self.ranges[index][0] < chunk.end
        return follows or (index > 0 and self.ranges[index - 1][1] > chunk.start)

    def _check_small(self, chunk: ContentRange, size: int) -> None:
        # This request may be the one that states the total.
        total = self.total if chunk.total is None else chunk.total
        # While the total is unknown, the highest chunk so far counts as the last one.
        last_end = max(chunk.end, self._highest_end) if total is None else total
        if size < self._limits.min_chunk and chunk.end != last_end:
            raise chunk.refuse(_TOO_SMALL[self.unit])
        # This chunk, or the total that it states, would put the earlier small chunk before the end.
        if self._small_end not in {None, last_end}:
            detail = _SMALL_DETAIL[self.unit].format(self._small_end)
            raise chunk.refuse(_TOO_SMALL[self.unit], detail)
