"""Parse the ``Content-Range`` header, and check the rules that need only the header.

See service.md#upload-modes, service.md#upload-errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from .upload_problems import by_bytes, by_part, upload_problem

# Numbers with more than 20 digits are malformed.
_PATTERN = re.compile(r"(?:bytes ([0-9]{1,20})-([0-9]{1,20})|part ([0-9]{1,20}))/([0-9]{1,20}|\*)")


@dataclass(frozen=True, slots=True)
class Limits:
    """Size limits of the protocol in bytes (service.md#upload-modes). Tests reduce the chunk sizes.

    ``max_parts`` is a number of parts.
    """

    min_chunk: int = 5 * 1024 * 1024
    max_chunk: int = 200 * 1024 * 1024
    max_parts: int = 10_000
    max_total: int = 52_428_800_000


@dataclass(frozen=True, slots=True)
class ByteRange:
    """``bytes first-last/total``, both ends inclusive. A total of None stands for ``*``."""

    first: int
    last: int
    total: int | None

    @property
    def length(self) -> int:
        """The number of bytes that the range announces."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Part:
    """``part number/total``, counted from 1. A total of None stands for ``*``."""

    number: int
    total: int | None


ContentRange: TypeAlias = ByteRange | Part


def parse_content_range(value: str | None, limits: Limits) -> ContentRange | None:
    """Parse the header. Returns None if it is absent.

    Raises a refusal if it is malformed or breaks a rule that does not depend on other chunks.
    """
    if value is None:
        return None
    match = _PATTERN.fullmatch(value.strip())
    if match is None:
        raise upload_problem("video-content-range-malformed")
    first, last, number, total_text = match.groups()
    total = None if total_text == "*" else int(total_text)
    if number is not None:
        return _checked_part(Part(int(number), total), limits)
    return _checked_bytes(ByteRange(int(first), int(last), total), limits)


def _checked_bytes(sent: ByteRange, limits: Limits) -> ByteRange:
    # A request that breaks several rules gets the refusal of the first one.
    if sent.total == 0:
        raise by_bytes("total-bytes-zero")
    if sent.total is not None and sent.total > limits.max_total:
        raise by_bytes("total-bytes-too-high")
    if sent.first > sent.last:
        raise by_bytes("from-byte-too-high")
    if sent.last >= limits.max_total:
        raise by_bytes("to-byte-too-high-allowed")
    if sent.total is not None and sent.last >= sent.total:
        raise by_bytes("to-byte-too-high-total")
    if sent.length > limits.max_chunk:
        raise by_bytes("range-too-large")
    # With ``*`` as the total the range may be the last one; ``ByteChunks`` checks that.
    if sent.length < limits.min_chunk and sent.total is not None and sent.last != sent.total - 1:
        raise by_bytes("range-too-small")
    return sent


def _checked_part(sent: Part, limits: Limits) -> Part:
    if sent.total == 0:
        raise by_part("total-parts-zero")
    if sent.number == 0:
        raise by_part("part-zero")
    if sent.total is not None and sent.total > limits.max_parts:
        raise by_part("total-parts-too-high")
    if sent.number > limits.max_parts:
        raise by_part("part-too-high-allowed")
    if sent.total is not None and sent.number > sent.total:
        raise by_part("part-too-high-total")
    return sent
