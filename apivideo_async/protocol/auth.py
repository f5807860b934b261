"""Who we are: Basic and Bearer headers, and the life of an access token (service.md#authentication).

The API key is exchanged once for a pair of tokens; the access token is renewed a minute before it ends, through
the refresh token, which changes each time. Time is an argument here; nothing in this module waits.
"""

import json
from base64 import b64encode

from attrs import field, frozen

from ..errors import ApiResponseError
from ..models import AccessToken
from .request import Request
from .response import Response, decode

__all__ = ["Tokens", "authenticate_request", "basic_header", "refresh_request", "tokens_from"]

RENEW_EARLY = 60.0
"""Seconds before its end at which a token is renewed."""
DEFAULT_LIFETIME = 3600.0
"""Taken when the server tells none, or one that makes no sense; a 401 corrects it."""
LONGEST_LIFETIME = 366 * 24 * 3600


def basic_header(api_key: str) -> str:
    """The key is the user name, the password is empty."""
    return "Basic " + b64encode(f"{api_key}:".encode()).decode("ascii")


@frozen
class Tokens:
    """A pair of tokens and the moments, on the caller's clock, that matter for it."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    renew_at: float
    """From here on, renew before the next request."""
    ends_at: float
    """From here on it is refused."""

    @property
    def header(self) -> str:
        """Always ``Bearer``: the server's ``token_type`` comes in either case (service.md#access-tokens)."""
        return f"Bearer {self.access}"

    def due(self, now: float) -> bool:
        """Whether it is time to renew."""
        return now >= self.renew_at


def _auth_request(operation: str, path: str, payload: dict[str, str]) -> Request:
    body = json.dumps(payload).encode()
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    return Request(
        operation=operation,
        method="POST",
        path=path,
        headers=headers,
        body=body,
        limit_class=None,
        authenticated=False,
        # A refresh token that was spent by a lost answer is replaced through the API key.
        idempotent=True,
    )


def authenticate_request(api_key: str) -> Request:
    """Exchange an API key for tokens."""
    return _auth_request("auth.authenticate", "/auth/api-key", {"apiKey": api_key})


def refresh_request(refresh_token: str) -> Request:
    """Exchange a refresh token for a new pair."""
    return _auth_request("auth.refresh", "/auth/refresh", {"refreshToken": refresh_token})


def tokens_from(request: Request, response: Response, now: float) -> Tokens:
    """Read the answer of either request; ``now`` is when it was asked."""
    answer = decode(request, response, AccessToken)
    if not answer.access_token:
        raise ApiResponseError(
            f"{request.operation}: the answer holds no access token; is base_url right?",
            status=response.status,
            request=request.summary,
        )
    told = answer.expires_in or 0
    lifetime = float(min(told, LONGEST_LIFETIME)) if told > 0 else DEFAULT_LIFETIME
    # A token that lives for less than two minutes is renewed at half its life: never at once, never too late.
    early = min(RENEW_EARLY, lifetime / 2)
    return Tokens(answer.access_token, answer.refresh_token, now + lifetime - early, now + lifetime)
