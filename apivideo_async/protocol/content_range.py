"""The ``Content-Range`` header of upload requests (service.md#upload-modes).

A chunk is described by a byte range, ``bytes 0-5242879/10485760`` (both ends inclusive), or by a
part number, ``part 2/3``. The total is ``*`` while it is not known. At least one request of an
upload must contain it.
"""

from typing import TypeAlias

from attrs import frozen

__all__ = ["ContentRange", "PartOf", "RangeOf"]


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
