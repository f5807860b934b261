"""Identifiers in the forms that the service uses. The same seed gives the same identifiers.

Access tokens, refresh tokens, private tokens and sessions also depend on the API key, so that a web
page that knows the seed cannot compute them. See service.md#identifiers.
"""

import base64
import json
import random
import string
import uuid

from attrs import define, field

__all__ = ["Identifiers"]

_ALPHABET = string.digits + string.ascii_letters
# The kinds whose values give access.
_SECRET_KINDS = frozenset({"access", "refresh", "private-token", "session"})


@define(eq=False)
class Identifiers:
    """Generates identifiers. Each kind has its own random numbers, independent of other kinds."""

    _seed: int
    _api_key: str = ""
    _streams: dict[str, random.Random] = field(factory=dict, init=False)

    def _stream(self, kind: str) -> random.Random:
        if kind not in self._streams:
            key = self._api_key if kind in _SECRET_KINDS else ""
            # ``random`` hashes a text seed, so that the streams of different kinds are unrelated.
            seed = f"{self._seed}/{kind}/{key}"
            self._streams[kind] = random.Random(seed)  # noqa: S311 - repeatable on purpose
        return self._streams[kind]

    def opaque(self, prefix: str) -> str:
        """Return ``prefix`` and 22 letters and digits, such as ``vi4k0jvEUuaTdRAEjQ4Jfrgz``."""
        return prefix + "".join(self._stream(prefix).choices(_ALPHABET, k=22))

    def uuid(self, kind: str) -> str:
        return str(uuid.UUID(int=self._stream(kind).getrandbits(128), version=4))

    def refresh_token(self) -> str:
        """Return a refresh token: long hexadecimal text, like that of the service."""
        return f"def50200{self._stream('refresh').getrandbits(512):0128x}"

    def access_token(self, expires_in: float) -> str:
        """Return an access token in the form of a JWT. ``expires_in`` is in seconds."""
        stream = self._stream("access")
        claims = {"jti": f"{stream.getrandbits(128):032x}", "expiresIn": expires_in}
        parts = [json.dumps({"typ": "JWT", "alg": "none"}).encode(), json.dumps(claims).encode()]
        # The signature is random bytes and never verified (service.md#access-tokens).
        parts.append(stream.randbytes(24))
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
