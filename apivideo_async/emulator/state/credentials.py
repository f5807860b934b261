"""Credentials of clients and viewers: API key, access and refresh tokens, private tokens. No I/O.

Time is an argument, in seconds of a monotonic clock. See service.md#authentication,
service.md#access-tokens, service.md#token-renewal, service.md#private-sessions.
"""

import base64
import binascii
import hmac
from typing import Any

from attrs import define, field

from ..rules.identifiers import Identifiers
from ..rules.problems import RefusedError, refuse
from ..settings import Settings

__all__ = ["SESSION_SECONDS", "Credentials", "PrivateSessions"]

_INVALID_HEADER = "authentication-invalid-authorization-header-value"
SESSION_SECONDS = 24 * 3600.0


@define(eq=False)
class Credentials:
    """The API key and the valid tokens."""

    _settings: Settings
    _ids: Identifiers
    # The name and the expiry of each access token.
    _access: dict[str, tuple[str, float]] = field(factory=dict, init=False)
    _refresh: set[str] = field(factory=set, init=False)
    _issued: int = field(default=0, init=False)

    def exchange(self, api_key: str, now: float) -> dict[str, Any]:
        """Return a pair of tokens for the API key. Raises a refusal if the key is wrong."""
        # JSON can contain lone surrogates, which UTF-8 cannot encode.
        if not self._is_api_key(api_key.encode(errors="surrogatepass")):
            raise self._refusal("authentication-invalid-api-key")
        return self._issue(now)

    def rotate(self, refresh_token: str, now: float) -> dict[str, Any]:
        """Return a new pair of tokens. Raises a refusal if the refresh token was already used."""
        if refresh_token not in self._refresh:
            raise self._refusal("authentication-invalid-refresh-token")
        self._refresh.remove(refresh_token)
        return self._issue(now)

    def _is_api_key(self, text: bytes) -> bool:
        return hmac.compare_digest(text, self._settings.api_key.encode())

    def _refusal(self, slug: str) -> RefusedError:
        # The specification says 400, the error pages 401 (service.md#refused-credentials).
        if self._settings.invalid_key_status == 400:
            return refuse("authentication-invalid-user-credentials")
        return refuse(slug)

    def _issue(self, now: float) -> dict[str, Any]:
        self._issued += 1
        # A whole number is sent without a fraction, as the service does.
        lifetime = self._settings.token_lifetime
        expires_in = int(lifetime) if lifetime == int(lifetime) else lifetime
        access = self._ids.access_token(expires_in)
        refresh = self._ids.refresh_token()
        self._access[access] = (f"access-{self._issued}", now + lifetime)
        self._refresh.add(refresh)
        return {
            "token_type": "Bearer",
            "expires_in": expires_in,
            "access_token": access,
            "refresh_token": refresh,
        }

    def expire_access_tokens(self) -> None:
        self._access.clear()

    def identify(self, header: str | None, now: float) -> str:
        """Return a name for the credentials, without the secret, or raise a refusal (401)."""
        if header is None or not header.strip():
            raise refuse("authentication-missing-authorization-header")
        scheme, _, value = header.strip().partition(" ")
        value = value.strip()
        if scheme.lower() == "bearer" and value:
            return self._bearer(value, now)
        if scheme.lower() == "basic" and value:
            return self._basic(value)
        raise refuse(_INVALID_HEADER)

    def _bearer(self, token: str, now: float) -> str:
        # An unknown token gets the expiry ``now``, and is refused like an expired one.
        name, expires = self._access.get(token, ("", now))
        if now >= expires:
            self._access.pop(token, None)
            raise refuse("authentication-invalid-access-token")
        return name

    def _basic(self, value: str) -> str:
        # The user name is the key, and the password is empty (service.md#basic-authentication).
        try:
            user, colon, password = base64.b64decode(value, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            raise refuse(_INVALID_HEADER) from None
        if not colon:
            raise refuse(_INVALID_HEADER)
        if password or not self._is_api_key(user):
            raise refuse("authentication-invalid-api-key")
        return "api-key"


@define(eq=False)
class PrivateSessions:
    """Tokens and sessions of viewers of private items: a token works once and opens a session."""

    _ids: Identifiers
    # The item of each token, and whether the token was used.
    _tokens: dict[str, tuple[str, bool]] = field(factory=dict, init=False)
    # The item and the expiry of each session.
    _sessions: dict[str, tuple[str, float]] = field(factory=dict, init=False)

    def new_token(self, item_id: str) -> str:
        token = self._ids.uuid("private-token")
        self._tokens[token] = (item_id, False)
        return token

    def open_session(self, item_id: str, token: str, now: float) -> str | None:
        """Use a token and return its session, or None if it was used or is of another item."""
        if self._tokens.get(token) != (item_id, False):
            return None
        self._tokens[token] = (item_id, True)
        session = self._ids.uuid("session")
        self._sessions[session] = (item_id, now + SESSION_SECONDS)
        return session

    def authorize(self, item_id: str, token: str, session: str | None, now: float) -> str | None:
        """Return the session, which ``token`` opens if there is none. None: access is refused."""
        if session is None:
            return self.open_session(item_id, token, now)
        owner, expires = self._sessions.get(session, ("", 0.0))
        # With a session the token may be a used one, but it must belong to the same item.
        token_fits = self._tokens.get(token, ("", True))[0] == item_id
        return session if token_fits and owner == item_id and now < expires else None
