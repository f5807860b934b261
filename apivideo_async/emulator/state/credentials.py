"""API key, access tokens, refresh tokens and the ``Authorization`` header. No I/O.

See service.md#authentication.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any

from ..rules.identifiers import Identifiers
from ..rules.problems import RefusedError, invalid_credentials, unauthorized

_INVALID_HEADER = "authentication-invalid-authorization-header-value"


class Credentials:
    """The valid tokens of one API key.

    Time is an argument, in seconds of a monotonic clock. ``token_lifetime`` is in seconds.
    """

    def __init__(
        self, api_key: str, ids: Identifiers, *, token_lifetime: float, invalid_key_status: int
    ) -> None:
        self._api_key = api_key
        self._ids = ids
        self._lifetime = token_lifetime
        self._invalid_key_status = invalid_key_status
        # The name and the expiry of each access token.
        self._access: dict[str, tuple[str, float]] = {}
        self._refresh: set[str] = set()
        self._issued = 0

    def exchange(self, api_key: str, now: float) -> dict[str, Any]:
        """Return a pair of tokens for the API key (service.md#access-tokens).

        Raises a refusal if the key is wrong.
        """
        # JSON can contain lone surrogates, which UTF-8 cannot encode: ``surrogatepass`` avoids an
        # error.
        if not hmac.compare_digest(api_key.encode(errors="surrogatepass"), self._api_key.encode()):
            raise self._refusal("authentication-invalid-api-key")
        return self._issue(now)

    def rotate(self, refresh_token: str, now: float) -> dict[str, Any]:
        """Return a new pair of tokens.

        The given refresh token stops working (service.md#token-renewal).

        Raises a refusal if the refresh token is unknown or was already used.
        """
        if refresh_token not in self._refresh:
            raise self._refusal("authentication-invalid-refresh-token")
        self._refresh.remove(refresh_token)
        return self._issue(now)

    def _refusal(self, slug: str) -> RefusedError:
        """Return a 400 as in the specification, or a 401 as in the error pages.

        See service.md#refused-credentials.
        """
        return invalid_credentials() if self._invalid_key_status == 400 else unauthorized(slug)

    def _issue(self, now: float) -> dict[str, Any]:
        self._issued += 1
        # A whole number is sent without a fraction, as the service does.
        expires_in = (
            int(self._lifetime) if self._lifetime == int(self._lifetime) else self._lifetime
        )
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
        """Make all access tokens invalid."""
        self._access.clear()

    def identify(self, header: str | None, now: float) -> str:
        """Return the name of the credentials in an ``Authorization`` header, for the request log.

        The name never contains the secret. Raises a refusal (401) if the header is absent,
        malformed or wrong (service.md#error-types).
        """
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
        # An unknown token gets the expiry ``now``, and is refused like an expired one.
        token_id, expires = self._access.get(token, ("", now))
        if now >= expires:
            self._access.pop(token, None)
            raise unauthorized("authentication-invalid-access-token")
        return token_id

    def _basic(self, value: str) -> str:
        """Check ``base64(apiKey + ":")``: the user name is the key, and the password is empty.

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
