"""Removes the secrets of a request from the response to it.

Gateways and validators repeat parts of a request ("Cannot GET /upload-tokens/to1…", "invalid value
'…'"), and texts of the server appear in messages and logs.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote

from ..models._tokens import path_tokens

__all__ = ["redacted", "secrets_of"]

_PARAMETERS = ("token", "avh", "streamkey")
_IN_BODY = re.compile(rb'"(?:apiKey|refreshToken|streamKey|token)"\s*:\s*"([^"\\]+)"')
_SHORTEST = 6
"""Characters. Shorter values are not replaced.

No token is so short, and replacing a single letter everywhere would destroy the response.
"""


def secrets_of(path: str, query: str, body: bytes | None) -> list[str]:
    """Return the tokens and keys in the path, query and JSON body of a request."""
    found = path_tokens(path)
    found += [value for name, value in parse_qsl(query) if name.lower() in _PARAMETERS]
    return found + [value.decode("utf-8", "replace") for value in _IN_BODY.findall(body or b"")]


def redacted(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str]
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a response with ``***`` in place of the secrets."""
    headers = dict(headers)
    for secret in secrets:
        # A server may repeat the decoded value or the one from the URL.
        for spelling in {secret, quote(secret, safe="")}:
            if len(spelling) >= _SHORTEST:
                body = body.replace(spelling.encode(), b"***")
                headers = {name: value.replace(spelling, "***") for name, value in headers.items()}
    return headers, body
