"""Removes the secrets of a request from what the server answered to it.

Gateways and validators repeat what they received ("Cannot GET /upload-tokens/to1…", "invalid value '…'"), and texts of
the server become part of messages and logs.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote

from ..models._masked import path_secrets

__all__ = ["redacted", "secrets_of"]

_PARAMETERS = ("token", "avh", "streamkey")
_IN_BODY = re.compile(rb'"(?:apiKey|refreshToken|streamKey|token)"\s*:\s*"([^"\\]+)"')
_SHORTEST = 6
"""Shorter values are left: no token is so short, and replacing one letter everywhere would destroy the answer."""


def secrets_of(path: str, query: str, body: bytes | None) -> list[str]:
    """Return the tokens and keys that a request carries in its path, query and JSON body."""
    found = path_secrets(path)
    found += [value for name, value in parse_qsl(query) if name.lower() in _PARAMETERS]
    return found + [value.decode("utf-8", "replace") for value in _IN_BODY.findall(body or b"")]


def redacted(headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> tuple[dict[str, str], bytes]:
    """Return headers and body of an answer with ``***`` in place of the secrets."""
    headers = dict(headers)
    for secret in secrets:
        for spelling in {secret, quote(secret, safe="")}:
            if len(spelling) >= _SHORTEST:
                body = body.replace(spelling.encode(), b"***")
                headers = {name: value.replace(spelling, "***") for name, value in headers.items()}
    return headers, body
