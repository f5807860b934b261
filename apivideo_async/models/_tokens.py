"""Hides tokens in paths and URLs that are displayed.

See service.md#upload-token-operations, service.md#token-uploads, service.md#private-videos,
service.md#other-private-assets.
"""

import re
from urllib.parse import quote, unquote

__all__ = ["mask_tokens", "masked_repr", "path_tokens"]

# /upload-tokens/{uploadToken}, /vod/{videoId}/token/{token}/… and /private/{token}/…
_IN_PATH = re.compile(
    r"(?P<head>.*?/+(?:upload-tokens/+(?P<upload>[^?#]+)|(?:token|private)/+(?P<private>[^/?#]+)))"
    r"(?P<tail>.*)",
    re.IGNORECASE | re.DOTALL,
)
# In HTML, as of ``iframe``, an ampersand is ``&amp;``.
_IN_QUERY = re.compile(r"((?:[?&]|&amp;)(?:token|avh|streamKey)=)[^&#\s\"']+", re.IGNORECASE)


def mask_tokens(address: str) -> str:
    """Return a path or a URL with ``…`` in place of its tokens."""
    # The path is unquoted first: a server decodes percent escapes before it routes a request, so an
    # escaped spelling refers to the same token.
    if found := _IN_PATH.fullmatch(unquote(address)):
        head = found["head"].removesuffix(_token(found))
        # The rest is masked again, because a path may contain several tokens.
        tail = mask_tokens(quote(found["tail"], safe="/?=&#"))
        address = f"{quote(head, safe='/: ')}…{tail}"
    return _IN_QUERY.sub(r"\1…", address)


def masked_repr(address: object) -> str:
    """Return the ``repr`` of a URL without its tokens, or of None."""
    return repr(mask_tokens(address) if isinstance(address, str) else address)


def path_tokens(path: str) -> list[str]:
    found = _IN_PATH.fullmatch(unquote(path))
    return [*_token(found).split("/"), *path_tokens(found["tail"])] if found else []


def _token(found: re.Match[str]) -> str:
    return str(found["upload"] or found["private"])
