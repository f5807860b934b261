"""The account, and access tokens for other programs.

See service.md#legacy-operations and service.md#auth-operations. The client obtains and renews its
own tokens without this module.
"""

from ..errors import ConfigurationError
from ..models import AccessToken, Account
from ..protocol.auth import authenticate_request, refresh_request
from ..protocol.request import check_text
from ._resource import Resource

__all__ = ["Accounts", "Auth"]


class Accounts(Resource):
    """``client.account``."""

    async def get(self) -> Account:
        """Return quota, features and environment (``GET /account``, reads).

        The specification has not contained this operation since 2021. Expect ``NotFoundError`` from
        the current service.
        """
        return await self._call("account.get", "GET", "/account", Account)


class Auth(Resource):
    """``client.auth``: tokens for programs that must not have the API key. Uses no budget."""

    async def authenticate(self, *, api_key: str | None = None) -> AccessToken:
        """Exchange an API key for a pair of tokens (``POST /auth/api-key``).

        ``api_key`` defaults to the key of the client. Raises ``AuthenticationError`` if the key is
        wrong or belongs to the other environment, and ``ConfigurationError`` if there is no key.
        """
        key = self._pipeline.config.api_key if api_key is None else api_key
        if key is None:
            text = "no API key: pass api_key=... or set APIVIDEO_API_KEY"
            raise ConfigurationError(text, option="api_key")
        check_text("api_key", key)
        return await self._pipeline.call(authenticate_request(key), AccessToken)

    async def refresh(self, *, refresh_token: str) -> AccessToken:
        """Exchange a refresh token for a new pair (``POST /auth/refresh``).

        The old refresh token is invalid afterwards. Raises ``AuthenticationError`` for a wrong or
        used token.
        """
        check_text("refresh_token", refresh_token)
        return await self._pipeline.call(refresh_request(refresh_token), AccessToken)
