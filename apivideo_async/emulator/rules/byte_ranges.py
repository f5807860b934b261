"""The Range header of HTTP as media players send it: one range, open ranges, suffixes (service.md#assets)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=\s*([0-9]*)\s*-\s*([0-9]*)\s*")


class UnsatisfiableRangeError(Exception):
    """No byte of the media lies in the range: the answer is 416."""


def parse_range(value: str | None, size: int) -> tuple[int, int] | None:
    """Return `(start, stop)` with stop exclusive, or None when the whole media is the answer.

    A header that is malformed or asks for several ranges is ignored, as HTTP allows.
    """
    match = _RANGE.fullmatch(value) if value is not None else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None
    elif last:
        start, stop = max(size - int(last), 0), size
    else:
        return None
    if start >= size or start == stop:
        raise UnsatisfiableRangeError
    return start, stop
