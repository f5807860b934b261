"""Object keys that are valid in a store, but that obstore cannot address.

obstore removes a slash at either end of a key. It refuses empty parts, the parts ``.`` and ``..``,
and control characters. Reading such a key through obstore could return another object, so these
keys are reported and left out.
"""

import re

__all__ = ["fault_of", "printable", "usual"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fault_of(key: str) -> str | None:
    """Return the reason why obstore cannot read a key; None if it can."""
    if key.startswith("/") or key.endswith("/"):
        return "its key begins or ends with a slash"
    parts = key.split("/")
    if "" in parts:
        return "its key has an empty part (two slashes in a row)"
    if "." in parts or ".." in parts:
        return "its key has a dot for a part"
    return "its key has a control character" if _CONTROL.search(key) else None


def usual(path: str) -> str:
    """Remove the parts of a path that obstore refuses, for comparison with patterns.

    A selection then sees the file and folder names that a person sees.
    """
    return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))


def printable(key: str) -> str:
    """Return a key on one line, with an escape for each character that is not printable."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in key
    )
