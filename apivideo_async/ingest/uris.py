"""URIs of sources: how to parse them, what identifies the content, and what may be displayed.

The signature of a presigned URL grants access like a password, and changes with each signing. It is
kept only in the ``uri`` of an item. Messages contain ``shown(uri)``; keys are made from
``identity``.
"""

import re
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from attrs import field, frozen

from ..errors import SourceError
from ..masking import OBJECT_SCHEMES, shown
from ..text import is_sendable

__all__ = [
    "OBJECT_SCHEMES",
    "WEB_SCHEMES",
    "Location",
    "identity",
    "is_signed",
    "parse_uri",
    "shown",
    "unsupported_error",
    "web_url",
]

WEB_SCHEMES: Final = frozenset({"http", "https"})

_ALIASES: Final = {"s3a": "s3", "azure": "az"}
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_PORTS: Final = {"http": 80, "https": 443}
_SIGNATURES: Final = (
    # The parameter that indicates a signature scheme, and a pattern for all parameters of that
    # scheme. All other query parameters belong to the identity.
    ("x-amz-signature", re.compile(r"x-amz-.*")),
    ("x-goog-signature", re.compile(r"x-goog-.*")),
    (
        "signature",
        re.compile(
            "signature|expires|awsaccesskeyid|googleaccessid|key-pair-id|policy"
            "|x-amz-security-token"
        ),
    ),
    (
        "sig",
        re.compile(r"sig|s[tevpr]|sip|spr|ss|srt|sdd|saoid|suoid|scid|ses|sk(oid|tid|t|e|s|v)"),
    ),
)


_ILLEGAL: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]")
"""Characters that a URL cannot contain, and percent signs that start no escape."""
_ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile("[A-Za-z0-9._~-]")
_AUTHORITY: Final = re.compile(r"([A-Za-z]+://)([^/?#]*)(.*)", re.DOTALL)


@frozen(kw_only=True)
class Location:
    """The parts of a URI."""

    scheme: str
    """``file``, ``s3``, ``gs``, ``az``, ``abfs``, ``abfss``, ``http`` or ``https``."""
    store: str
    """The bucket or server with its scheme; ``file`` for local files."""
    path: str = field(repr=False)
    """The local path, the key of the object as the store has it, or the path of a URL with its
    query."""

    @property
    def name(self) -> str:
        """The last part of the path: the default title of the video."""
        if self.scheme in WEB_SCHEMES:
            path = unquote(self.path.partition("?")[0])
            return path.rstrip("/").rpartition("/")[2] or self.store.partition("//")[2]
        return self.path.rstrip("/").rpartition("/")[2] or "video"


def parse_uri(uri: str) -> Location:
    """Parse a URI or a local path. Raises ``SourceError`` (cause ``unsupported``)."""
    match = _SCHEME.match(uri)
    if match is None and _is_web(uri.strip()):
        return parse_uri(uri.strip())
    if match is None:
        return Location(scheme="file", store="file", path=uri)
    scheme = match[1].lower()
    scheme = _ALIASES.get(scheme, scheme)
    rest = uri[match.end() :]
    if scheme == "file":
        return _local(rest, uri)
    if scheme in OBJECT_SCHEMES:
        return _object(scheme, rest, uri)
    if scheme in WEB_SCHEMES:
        return _web(scheme, uri)
    raise unsupported_error(
        uri, "sources are local paths, file://, s3://, gs://, az://, http:// or https://"
    )


def _local(rest: str, uri: str) -> Location:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise unsupported_error(uri, "this is not a local file: write file:///path")
    return Location(scheme="file", store="file", path=url2pathname(slash + path))


def _object(scheme: str, rest: str, uri: str) -> Location:
    # Keys may contain any character, so the key is not decoded and ``?`` starts no query.
    bucket, _, key = rest.partition("/")
    if not bucket:
        raise unsupported_error(uri, f"the bucket is missing: write {scheme}://bucket/key")
    user, at, _ = bucket.rpartition("@")
    # In abfs://container@account the part before ``@`` is the container and no user name.
    if at and (":" in user or not scheme.startswith("abfs")):
        raise unsupported_error(
            uri, "a URI must not contain credentials: set the environment variables of the store"
        )
    return Location(scheme=scheme, store=f"{scheme}://{bucket}", path=key)


def _is_web(text: str) -> bool:
    match = _SCHEME.match(text)
    return match is not None and match[1].lower() in WEB_SCHEMES


def web_url(uri: str) -> str:
    """Return the URL to request for a URL as people write it: with spaces, letters or ``100%``.

    Only characters that a URL cannot contain are escaped, because another form of the others would
    invalidate a signature. Raises ``SourceError`` for text that cannot be encoded.
    """
    uri = uri.strip()
    match = _AUTHORITY.fullmatch(uri)
    if match is None:
        return uri
    user, at, host = match[2].rpartition("@")
    try:
        if not host.isascii():
            name, colon, port = host.partition(":")
            host = name.encode("idna").decode() + colon + port
        return f"{match[1]}{_escaped(user)}{at}{host}{_escaped(match[3])}"
    except UnicodeError:
        raise unsupported_error(uri, "this is not a valid URL") from None


def _escaped(text: str) -> str:
    return _ILLEGAL.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)


def _canonical(text: str) -> str:
    """Return the form that all equivalent spellings of a path or query have (RFC 3986, 6.2.2)."""

    def replacement(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if _UNRESERVED.fullmatch(character) else match[0].upper()

    return _ESCAPE.sub(replacement, text)


def _web(scheme: str, uri: str) -> Location:
    uri = web_url(uri)
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not is_sendable(uri):
        raise unsupported_error(uri, "this is not a valid URL")
    store = f"{scheme}://[{host}]" if ":" in host else f"{scheme}://{host}"
    if port not in (None, _PORTS[scheme]):
        store = f"{store}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return Location(scheme=scheme, store=store, path=f"{parts.path or '/'}{query}")


def unsupported_error(uri: str, reason: str) -> SourceError:
    """Return the error for an address that cannot be a source."""
    return SourceError(f"{shown(uri)}: {reason}", cause="unsupported")


def identity(location: Location) -> tuple[str, str]:
    """Return the store and path of an object or URL, for :func:`~.items.ingest_key`.

    The signature of a presigned URL is removed and the other parameters are sorted, because their
    order may differ between two signed URLs. Different escapes of one URL are the same identity.
    """
    if location.scheme not in WEB_SCHEMES:
        return location.store, location.path
    path, _, query = _canonical(location.path).partition("?")
    kept = "&".join(sorted(_unsigned(query)))
    return location.store, f"{path}?{kept}" if kept else path


def is_signed(uri: str) -> bool:
    """Return True for a URL that carries a signature, which expires."""
    names = _names(uri.partition("?")[2].partition("#")[0])
    return any(marker in names for marker, _ in _SIGNATURES)


def _names(query: str) -> list[str]:
    return [pair.partition("=")[0].lower() for pair in query.split("&")]


def _unsigned(query: str) -> list[str]:
    names = _names(query)
    patterns = [pattern for marker, pattern in _SIGNATURES if marker in names]
    return [
        pair
        for pair, name in zip(query.split("&"), names, strict=True)
        if pair and not any(pattern.fullmatch(name) for pattern in patterns)
    ]
