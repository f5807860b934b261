"""``/auth/*``: exchange an API key or a refresh token for tokens (service.md#auth-operations)."""

from __future__ import annotations

from aiohttp import web

from ..operations import Call, Operation, answer
from ..rules.payloads import text, validate


async def authenticate(call: Call) -> web.StreamResponse:
    """Exchange the API key for an access token and a refresh token."""
    body = validate(await call.json(), {"apiKey": text}, required=("apiKey",))
    return answer(call.state.credentials.exchange(body["apiKey"], call.state.expiry_clock))


async def refresh(call: Call) -> web.StreamResponse:
    """Exchange a refresh token for a new pair of tokens. A refresh token works once."""
    body = validate(await call.json(), {"refreshToken": text}, required=("refreshToken",))
    return answer(call.state.credentials.rotate(body["refreshToken"], call.state.expiry_clock))


OPERATIONS: tuple[Operation, ...] = (
    Operation("auth.authenticate", "POST", "/auth/api-key", authenticate, None, "open"),
    Operation("auth.refresh", "POST", "/auth/refresh", refresh, None, "open"),
)
