"""Removes tokens from the paths and URLs that are displayed.

See service.md#upload-token-operations, service.md#token-uploads, service.md#private-videos,
service.md#other-private-assets.
"""

import re
from urllib.parse import quote, unquote

__all__ = ["masked", "path_secrets", "shown"]

_IN_PATH = re.compile(
    r"(?P<head>.*?/+(?:upload-tokens/+(?P<upload>[^?#]+)|(?:token|private)/+(?P<private>[^/?#]+)))(?P<tail>.*)",
    re.IGNORECASE | re.DOTALL,
)
"""The paths that contain tokens.

They are ``/upload-tokens/{uploadToken}``, ``/vod/{videoId}/token/{token}/…`` and
``/private/{token}/…``.
"""
_IN_QUERY = re.compile(r"([?&](?:token|avh|streamKey)=)[^&#\s\"']+", re.IGNORECASE)


def masked(address: str) -> str:
    """Return a path or a URL with ``…`` in place of its tokens."""
    # The path is unquoted first: a server decodes percent escapes before it routes a request, so an
    # escaped spelling refers to the same token.
    if found := _IN_PATH.fullmatch(unquote(address)):
        # The rest is masked again, because a path may contain several tokens.
        head = found["head"].removesuffix(_token(found))
        address = quote(head, safe="/: ") + "…" + masked(quote(found["tail"], safe="/?=&#"))
    return _IN_QUERY.sub(r"\1…", address)


def _token(found: re.Match[str]) -> str:
    return str(found["upload"] or found["private"])


def shown(address: object) -> str:
    """Return the ``repr`` of a URL without its tokens, or of None."""
    return repr(masked(address) if isinstance(address, str) else address)


def path_secrets(path: str) -> list[str]:
    """Return the tokens that a path contains."""
    found = _IN_PATH.fullmatch(unquote(path))
    return [*_token(found).split("/"), *path_secrets(found["tail"])] if found else []
