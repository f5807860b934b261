"""The questions that the documents of api.video leave open, and what the package assumes.

No part of this package was tested against the real service. ``docs/conformance.md`` shows this
table. Each quirk of the emulator is a behaviour that contradicts one of the assumptions.
"""

from .other import OTHER
from .record import Assumption
from .requests import REQUESTS
from .uploads import UPLOADS
from .videos import VIDEOS

__all__ = ["ASSUMPTIONS", "Assumption", "assumption_of"]

ASSUMPTIONS: dict[str, tuple[Assumption, ...]] = {
    "Uploads": UPLOADS,
    "Status, lists and new videos": VIDEOS,
    "Rate limits, errors and connections": REQUESTS,
    "Other questions": OTHER,
}
"""The assumptions by subject."""


def assumption_of(quirk: str) -> Assumption:
    """Return the assumption that a quirk contradicts. Raises ``KeyError`` for an unknown quirk."""
    for rows in ASSUMPTIONS.values():
        for row in rows:
            if quirk in row.quirks:
                return row
    raise KeyError(quirk)
