"""ETags in one form, so that a listing and a response that name the same content compare equal.

Azure and some S3 servers list ``0x1D`` and answer ``"0x1D"`` to GET; servers that compress add ``W/``. Versions of
items are stored in the strong, quoted form, which is the one that S3 itself uses in both places.
"""

__all__ = ["etag", "given_version", "is_weak", "same_version"]


def etag(text: str | None) -> str | None:
    """Return the strong, quoted form of an ETag; None if there is none or it is empty."""
    opaque = _opaque(text or "")
    return f'"{opaque}"' if opaque else None


def given_version(text: str | None) -> str | None:
    """Normalise a version that the caller gave: an ETag in quotes as ``etag`` does, anything else as it is."""
    return etag(text) if text is not None and text.endswith('"') else text


def same_version(first: str | None, second: str | None) -> bool:
    """Compare two versions; quotes and the weak prefix make no difference."""
    return first is not None and second is not None and _opaque(first) == _opaque(second)


def is_weak(text: str) -> bool:
    """Return True for a weak ETag. A server never accepts one in ``If-Match`` (RFC 9110 §13.1.1)."""
    return text.startswith("W/")


def _opaque(text: str) -> str:
    text = text.removeprefix("W/")
    return text[1:-1] if len(text) >= 2 and text.startswith('"') and text.endswith('"') else text
