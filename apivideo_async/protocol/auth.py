"""Authorization headers and the lifetime of access tokens (service.md#authentication).

The API key is exchanged for an access token and a refresh token. One minute before the access token
expires, the refresh token is exchanged for a new pair, in which both tokens are new. All functions
take the time as an argument, and none of them waits.
"""

from base64 import b64encode

from attrs import field, frozen

from ..errors import ApiResponseError
from ..models import AccessToken
from .json_body import as_json
from .request import Request
from .response import Response, decode

__all__ = ["Tokens", "authenticate_request", "basic_header", "refresh_request", "tokens_from"]

RENEW_EARLY = 60.0
"""Seconds before its expiry at which a token is renewed."""
DEFAULT_LIFETIME = 3600.0
"""Seconds. Used if the server sends no valid lifetime. An earlier expiry causes a 401."""
LONGEST_LIFETIME = 366 * 24 * 3600.0
"""Seconds, one year. Longer lifetimes are cut to this."""


def basic_header(api_key: str) -> str:
    """Return the Basic header: the key is the user name and the password is empty."""
    return "Basic " + b64encode(f"{api_key}:".encode()).decode("ascii")


@frozen
class Tokens:
    """A token pair, with the times of its renewal and expiry on the caller's clock, in seconds."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    renew_at: float
    """From this time on, the pair is renewed before the next request."""
    ends_at: float
    """From this time on, the server refuses the access token."""

    @property
    def header(self) -> str:
        """The ``Authorization`` header with the access token."""
        # The ``token_type`` of the server may be in lower case (service.md#access-tokens).
        return f"Bearer {self.access}"

    def due(self, now: float) -> bool:
        """Whether the pair should be renewed at the time ``now``."""
        return now >= self.renew_at


def _auth_request(operation: str, path: str, payload: dict[str, str]) -> Request:
    return Request(
        operation=operation,
        method="POST",
        path=path,
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=as_json(payload),
        limit_class=None,
        authenticated=False,
        # Repeating is safe: if a lost response has used up the refresh token, the client exchanges
        # the API key instead.
        idempotent=True,
    )


def authenticate_request(api_key: str) -> Request:
    """Return the request that exchanges an API key for a token pair."""
    return _auth_request("auth.authenticate", "/auth/api-key", {"apiKey": api_key})


def refresh_request(refresh_token: str) -> Request:
    """Return the request that exchanges a refresh token for a new pair."""
    return _auth_request("auth.refresh", "/auth/refresh", {"refreshToken": refresh_token})


def tokens_from(request: Request, response: Response, now: float) -> Tokens:
    """Read a response to a request sent at ``now``. Raises ``ApiResponseError`` without a token."""
    issued = decode(request, response, AccessToken)
    if not issued.access_token:
        raise ApiResponseError(
            "the response contains no access token; is base_url right?",
            status=response.status,
            request=request.summary,
        )
    # The lifetime counts from the time of the request, so the result is never too late.
    stated = issued.expires_in or 0
    lifetime = min(stated, LONGEST_LIFETIME) if stated > 0 else DEFAULT_LIFETIME
    # A token that lives for less than two minutes is renewed after half of its lifetime. With the
    # fixed margin, it would be renewed at once, again and again.
    early = min(RENEW_EARLY, lifetime / 2)
    return Tokens(issued.access_token, issued.refresh_token, now + lifetime - early, now + lifetime)
