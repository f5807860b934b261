"""Object keys that are legal in a store, but that obstore cannot address.

obstore removes a slash at either end of a key, and refuses empty parts, ``.`` and ``..`` as parts, and control
characters. Such a key is named and left out; reading it through obstore could return another object.
"""

import re

__all__ = ["fault_of", "printable", "usual"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fault_of(key: str) -> str | None:
    """Return the reason why a key cannot be read, None if it can."""
    if key.startswith("/") or key.endswith("/"):
        return "its key begins or ends with a slash"
    parts = key.split("/")
    if "" in parts:
        return "its key has an empty part (two slashes in a row)"
    if "." in parts or ".." in parts:
        return "its key has a dot for a part"
    return "its key has a control character" if _CONTROL.search(key) else None


def usual(path: str) -> str:
    """Leave out the parts that obstore refuses, so that a selection sees the names that a person sees."""
    return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))


def printable(key: str) -> str:
    """Write a key on one line, with an escape for each character that a terminal would not show."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in key)
