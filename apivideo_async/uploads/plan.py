"""The plan of an upload: from its size and options to chunks, before anything is sent.

The plan is plain data. The limits of the protocol (service.md#upload-modes,
service.md#upload-rules) are checked in this module only.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from attrs import frozen

from ..config import MIB, REQUEST_LIMITS, Mode, UploadLimits, UploadOptions
from ..errors import SourceError, UploadError

__all__ = [
    "ASSUMED_BUDGET",
    "UNKNOWN_PART_SIZE",
    "Chunk",
    "Plan",
    "Received",
    "SendMode",
    "check_total",
    "choose_chunk_size",
    "gaps",
    "make_plan",
    "merge",
    "most_buffered",
    "most_in_flight",
    "plan_rest",
    "stream_chunk_size",
]

SendMode: TypeAlias = Literal["whole", "bytes", "part"]
"""``whole`` is one plain request without Content-Range."""

LARGEST_AUTOMATIC = 64 * MIB
"""Largest automatic chunk size. Larger chunks make a retry expensive."""
LARGEST_FOR_BUDGET = 128 * MIB
"""Largest automatic chunk size when the request budget limits the upload."""
LIMITED_SECONDS = 30
"""Seconds of the bandwidth limit that an automatic chunk has at most. A chunk that took much longer
would make a retry expensive, and some gateways limit the duration of a request."""
ASSUMED_BUDGET = REQUEST_LIMITS["production"]["uploads"]
"""Assumed number of upload requests per minute until a response reports the limit."""
ASSUMED_WIDTH = 4
"""Chunks in flight that the plan assumes for ``concurrency="auto"``: small files and streams."""
UNKNOWN_PART_SIZE = (
    "the upload was started with numbered parts, and the server does not report their size: "
    "pass the chunk_size it was started with"
)
WIDE_CHUNK = 16 * MIB
"""Smallest chunk of a plan for more than ``ASSUMED_WIDTH``. Smaller ones would waste requests."""


@frozen
class Chunk:
    """One upload request: ``size`` bytes from offset ``start``. ``number`` counts from 1."""

    number: int
    start: int
    size: int

    @property
    def stop(self) -> int:
        """Offset of the first byte after the chunk."""
        return self.start + self.size


@frozen
class Plan:
    """The chunks to send. ``total`` (bytes) and ``parts`` also count those that the server has."""

    total: int
    mode: SendMode
    chunk_size: int
    chunks: tuple[Chunk, ...]
    parts: int

    @property
    def received_bytes(self) -> int:
        """Number of bytes that the server received before this plan."""
        return self.total - sum(chunk.size for chunk in self.chunks)


@frozen
class Received:
    """The chunks that the server reports as received (service.md#received-chunks)."""

    mode: Mode | None = None
    ranges: tuple[tuple[int, int], ...] = ()
    """Received byte ranges, merged and sorted. The end of a range is exclusive."""
    parts: frozenset[int] = frozenset()
    parts_total: int | None = None
    filesize: int | None = None
    complete: bool = False
    total: int | None = None
    """Size of the whole file in bytes, as given in the byte ranges."""

    def covers(self, chunk: Chunk) -> bool:
        """Return True if the server has all bytes of ``chunk``."""
        if self.complete:
            return True
        if self.mode == "part":
            return chunk.number in self.parts
        return any(start <= chunk.start and chunk.stop <= stop for start, stop in self.ranges)

    @property
    def size(self) -> int | None:
        """Size of a complete upload in bytes, or None if the server does not report it."""
        if self.filesize is not None or not self.ranges:
            return self.filesize
        return self.ranges[-1][1]

    @property
    def empty(self) -> bool:
        """True if the server has received nothing."""
        return not (self.complete or self.ranges or self.parts)


def merge(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sort ranges and join those that touch or overlap: the status has one entry per chunk."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple(merged)


def gaps(ranges: Iterable[tuple[int, int]], total: int) -> tuple[tuple[int, int], ...]:
    """Return the missing ranges between 0 and ``total``. Ends are exclusive."""
    missing: list[tuple[int, int]] = []
    position = 0
    for start, stop in (*merge(ranges), (total, total)):
        if min(start, total) > position:
            missing.append((position, min(start, total)))
        position = max(position, stop)
    return tuple(missing)


def check_total(total: int, limits: UploadLimits) -> None:
    """Raise ``SourceError`` for an empty source or one above the size limit of the protocol."""
    if total <= 0:
        raise SourceError("the source is empty (0 bytes): there is nothing to upload")
    if total > limits.largest_total:
        raise SourceError(
            f"the source has {total:,} bytes; api.video accepts at most {limits.largest_total:,} "
            f"({limits.largest_total / 1024**3:.1f} GiB): split or compress it"
        )


def most_in_flight(options: UploadOptions) -> int:
    """Return the largest number of chunks that one upload can have in flight."""
    return options.max_concurrency if options.concurrency == "auto" else options.concurrency


def _assumed_width(options: UploadOptions) -> int:
    if options.concurrency != "auto":
        return options.concurrency
    return min(ASSUMED_WIDTH, options.max_concurrency)


def _planned_width(total: int, options: UploadOptions) -> int:
    """With ``auto`` the width may grow, so a large file gets enough chunks for its upper bound."""
    width = _assumed_width(options)
    if options.concurrency == "auto":
        while 2 * width <= options.max_concurrency and total >= 2 * width * WIDE_CHUNK:
            width *= 2
    return width


def _ceil_div(size: int, by: int) -> int:
    return -(-size // by)


def choose_chunk_size(
    total: int,
    options: UploadOptions,
    spare: int = ASSUMED_BUDGET,
    limit_rate: int | None = None,
) -> int:
    """Choose the chunk size in bytes for a source of ``total`` bytes.

    Chunks are equal, and their number is a multiple of the concurrency where possible. Their size
    is at most 64 MiB, or up to 128 MiB if ``spare``, the number of upload requests that the budget
    allows now, is too small, because the limit counts requests instead of bytes. With a bandwidth
    limit of ``limit_rate`` bytes per second, the size is reduced to about ``LIMITED_SECONDS`` of
    it, and no budget can be too small.
    """
    if options.chunk_size is not None:
        return options.chunk_size
    limits = options.limits
    width = _planned_width(total, options)
    count = _ceil_div(total, min(LARGEST_AUTOMATIC, limits.largest_chunk))
    if limit_rate is not None:
        # Rounded down, so that no chunk becomes smaller than the protocol allows.
        limited = total // max(limits.smallest_chunk, limit_rate * LIMITED_SECONDS)
        if limited > count:
            return _ceil_div(total, min(limited, limits.most_parts))
    # Round the count up to a multiple of the width, as long as no chunk becomes smaller than the
    # protocol allows.
    rounded = _ceil_div(count, width) * width
    count = min(rounded, max(count, total // limits.smallest_chunk), limits.most_parts)
    # A small budget reduces the count, down to chunks of ``LARGEST_FOR_BUDGET``.
    fewest = _ceil_div(total, min(LARGEST_FOR_BUDGET, limits.largest_chunk))
    return _ceil_div(total, max(fewest, min(count, spare)))


def stream_chunk_size(options: UploadOptions) -> int:
    """Choose the chunk size of a stream in bytes, so that all chunks fit in ``options.memory``."""
    if options.chunk_size is not None:
        return options.chunk_size
    limits = options.limits
    size = LARGEST_AUTOMATIC
    if not options.spool:
        # One more chunk than those in flight: the one that is being filled.
        size = min(size, options.memory // (_assumed_width(options) + 1))
    return max(limits.smallest_chunk, min(size, limits.largest_chunk))


def most_buffered(options: UploadOptions, chunk_size: int) -> int:
    """Return how many chunks of a stream may be in flight while one more is being filled."""
    if options.spool or options.concurrency != "auto":
        return most_in_flight(options)
    return max(1, min(options.max_concurrency, options.memory // chunk_size - 1))


def _cut(total: int, chunk_size: int) -> tuple[Chunk, ...]:
    starts = range(0, total, chunk_size)
    return tuple(
        Chunk(n, start, min(chunk_size, total - start)) for n, start in enumerate(starts, 1)
    )


def make_plan(
    total: int,
    options: UploadOptions,
    spare: int = ASSUMED_BUDGET,
    limit_rate: int | None = None,
) -> Plan:
    """Plan a new upload. Raises ``SourceError`` for an empty source or too many bytes or chunks."""
    check_total(total, options.limits)
    chunk_size = choose_chunk_size(total, options, spare, limit_rate)
    chunks = _cut(total, chunk_size)
    if len(chunks) > options.limits.most_parts:
        smallest = _ceil_div(total, options.limits.most_parts)
        raise SourceError(
            f"the source has {len(chunks)} chunks; api.video accepts at most "
            f"{options.limits.most_parts:,}: set chunk_size to at least {smallest:,} bytes"
        )
    mode: SendMode = "whole" if len(chunks) == 1 else options.mode or "bytes"
    return Plan(total, mode, chunk_size, chunks, len(chunks))


def plan_rest(
    total: int,
    options: UploadOptions,
    received: Received,
    spare: int = ASSUMED_BUDGET,
    limit_rate: int | None = None,
) -> Plan:
    """Plan the chunks that the server does not hold, in the mode in which the upload was started.

    Raises ``UploadError`` if the stored chunks cannot belong to this source or the upload cannot be
    completed, and ``SourceError`` as ``make_plan`` does.
    """
    if received.total not in (None, total):
        raise UploadError(
            f"the upload was started with a file of {received.total:,} bytes, "
            f"the source has {total:,}: not the same file; use another video or idempotency key"
        )
    if received.complete:
        return _nothing_left(total, received)
    if received.empty:
        return make_plan(total, options, spare, limit_rate)
    check_total(total, options.limits)
    if received.mode == "part":
        return _rest_of_parts(total, options, received)
    return _rest_of_bytes(total, options, received, spare, limit_rate)


def _nothing_left(total: int, received: Received) -> Plan:
    """Plan no chunk, because the upload is complete. Raises ``UploadError`` for another size."""
    size = received.size
    # While the server merges numbered parts, it may not report a size. The check at the end of
    # the upload covers this case.
    merging = size is None and received.mode == "part"
    if size != total and not merging:
        content = "a source" if size is None else f"a source of {size:,} bytes"
        raise UploadError(
            f"the video already has {content}, and the source to upload has {total:,} bytes: "
            "create another container"
        )
    parts = received.parts_total or len(received.parts) or 1
    return Plan(total, received.mode or "whole", total, (), parts)


def _rest_of_bytes(
    total: int, options: UploadOptions, received: Received, spare: int, limit_rate: int | None
) -> Plan:
    if received.ranges[-1][1] > total:
        raise UploadError(
            f"the server has bytes up to {received.ranges[-1][1]:,}, the source has {total:,}: "
            "not the same file; use another video or idempotency key"
        )
    chunk_size = choose_chunk_size(total, options, spare, limit_rate)
    chunks: list[Chunk] = []
    missing = gaps(received.ranges, total)
    # The upload completes only with a request that contains the total, and no byte is left to send.
    if not missing and received.total is None:
        raise UploadError(
            "the server has every byte, but no request stated the total size: "
            "create another container"
        )
    for start, stop in missing:
        size = stop - start
        # The protocol accepts a small chunk only at the end of the file (service.md#small-chunks).
        if size < options.limits.smallest_chunk and stop != total:
            raise UploadError(
                f"bytes {start:,} to {stop - 1:,} are missing, but a chunk of this size is only "
                "allowed at the end of the file: create another container"
            )
        for first, end in _cut_gap(start, stop, total, chunk_size, options.limits):
            chunks.append(Chunk(len(chunks) + 1, first, end - first))
    return Plan(total, "bytes", chunk_size, tuple(chunks), len(chunks))


def _cut_gap(
    start: int, stop: int, total: int, chunk_size: int, limits: UploadLimits
) -> Iterable[tuple[int, int]]:
    """Only the last chunk of the file may be smaller. Elsewhere, the chunks share the remainder."""
    if stop == total:
        return ((first, min(first + chunk_size, stop)) for first in range(start, stop, chunk_size))
    size = stop - start
    # Round the count down, so that a chunk is smaller than ``chunk_size`` only if the whole gap is.
    # Cut into more chunks if one would exceed the size limit of a request.
    count = max(1, size // chunk_size, _ceil_div(size, limits.largest_chunk))
    return ((start + size * n // count, start + size * (n + 1) // count) for n in range(count))


def _rest_of_parts(total: int, options: UploadOptions, received: Received) -> Plan:
    # The status reports part numbers without sizes (service.md#resuming). Another chunk size would
    # give the same numbers to other bytes, and the server would complete a broken video.
    chunk_size = options.chunk_size
    if chunk_size is None:
        raise UploadError(UNKNOWN_PART_SIZE)
    chunks = _cut(total, chunk_size)
    if received.parts_total not in (None, len(chunks)) or max(received.parts) > len(chunks):
        known = received.parts_total or f"at least {max(received.parts)}"
        raise UploadError(
            f"the upload was started with {known} parts, and a chunk_size of {chunk_size:,} bytes "
            f"makes {len(chunks)}: pass the chunk_size it was started with"
        )
    rest = tuple(chunk for chunk in chunks if chunk.number not in received.parts)
    if not rest and received.parts_total is None:
        raise UploadError(
            "the server has every part, but no request stated the number of parts: "
            "create another container"
        )
    return Plan(total, "part", chunk_size, rest, len(chunks))
