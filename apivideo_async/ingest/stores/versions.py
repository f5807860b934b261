"""Normalises ETags, so that a listing and a response for the same content compare equal.

Azure and some S3 servers list ``0x1D`` and respond with ``"0x1D"`` to GET. Servers that compress
add ``W/``. The versions of items are stored in the strong, quoted form, which S3 itself uses in
both places.
"""

__all__ = ["etag", "given_version", "is_weak", "same_version"]


def etag(text: str | None) -> str | None:
    """Return the strong, quoted form of an ETag; None if it is missing or empty."""
    opaque = _opaque(text or "")
    return f'"{opaque}"' if opaque else None


def given_version(text: str | None) -> str | None:
    """Normalise a version from the caller: quoted text as an ETag, other text unchanged."""
    return etag(text) if text is not None and text.endswith('"') else text


def same_version(first: str | None, second: str | None) -> bool:
    """Return True if two versions are equal apart from quotes and the weak prefix."""
    return first is not None and second is not None and _opaque(first) == _opaque(second)


def is_weak(text: str) -> bool:
    """Return True for a weak ETag. A server never accepts one in ``If-Match`` (RFC 9110 §13.1.1)."""
    return text.startswith("W/")


def _opaque(text: str) -> str:
    """Return the text of an ETag without the weak prefix and the quotes."""
    text = text.removeprefix("W/")
    return text[1:-1] if len(text) >= 2 and text.startswith('"') and text.endswith('"') else text
