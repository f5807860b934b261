"""Identifiers in the shapes that the service uses, the same ones again for the same seed (service.md#identifiers).

Access tokens, refresh tokens, private tokens and sessions depend on the API key as well: a web page that knows the
seed must not be able to compute them.
"""

from __future__ import annotations

import base64
import json
import random
import string
import uuid

_ALPHABET = string.digits + string.ascii_letters
_ACCESS = frozenset({"access", "refresh", "private-token", "session"})


class Identifiers:
    """One stream of random numbers per kind, so that reading private videos does not change later ids."""

    def __init__(self, seed: int, api_key: str = "") -> None:
        self._seed = seed
        self._api_key = api_key
        self._streams: dict[str, random.Random] = {}

    def _stream(self, kind: str) -> random.Random:
        if kind not in self._streams:
            key = self._api_key if kind in _ACCESS else ""
            self._streams[kind] = random.Random(f"{self._seed}/{kind}/{key}")  # noqa: S311 - repeatable on purpose
        return self._streams[kind]

    def opaque(self, prefix: str, length: int = 22) -> str:
        """Return a prefix and random letters and digits, like `vi4k0jvEUuaTdRAEjQ4Jfrgz`."""
        return prefix + "".join(self._stream(prefix).choices(_ALPHABET, k=length))

    def uuid(self, kind: str) -> str:
        """Return a random UUID."""
        return str(uuid.UUID(int=self._stream(kind).getrandbits(128), version=4))

    def refresh_token(self) -> str:
        """Return a refresh token: long hexadecimal text, like the service's."""
        return f"def50200{self._stream('refresh').getrandbits(512):0128x}"

    def access_token(self, expires_in: float) -> str:
        """Return an access token of the shape of a JWT (service.md#access-tokens); nobody verifies its signature."""
        stream = self._stream("access")
        claims = {"jti": f"{stream.getrandbits(128):032x}", "expiresIn": expires_in}
        parts = [json.dumps({"typ": "JWT", "alg": "none"}).encode(), json.dumps(claims).encode()]
        parts.append(stream.randbytes(24))
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
