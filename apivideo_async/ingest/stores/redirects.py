"""Decides which redirects of a source's server are followed.

A server that is allowed as a source may redirect to any address, for example to one inside the
network of this machine. By default, only redirects within the origin (scheme, host and port) are
followed.
"""

from typing import Any, Final, Literal, TypeAlias, cast, get_args

from yarl import URL

from ...errors import ConfigurationError, SourceError
from ..uris import WEB_SCHEMES, shown

__all__ = [
    "MOST_REDIRECTS",
    "REDIRECTS",
    "STATUSES",
    "Redirects",
    "check_redirects",
    "redirect_target",
]

Redirects: TypeAlias = Literal["same-origin", "any"]
"""``same-origin``: scheme, host and port must stay the same. ``any``: every web server is
allowed, including those of the local network."""
REDIRECTS: Final[tuple[Redirects, ...]] = get_args(Redirects)
STATUSES: Final = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS: Final = 10


def check_redirects(given: Any) -> Redirects:
    """Return the setting. Raises ``ConfigurationError`` for any other value."""
    if given not in REDIRECTS:
        raise ConfigurationError(
            f"redirects must be one of {', '.join(REDIRECTS)}, not {given!r}", option="redirects"
        )
    return cast("Redirects", given)


def redirect_target(uri: str, current: URL, header: str | None, allowed: Redirects) -> URL:
    """Return the URL that a redirect of ``current`` leads to; ``header`` is its ``Location``.

    Credentials in ``current`` are kept only within its origin. ``uri`` is the source, for messages.
    Raises ``SourceError`` (cause ``redirect``) for a redirect that is not allowed or does not lead
    to a web address.
    """
    target = _join(current, header) if header else None
    if target is None or target.scheme not in WEB_SCHEMES or not target.host:
        raise SourceError(
            f"{shown(uri)} redirects to an address that is no URL of a web server", cause="redirect"
        )
    same = _origin(target) == _origin(current)
    if allowed == "same-origin" and not same:
        raise SourceError(
            f"{shown(uri)} redirects to {target.origin()}, which is not followed: use the final "
            "address as the source, or allow such redirects (--redirects any, "
            "Stores(redirects='any'))",
            cause="redirect",
        )
    if same and target.raw_user is None and current.raw_user is not None:
        return target.with_user(current.user).with_password(current.password)
    return target


def _join(current: URL, header: str) -> URL | None:
    """Resolve ``Location`` against the current URL; return None if it is no URL.

    An ASCII location is kept exactly as written, because a change of its encoding would invalidate
    the signature of a presigned URL.
    """
    as_written = header.isascii() and header.isprintable() and " " not in header
    try:
        target = current.join(URL(header, encoded=as_written)).with_fragment(None)
        target.port, target.host  # noqa: B018  Both raise for an invalid URL.
    except (ValueError, UnicodeError):
        return None
    return target


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, (url.host or "").lower(), url.port
