"""Removes passwords and signatures from URLs before they are displayed or logged.

``shown`` takes one URL, ``masked`` takes a text that may contain URLs. Neither raises an error,
because a URL that no parser accepts may contain a password too. If in doubt, the functions remove
too much.
"""

import re
from typing import Final

__all__ = ["OBJECT_SCHEMES", "masked", "shown"]

OBJECT_SCHEMES: Final = frozenset({"s3", "s3a", "gs", "az", "azure", "abfs", "abfss"})
"""Schemes of object stores. In their paths, ``?`` and ``#`` are ordinary characters of a key."""

# The length of a scheme is bounded. Otherwise, a long word would take quadratic time.
_START: Final = r"(?:(?i:https?|postgres(?:ql)?):/*|[A-Za-z][A-Za-z0-9+.-]{0,30}://)"
_ADDRESS: Final = re.compile(rf"({_START})(.*)", re.DOTALL)
_PORT: Final = re.compile(r"\d*|\[[^\]]*\](?::\d*)?")
# Names of query parameters of presigned URLs, such as X-Amz-Signature, sig or AWSAccessKeyId.
_SECRET_NAME: Final = re.compile(r"sig|token|credential|passw|pwd|secret|auth|key", re.IGNORECASE)
# Settings of connection strings such as password='…', where a quoted value may have spaces.
_SETTING: Final = re.compile(
    r"\b((?:ssl)?password|passwd|pwd)(\s*=\s*)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)",
    re.IGNORECASE | re.DOTALL,
)
_IN_TEXT: Final = re.compile(
    rf"({_START})"
    # ``user:password@``. The password may contain spaces. Text after the colon that can be a port
    # is not a password.
    r"((?:[^\s/?#@:\[\]]*:(?!\d*(?:[\s/?#:'\",;).\]]|$))[^\n@]{0,200}@)?"
    # A quotation mark ends a URL in a text. If an @ follows, it is part of a password.
    r"(?:\S*@)?[^\s\"'<>]*)"
)


def shown(uri: str) -> str:
    """Return a URL without credentials, query and fragment. Local paths and keys are unchanged."""
    match = None if uri.startswith("/") else _ADDRESS.search(uri)
    if match is None:
        return uri
    scheme = match[1].rstrip("/").lower().removesuffix(":")
    hide = _of_object if scheme in OBJECT_SCHEMES or scheme == "file" else _of_url
    return f"{uri[: match.start()]}{match[1]}{hide(scheme, match[2])}"


def masked(text: str) -> str:
    """Mask every URL of a text as ``shown`` does, and passwords in settings (``password=…``)."""
    text = _IN_TEXT.sub(_shown_in_text, text)
    return _SETTING.sub(r"\1\2***", text)


def _shown_in_text(match: re.Match[str]) -> str:
    """Mask one URL of a text. Punctuation that follows the URL is kept."""
    marks = ".,:;)}" if "[" in match[0] else ".,:;)}]"  # A bracket may be part of an IPv6 address.
    address = match[0].rstrip(marks)
    return shown(address) + match[0][len(address) :]


def _of_object(scheme: str, rest: str) -> str:
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if at and scheme in ("abfs", "abfss") and ":" not in user:
        host = authority  # Here, the part before the @ is the container.
    # A presigned URL has its signature in the query. Without a secret parameter, the ``?`` belongs
    # to the key.
    key, _, query = path.partition("?")
    names = [pair.partition("=")[0] for pair in re.split(r"[?&]", query) if "=" in pair]
    return f"{host}{slash}{key if any(map(_SECRET_NAME.search, names)) else path}"


def _of_url(scheme: str, rest: str) -> str:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    _, colon, after = authority.partition(":")
    # A password may contain any unescaped character, so it ends at the last @. If the part after
    # the colon is not a port, it is the beginning of a password.
    if colon and not (_PORT.fullmatch(after) or _PORT.fullmatch(authority)):
        _, at, rest = rest.rpartition("@")
        rest = rest if at else "***"
    elif "@" in authority:
        rest = rest[authority.rindex("@") + 1 :]
    return re.split(r"[?#]", rest, maxsplit=1)[0]
