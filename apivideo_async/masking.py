"""Leaves passwords and signatures out of what messages, logs and reports show.

``shown`` is for one address, ``masked`` for a text in which addresses may occur. Neither raises: an address that no
parser accepts may hold a password as well. In doubt too much is left out.
"""

import re
from typing import Final

__all__ = ["OBJECT_SCHEMES", "masked", "shown"]

OBJECT_SCHEMES: Final = frozenset({"s3", "s3a", "gs", "az", "azure", "abfs", "abfss"})
"""Their paths are keys, in which ``?`` and ``#`` are ordinary characters."""

# The length of a scheme is bounded: otherwise a long word takes quadratic time.
_START: Final = r"(?:(?i:https?|postgres(?:ql)?):/*|[A-Za-z][A-Za-z0-9+.-]{0,30}://)"
_ADDRESS: Final = re.compile(rf"({_START})(.*)", re.DOTALL)
_PORT: Final = re.compile(r"\d*|\[[^\]]*\](?::\d*)?")
_SECRET_NAME: Final = re.compile(r"sig|token|credential|passw|pwd|secret|auth|key", re.IGNORECASE)
_SETTING: Final = re.compile(
    r"\b((?:ssl)?password|passwd|pwd)(\s*=\s*)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)", re.IGNORECASE | re.DOTALL
)
_IN_TEXT: Final = re.compile(
    rf"({_START})"
    # user:password@, where the password may hold spaces; what follows the colon is no port.
    r"((?:[^\s/?#@:\[\]]*:(?!\d*(?:[\s/?#:'\",;).\]]|$))[^\n@]{0,200}@)?"
    # Quotes end an address in a text, unless an @ follows: then they are part of a password.
    r"(?:\S*@)?[^\s\"'<>]*)"
)


def shown(uri: str) -> str:
    """Return an address without credentials, query and fragment. Local paths and keys of objects stay as they are."""
    match = None if uri.startswith("/") else _ADDRESS.search(uri)
    if match is None:
        return uri
    scheme = match[1].rstrip("/").lower().removesuffix(":")
    hide = _of_object if scheme in OBJECT_SCHEMES or scheme == "file" else _of_url
    return f"{uri[: match.start()]}{match[1]}{hide(scheme, match[2])}"


def masked(text: str) -> str:
    """Return a text with every address as ``shown`` returns it, and without the passwords of connection settings."""
    text = _IN_TEXT.sub(_shown_in_text, text)
    return _SETTING.sub(r"\1\2***", text)


def _shown_in_text(match: re.Match[str]) -> str:
    """Keep the punctuation that follows an address in a sentence."""
    marks = ".,:;)}" if "[" in match[0] else ".,:;)}]"  # A bracket may belong to an IPv6 address.
    address = match[0].rstrip(marks)
    return shown(address) + match[0][len(address) :]


def _of_object(scheme: str, rest: str) -> str:
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if at and scheme in ("abfs", "abfss") and ":" not in user:
        host = authority  # The container is before the @ there.
    key, _, query = path.partition("?")
    names = [pair.partition("=")[0] for pair in re.split(r"[?&]", query) if "=" in pair]
    return f"{host}{slash}{key if any(map(_SECRET_NAME.search, names)) else path}"


def _of_url(scheme: str, rest: str) -> str:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    _, colon, after = authority.partition(":")
    # A password may hold any unescaped character, so the last @ ends it. The part after a colon that is no port must be
    # the beginning of a password.
    if colon and not (_PORT.fullmatch(after) or _PORT.fullmatch(authority)):
        _, at, rest = rest.rpartition("@")
        rest = rest if at else "***"
    elif "@" in authority:
        rest = rest[authority.rindex("@") + 1 :]
    return re.split(r"[?#]", rest, maxsplit=1)[0]
