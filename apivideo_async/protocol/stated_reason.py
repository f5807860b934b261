"""The reason that a gateway, proxy or other server states in a response that is not a problem.

Such responses are JSON of any shape, HTML, XML or plain text (service.md#content-types). The result
is one short line without markup and control characters.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from http import HTTPStatus
from typing import Any, Final

from ..masking import shown
from ..text import clean

__all__ = ["page_title", "redirect_target", "stated_reason", "status_phrase"]

LONGEST: Final = 200
"""Characters of a reason."""
_EXAMINED: Final = 32 * 1024
"""Bytes of a text or page that are examined."""
_MOST_TEXTS: Final = 3
_DEEPEST: Final = 6
_NAMES: Final = (
    *("message", "errormessage", "msg", "error", "errors", "errordescription", "detail", "details"),
    *("description", "reason", "title", "fault", "faultstring", "cause", "info"),
)
"""Names of members that contain a reason, in lower case and without ``_`` and ``-``."""
_CHARSET: Final = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_NO_TEXT: Final = re.compile(r"(?is)<(script|style|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)")
_TAG: Final = re.compile(r"<[^>]*(?:>|\Z)")
_CREDENTIALS: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
"""In a page that repeats the headers of the request."""
_HEADING: Final = re.compile(r"(?is)<(title|h1)\b[^>]*>(.*?)</\1\s*>")


def stated_reason(status: int, body: bytes, content_type: str = "") -> str:
    """Return the reason in a body, or an empty text if there is none."""
    text = _decode(body, content_type).strip()
    if text[:1] in ("{", "[", '"'):
        try:
            return _shortened(status, _reason_in_json(json.loads(text)))
        except (ValueError, RecursionError):
            pass  # Cut or malformed JSON is shown as text.
    if text.startswith("<"):
        text = _heading(text) or _without_tags(_NO_TEXT.sub(" ", text))
    return _shortened(status, text)


def page_title(body: bytes, content_type: str = "") -> str:
    """Return the title or first heading of a web page, or an empty text for other bodies."""
    text = _decode(body, content_type).strip()
    return _shortened(0, _heading(text)) if text.startswith("<") else ""


def status_phrase(status: int) -> str:
    """Return the standard text of a status, such as ``Bad Gateway``; empty for others."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def redirect_target(status: int, location: str | None) -> str:
    """Return the address to which a response redirects, without query and credentials, or ""."""
    if not 300 <= status < 400 or not location:
        return ""
    return clean(shown(location.strip()), LONGEST)


def _decode(body: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type)
    try:
        return body[:_EXAMINED].decode(named[1] if named else "utf-8", "replace")
    except LookupError:
        return body[:_EXAMINED].decode("utf-8", "replace")


def _heading(markup: str) -> str:
    headings = (_without_tags(match[2]) for match in _HEADING.finditer(markup))
    return next(filter(None, headings), "")


def _without_tags(markup: str) -> str:
    return unescape(_TAG.sub(" ", markup)).strip()


def _shortened(status: int, text: str) -> str:
    line = _CREDENTIALS.sub(r"\1 ***", clean(text, LONGEST))
    # The message begins with the status already.
    return re.sub(rf"^{status}\b[\s:.-]*", "", line)


def _reason_in_json(value: Any) -> str:
    texts = list(dict.fromkeys(_texts(value, named=not isinstance(value, Mapping), depth=0)))
    if texts:
        return "; ".join(texts[:_MOST_TEXTS])
    return "" if value is None or value in ({}, [], "") else json.dumps(value, ensure_ascii=False)


def _texts(value: Any, *, named: bool, depth: int) -> Iterator[str]:
    """Yield the texts of members that state a reason. ``named``: the value is such a member."""
    if isinstance(value, str):
        if named and value.strip():
            yield value.strip()
    elif depth < _DEEPEST and isinstance(value, Mapping):
        for name, member in sorted(value.items(), key=lambda member: _rank(member[0])):
            yield from _texts(member, named=_rank(name) < len(_NAMES), depth=depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for member in value:
            yield from _texts(member, named=named, depth=depth + 1)


def _rank(name: str) -> int:
    plain = re.sub("[_-]", "", name.lower())
    return _NAMES.index(plain) if plain in _NAMES else len(_NAMES)
