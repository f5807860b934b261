"""Who may do what: API key, access and refresh tokens, the Authorization header (service.md#authentication). No I/O."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any

from ..rules.identifiers import Identifiers
from ..rules.problems import RefusedError, invalid_credentials, unauthorized

_INVALID_HEADER = "authentication-invalid-authorization-header-value"


class Credentials:
    """The pairs of tokens that are valid for one API key. Time is an argument."""

    def __init__(self, api_key: str, ids: Identifiers, *, token_lifetime: float, invalid_key_status: int) -> None:
        self._api_key = api_key
        self._ids = ids
        self._lifetime = token_lifetime
        self._invalid_key_status = invalid_key_status
        self._access: dict[str, tuple[str, float]] = {}
        self._refresh: set[str] = set()
        self._issued = 0

    def exchange(self, api_key: str, now: float) -> dict[str, Any]:
        """Return a pair of tokens for the API key (service.md#access-tokens)."""
        if not hmac.compare_digest(api_key.encode(errors="surrogatepass"), self._api_key.encode()):
            raise self._refusal("authentication-invalid-api-key")
        return self._issue(now)

    def rotate(self, refresh_token: str, now: float) -> dict[str, Any]:
        """Return a new pair; the refresh token given is used up (service.md#token-renewal)."""
        if refresh_token not in self._refresh:
            raise self._refusal("authentication-invalid-refresh-token")
        self._refresh.remove(refresh_token)
        return self._issue(now)

    def _refusal(self, slug: str) -> RefusedError:
        """Answer 400 as the specification says, or 401 as the error pages say (service.md#refused-credentials)."""
        return invalid_credentials() if self._invalid_key_status == 400 else unauthorized(slug)

    def _issue(self, now: float) -> dict[str, Any]:
        self._issued += 1
        expires_in = int(self._lifetime) if self._lifetime == int(self._lifetime) else self._lifetime
        access, refresh = self._ids.access_token(expires_in), self._ids.refresh_token()
        self._access[access] = (f"access-{self._issued}", now + self._lifetime)
        self._refresh.add(refresh)
        return {
            "token_type": "Bearer",
            "expires_in": expires_in,
            "access_token": access,
            "refresh_token": refresh,
        }

    def expire_access_tokens(self) -> None:
        """Make every access token invalid at once."""
        self._access.clear()

    def identify(self, header: str | None, now: float) -> str:
        """Return a name, never the secret, for whoever sent this Authorization header (service.md#error-types)."""
        if header is None or not header.strip():
            raise unauthorized("authentication-missing-authorization-header")
        scheme, _, value = header.strip().partition(" ")
        value = value.strip()
        if scheme.lower() == "bearer" and value:
            return self._bearer(value, now)
        if scheme.lower() == "basic" and value:
            return self._basic(value)
        raise unauthorized(_INVALID_HEADER)

    def _bearer(self, token: str, now: float) -> str:
        token_id, expires = self._access.get(token, ("", now))
        if now >= expires:
            self._access.pop(token, None)
            raise unauthorized("authentication-invalid-access-token")
        return token_id

    def _basic(self, value: str) -> str:
        """Check `base64(apiKey + ":")`: the key is the user, the password is empty.

        See service.md#basic-authentication.
        """
        try:
            user, colon, password = base64.b64decode(value, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            raise unauthorized(_INVALID_HEADER) from None
        if not colon:
            raise unauthorized(_INVALID_HEADER)
        if password or not hmac.compare_digest(user, self._api_key.encode()):
            raise unauthorized("authentication-invalid-api-key")
        return "api-key"
