"""Parse the headers ``Content-Range`` of uploads and ``Range`` of downloads.

See service.md#upload-modes, service.md#upload-errors, service.md#assets.
"""

import re
from typing import Literal

from attrs import frozen

from .problems import RefusedError, refuse

__all__ = [
    "ContentRange",
    "Limits",
    "UnsatisfiableRangeError",
    "parse_content_range",
    "parse_range",
]

Unit = Literal["bytes", "parts"]
_SLUG_UNITS = {"bytes": "bytes", "parts": "part"}

# Numbers with more than 20 digits are malformed.
_CONTENT_RANGE = re.compile(
    r"(?:bytes ([0-9]{1,20})-([0-9]{1,20})|part ([0-9]{1,20}))/([0-9]{1,20}|\*)"
)
_RANGE = re.compile(r"bytes=\s*([0-9]*)\s*-\s*([0-9]*)\s*")


@frozen
class Limits:
    """Limits of the protocol in bytes, and for the number of parts (service.md#upload-modes)."""

    min_chunk: int = 5 * 1024 * 1024
    max_chunk: int = 200 * 1024 * 1024
    max_parts: int = 10_000
    max_total: int = 52_428_800_000


@frozen
class ContentRange:
    """The chunk that a ``Content-Range`` header describes.

    ``start`` (inclusive) and ``end`` (exclusive) count bytes or parts from 0: ``bytes 0-9/*`` is 0
    to 10, ``part 3/*`` is 2 to 3. A ``total`` of None stands for ``*``.
    """

    unit: Unit
    start: int
    end: int
    total: int | None

    @property
    def size(self) -> int | None:
        """The size that the header announces in bytes. None for a part, which announces none."""
        return self.end - self.start if self.unit == "bytes" else None

    def refuse(self, rule: str, detail: str | None = None) -> RefusedError:
        """Return a refusal of the header. ``rule`` is the end of the slug."""
        return refuse(f"video-content-range-by-{_SLUG_UNITS[self.unit]}-{rule}", detail)


def parse_content_range(value: str | None, limits: Limits) -> ContentRange | None:
    """Parse ``Content-Range``. Returns None if it is absent.

    Raises a refusal if it is malformed or breaks a rule that does not depend on other chunks.
    """
    if value is None:
        return None
    match = _CONTENT_RANGE.fullmatch(value.strip())
    if match is None:
        raise refuse("video-content-range-malformed")
    first, last, number, total_text = match.groups()
    total = None if total_text == "*" else int(total_text)
    if number is not None:
        chunk = ContentRange("parts", int(number) - 1, int(number), total)
        broken = _broken_part_rules(chunk, limits)
    else:
        chunk = ContentRange("bytes", int(first), int(last) + 1, total)
        broken = _broken_byte_rules(chunk, limits)
    # A request that breaks several rules gets the refusal of the first one.
    for rule, is_broken in broken.items():
        if is_broken:
            raise chunk.refuse(rule)
    return chunk


def _broken_byte_rules(chunk: ContentRange, limits: Limits) -> dict[str, bool]:
    size, total = chunk.end - chunk.start, chunk.total
    return {
        "total-bytes-zero": total == 0,
        "total-bytes-too-high": total is not None and total > limits.max_total,
        "from-byte-too-high": size < 1,
        "to-byte-too-high-allowed": chunk.end > limits.max_total,
        "to-byte-too-high-total": total is not None and chunk.end > total,
        "range-too-large": size > limits.max_chunk,
        # With ``*`` as the total the range may be the last one; ``Chunks`` checks that.
        "range-too-small": size < limits.min_chunk and total not in {None, chunk.end},
    }


def _broken_part_rules(chunk: ContentRange, limits: Limits) -> dict[str, bool]:
    number, total = chunk.end, chunk.total
    return {
        "total-parts-zero": total == 0,
        "part-zero": number == 0,
        "total-parts-too-high": total is not None and total > limits.max_parts,
        "part-too-high-allowed": number > limits.max_parts,
        "part-too-high-total": total is not None and number > total,
    }


class UnsatisfiableRangeError(Exception):
    """The range contains no byte of the media. The response is 416."""


def parse_range(value: str | None, size: int) -> tuple[int, int] | None:
    """Return ``(start, stop)`` of ``Range``, ``stop`` exclusive, or None for the whole media.

    As HTTP allows, a malformed header and one with several ranges are ignored.
    """
    match = _RANGE.fullmatch(value) if value is not None else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None
    # Without a first byte it is a suffix: the last N bytes.
    elif last:
        start, stop = max(size - int(last), 0), size
    else:
        return None
    if start >= size or start == stop:
        raise UnsatisfiableRangeError
    return start, stop
