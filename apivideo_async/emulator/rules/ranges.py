"""Parse the headers ``Content-Range`` of uploads and ``Range`` of downloads.

See service.md#upload-modes, service.md#upload-errors, service.md#assets.
"""

import re
from typing import ClassVar, Literal, TypeAlias

from attrs import frozen

from .problems import RefusedError, refuse

__all__ = [
    "ByteRange",
    "ContentRange",
    "Limits",
    "Part",
    "Unit",
    "UnsatisfiableRangeError",
    "parse_content_range",
    "parse_range",
]

Unit = Literal["bytes", "parts"]

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
class ByteRange:
    """``bytes first-last/total``, both ends inclusive. A total of None stands for ``*``."""

    first: int
    last: int
    total: int | None
    unit: ClassVar[Unit] = "bytes"

    @property
    def start(self) -> int:
        """The first byte."""
        return self.first

    @property
    def end(self) -> int:
        """The byte after the last one."""
        return self.last + 1

    @property
    def length(self) -> int:
        """The number of bytes that the range announces."""
        return self.end - self.start

    def refuse(self, rule: str, detail: str | None = None) -> RefusedError:
        """Return the refusal of a byte range. ``rule`` is the end of the slug."""
        return refuse(f"video-content-range-by-bytes-{rule}", detail)

    def repeated(self) -> RefusedError:
        """Return the refusal of a range that overlaps another one."""
        return self.refuse("range-overlap")


@frozen
class Part:
    """``part number/total``, counted from 1. A total of None stands for ``*``."""

    number: int
    total: int | None
    unit: ClassVar[Unit] = "parts"
    length: ClassVar[None] = None

    @property
    def start(self) -> int:
        """The number of parts before this one."""
        return self.number - 1

    @property
    def end(self) -> int:
        """The number of parts up to this one."""
        return self.number

    def refuse(self, rule: str, detail: str | None = None) -> RefusedError:
        """Return the refusal of a part. ``rule`` is the end of the slug."""
        return refuse(f"video-content-range-by-part-{rule}", detail)

    def repeated(self) -> RefusedError:
        """Return the refusal of a number that was sent before."""
        detail = f"The part number {self.number} has already been sent."
        return self.refuse("part-already-sent", detail)


ContentRange: TypeAlias = ByteRange | Part


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
        return _checked_part(Part(int(number), total), limits)
    return _checked_bytes(ByteRange(int(first), int(last), total), limits)


def _checked_bytes(chunk: ByteRange, limits: Limits) -> ByteRange:
    # A request that breaks several rules gets the refusal of the first one.
    if chunk.total == 0:
        raise chunk.refuse("total-bytes-zero")
    if chunk.total is not None and chunk.total > limits.max_total:
        raise chunk.refuse("total-bytes-too-high")
    if chunk.first > chunk.last:
        raise chunk.refuse("from-byte-too-high")
    if chunk.last >= limits.max_total:
        raise chunk.refuse("to-byte-too-high-allowed")
    if chunk.total is not None and chunk.last >= chunk.total:
        raise chunk.refuse("to-byte-too-high-total")
    if chunk.length > limits.max_chunk:
        raise chunk.refuse("range-too-large")
    # With ``*`` as the total the range may be the last one; ``Chunks`` checks that.
    is_last = chunk.total is None or chunk.last == chunk.total - 1
    if chunk.length < limits.min_chunk and not is_last:
        raise chunk.refuse("range-too-small")
    return chunk


def _checked_part(chunk: Part, limits: Limits) -> Part:
    if chunk.total == 0:
        raise chunk.refuse("total-parts-zero")
    if chunk.number == 0:
        raise chunk.refuse("part-zero")
    if chunk.total is not None and chunk.total > limits.max_parts:
        raise chunk.refuse("total-parts-too-high")
    if chunk.number > limits.max_parts:
        raise chunk.refuse("part-too-high-allowed")
    if chunk.total is not None and chunk.number > chunk.total:
        raise chunk.refuse("part-too-high-total")
    return chunk


class UnsatisfiableRangeError(Exception):
    """The range contains no byte of the media. The response is 416."""


def parse_range(value: str | None, size: int) -> tuple[int, int] | None:
    """Return ``(start, stop)`` of ``Range``, ``stop`` exclusive, or None for the whole media.

    A header that is malformed or has several ranges is ignored, as HTTP allows. Raises
    ``UnsatisfiableRangeError`` if no byte of the media is in the range.
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
