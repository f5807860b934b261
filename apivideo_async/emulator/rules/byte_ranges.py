"""Parse the HTTP ``Range`` header: one range, open ranges and suffixes (service.md#assets)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=\s*([0-9]*)\s*-\s*([0-9]*)\s*")


class UnsatisfiableRangeError(Exception):
    """The range contains no byte of the media. The response is 416."""


def parse_range(value: str | None, size: int) -> tuple[int, int] | None:
    """Return ``(start, stop)`` with an exclusive stop, or None for the whole media.

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
