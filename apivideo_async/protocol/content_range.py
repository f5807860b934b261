"""The ``Content-Range`` header of upload requests (service.md#upload-modes).

A chunk is described by a byte range, ``bytes 0-5242879/10485760`` (both ends inclusive), or by a
part number, ``part 2/3``. The total is ``*`` while it is not known. At least one request of an
upload must contain it.
"""

import re
from typing import TypeAlias

from attrs import frozen

__all__ = ["ContentRange", "PartOf", "RangeOf", "parse_content_range"]


@frozen
class RangeOf:
    """``bytes first-last/total``; ``last`` is inclusive."""

    first: int
    last: int
    total: int | None = None

    @property
    def header(self) -> str:
        """The value of the header."""
        return f"bytes {self.first}-{self.last}/{'*' if self.total is None else self.total}"


@frozen
class PartOf:
    """``part number/total``; numbers start at 1."""

    number: int
    total: int | None = None

    @property
    def header(self) -> str:
        """The value of the header."""
        return f"part {self.number}/{'*' if self.total is None else self.total}"


ContentRange: TypeAlias = RangeOf | PartOf

_FORM = re.compile(r"(?:bytes ([0-9]+)-([0-9]+)|part ([0-9]+))/([0-9]+|\*)", re.ASCII)


def parse_content_range(header: str) -> ContentRange:
    """Parse a header. Raises ``ValueError`` if it has neither form."""
    match = _FORM.fullmatch(header)
    if match is None:
        raise ValueError(f"not a Content-Range of an upload: {header!r}")
    first, last, number, total = match.groups()
    known = None if total == "*" else int(total)
    if number is not None:
        return PartOf(int(number), known)
    return RangeOf(int(first), int(last), known)
