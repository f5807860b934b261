"""Size and options to chunks: the plan of an upload is data, made before anything is sent.

The limits of the protocol (service.md#upload-modes, service.md#upload-rules) are checked here and only here.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from attrs import frozen

from ..config import MIB, REQUEST_LIMITS, Mode, UploadLimits, UploadOptions
from ..errors import SourceError, UploadError
from ..protocol.content_range import ContentRange, PartOf, RangeOf

__all__ = [
    "Chunk",
    "Held",
    "Plan",
    "SendMode",
    "check_total",
    "choose_chunk_size",
    "content_range",
    "make_plan",
    "most_buffered",
    "most_in_flight",
    "plan_rest",
    "stream_chunk_size",
]

SendMode: TypeAlias = Literal["whole", "bytes", "part"]
"""``whole`` is one plain request without Content-Range."""

USUAL_LARGEST = 64 * MIB
"""Chunks grow up to here by themselves: larger ones make a retry expensive."""
LARGEST_FOR_BUDGET = 128 * MIB
"""Chunks grow up to here when requests are what an upload has to wait for."""
USUAL_BUDGET = REQUEST_LIMITS["production"]["uploads"]
"""Assumed until an answer tells."""
USUAL_WIDTH = 4
"""Chunks in flight that small files and the memory of streams are planned for when the concurrency is ``auto``."""
WORTHWHILE = 16 * MIB
"""A file is cut for more of them only into chunks of at least this, to be sparing with requests."""


@frozen
class Chunk:
    """What one upload request carries: ``size`` bytes from ``start``; ``number`` counts from 1."""

    number: int
    start: int
    size: int

    @property
    def stop(self) -> int:
        """First byte after the chunk."""
        return self.start + self.size


@frozen
class Plan:
    """The chunks to send. After an interruption only the missing ones; ``parts`` counts all of them."""

    total: int
    mode: SendMode
    chunk_size: int
    chunks: tuple[Chunk, ...]
    parts: int

    @property
    def held(self) -> int:
        """Bytes that the server holds already."""
        return self.total - sum(chunk.size for chunk in self.chunks)


@frozen
class Held:
    """What the server says it holds of an upload."""

    mode: Mode | None = None
    ranges: tuple[tuple[int, int], ...] = ()
    """Merged, sorted, the second number is the first byte after."""
    parts: frozenset[int] = frozenset()
    parts_total: int | None = None
    filesize: int | None = None
    complete: bool = False
    total: int | None = None
    """What the ranges say the whole file has."""

    def covers(self, chunk: Chunk) -> bool:
        """Whether the server holds all of a chunk."""
        if self.complete:
            return True
        if self.mode == "part":
            return chunk.number in self.parts
        return any(start <= chunk.start and chunk.stop <= stop for start, stop in self.ranges)

    @property
    def empty(self) -> bool:
        """Whether nothing has arrived."""
        return not (self.complete or self.ranges or self.parts)


def merge(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join ranges that touch: the status lists one entry per chunk (service.md#received-chunks)."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple(merged)


def gaps(ranges: Iterable[tuple[int, int]], total: int) -> tuple[tuple[int, int], ...]:
    """Return what is missing from ``0`` to ``total``."""
    missing: list[tuple[int, int]] = []
    position = 0
    for start, stop in merge(ranges):
        if start >= total:
            break
        if start > position:
            missing.append((position, start))
        position = max(position, stop)
    if position < total:
        missing.append((position, total))
    return tuple(missing)


def check_total(total: int, limits: UploadLimits) -> None:
    """Refuse an empty source, and one above the limit of the protocol."""
    if total <= 0:
        raise SourceError("the source is empty (0 bytes): there is nothing to upload")
    if total > limits.largest_total:
        raise SourceError(
            f"the source has {total:,} bytes; api.video takes at most {limits.largest_total:,} "
            f"({limits.largest_total / 1024**3:.1f} GiB): split or compress it"
        )


def most_in_flight(options: UploadOptions) -> int:
    """Chunks of one upload that are ever in flight at once."""
    return options.max_concurrency if options.concurrency == "auto" else options.concurrency


def _workers(total: int, options: UploadOptions) -> int:
    """How many chunks the count should be a multiple of: whatever width is found must find enough of them."""
    if options.concurrency != "auto":
        return options.concurrency
    workers = min(USUAL_WIDTH, options.max_concurrency)
    while 2 * workers <= options.max_concurrency and total >= 2 * workers * WORTHWHILE:
        workers *= 2
    return workers


def choose_chunk_size(total: int, options: UploadOptions, spare: int = USUAL_BUDGET) -> int:
    """Equal chunks, a multiple of the concurrency, not below the smallest allowed, normally at most 64 MiB.

    ``spare``: upload requests that the budget allows now. When they are too few, chunks are as large as 128 MiB,
    because the limit counts requests and not bytes.
    """
    if options.chunk_size is not None:
        return options.chunk_size
    limits = options.limits
    workers = _workers(total, options)
    count = -(-total // min(USUAL_LARGEST, limits.largest_chunk))
    rounded = -(-count // workers) * workers
    count = min(rounded, max(count, total // limits.smallest_chunk), limits.most_parts)
    fewest = -(-total // min(LARGEST_FOR_BUDGET, limits.largest_chunk))
    return -(-total // max(fewest, min(count, spare)))


def stream_chunk_size(options: UploadOptions) -> int:
    """Cut a source of unknown size so that the chunks in flight and the one being filled fit the memory."""
    if options.chunk_size is not None:
        return options.chunk_size
    limits = options.limits
    if options.spool:
        size = USUAL_LARGEST
    else:
        flying = min(USUAL_WIDTH, options.max_concurrency) if options.concurrency == "auto" else options.concurrency
        size = min(USUAL_LARGEST, options.memory // (flying + 1))
    return max(limits.smallest_chunk, min(size, limits.largest_chunk))


def most_buffered(options: UploadOptions, chunk_size: int) -> int:
    """Chunks of a stream that are ever in flight at once; one more is being filled."""
    if options.spool or options.concurrency != "auto":
        return most_in_flight(options)
    return max(1, min(options.max_concurrency, options.memory // chunk_size - 1))


def _cut(total: int, chunk_size: int) -> tuple[Chunk, ...]:
    starts = range(0, total, chunk_size)
    return tuple(Chunk(n, start, min(chunk_size, total - start)) for n, start in enumerate(starts, 1))


def make_plan(total: int, options: UploadOptions, spare: int = USUAL_BUDGET) -> Plan:
    """Plan a fresh upload. Raises ``SourceError`` for a size that api.video does not take."""
    check_total(total, options.limits)
    chunk_size = choose_chunk_size(total, options, spare)
    chunks = _cut(total, chunk_size)
    if len(chunks) > options.limits.most_parts:
        smallest = -(-total // options.limits.most_parts)
        raise SourceError(f"{len(chunks)} chunks are too many: take a chunk_size of at least {smallest:,} bytes")
    mode: SendMode = "whole" if len(chunks) == 1 else options.mode or "bytes"
    return Plan(total, mode, chunk_size, chunks, len(chunks))


def plan_rest(total: int, options: UploadOptions, held: Held, spare: int = USUAL_BUDGET) -> Plan:
    """Plan what the server does not hold yet, in the mode in which the upload was started.

    Raises ``UploadError`` when what is held cannot belong to this source, or cannot be completed.
    """
    if held.total not in (None, total):
        raise UploadError(
            f"the upload was begun with a file of {held.total:,} bytes, the source has {total:,}: not the same file"
        )
    if held.complete:
        size = held.filesize if held.filesize is not None else held.ranges[-1][1] if held.ranges else None
        # While the server still merges numbered parts it may not tell a size; that is looked at again at the end.
        merging = size is None and held.mode == "part"
        if size != total and not merging:
            what = "a complete source" if size is None else f"a complete upload of {size:,} bytes"
            raise UploadError(
                f"this video holds {what} already, the source has {total:,} bytes: create another container for it"
            )
        return Plan(total, held.mode or "whole", total, (), held.parts_total or len(held.parts) or 1)
    if held.empty:
        return make_plan(total, options, spare)
    check_total(total, options.limits)
    return _rest_of_parts(total, options, held) if held.mode == "part" else _rest_of_bytes(total, options, held, spare)


def _rest_of_bytes(total: int, options: UploadOptions, held: Held, spare: int) -> Plan:
    if held.ranges[-1][1] > total:
        raise UploadError(
            f"the server holds bytes up to {held.ranges[-1][1]:,}, the source has {total:,}: not the same file"
        )
    chunk_size = choose_chunk_size(total, options, spare)
    chunks: list[Chunk] = []
    missing = gaps(held.ranges, total)
    if not missing and held.total is None:
        raise UploadError("every byte was sent, but no request said how many there are: create another container")
    for start, stop in missing:
        size = stop - start
        if size < options.limits.smallest_chunk and stop != total:
            raise UploadError(
                f"bytes {start:,} to {stop - 1:,} are missing, but a chunk that small is only allowed at the "
                "end of the file: create another container"
            )
        for piece, end in _pieces(start, stop, total, chunk_size, options.limits):
            chunks.append(Chunk(len(chunks) + 1, piece, end - piece))
    return Plan(total, "bytes", chunk_size, tuple(chunks), len(chunks))


def _pieces(start: int, stop: int, total: int, chunk_size: int, limits: UploadLimits) -> Iterable[tuple[int, int]]:
    """Cut a gap. Only the last piece of the file may be smaller than a chunk; before that, pieces are larger."""
    if stop == total:
        return ((piece, min(piece + chunk_size, stop)) for piece in range(start, stop, chunk_size))
    size = stop - start
    count = max(1, size // chunk_size, -(-size // limits.largest_chunk))
    return ((start + size * n // count, start + size * (n + 1) // count) for n in range(count))


def _rest_of_parts(total: int, options: UploadOptions, held: Held) -> Plan:
    # The status tells numbers, not sizes: cut in another way than before, the parts would make a broken video.
    chunk_size = options.chunk_size
    if chunk_size is None:
        raise UploadError(
            f"the upload was started with numbered parts ({len(held.parts)} are there), whose size the server does not "
            "tell: pass the chunk_size it was started with"
        )
    chunks = _cut(total, chunk_size)
    if held.parts_total not in (None, len(chunks)) or max(held.parts) > len(chunks):
        known = held.parts_total or f"at least {max(held.parts)}"
        raise UploadError(
            f"the upload was started with {known} parts, {chunk_size:,} bytes a part make {len(chunks)}: "
            "pass the chunk_size it was started with"
        )
    rest = tuple(chunk for chunk in chunks if chunk.number not in held.parts)
    if not rest and held.parts_total is None:
        raise UploadError("every part was sent, but none said how many there are: create another container")
    return Plan(total, "part", chunk_size, rest, len(chunks))


def content_range(mode: SendMode, chunk: Chunk, *, total: int | None, parts: int | None) -> ContentRange | None:
    """Say what a request carries; ``total`` and ``parts`` are None while the end is unknown."""
    if mode == "whole":
        return None
    if mode == "part":
        return PartOf(chunk.number, parts)
    return RangeOf(chunk.start, chunk.stop - 1, total)
