"""``/auth/*`` (service.md#auth-operations) and ``/account`` (service.md#legacy-operations)."""

from aiohttp import web

from ..operations import Call, json_response
from ..rules.payloads import text, validate

__all__ = ["authenticate", "get", "refresh"]

# The number of videos that the account may have. It is reported and not enforced.
_QUOTA = 1000
_FEATURES = ["app.dynamic_metadata", "app.event_log", "player.white_label", "transcode.mp4_support"]


async def authenticate(call: Call) -> web.StreamResponse:
    body = validate(await call.json(), {"apiKey": text}, required=("apiKey",))
    return json_response(call.state.credentials.exchange(body["apiKey"], call.state.expiry_clock))


async def refresh(call: Call) -> web.StreamResponse:
    """Exchange a refresh token for a new pair of tokens. A refresh token works once."""
    body = validate(await call.json(), {"refreshToken": text}, required=("refreshToken",))
    return json_response(
        call.state.credentials.rotate(body["refreshToken"], call.state.expiry_clock)
    )


async def get(call: Call) -> web.StreamResponse:
    used = len(call.state.videos)
    quota = {"quotaUsed": used, "quotaRemaining": max(0, _QUOTA - used), "quotaTotal": _QUOTA}
    return json_response(
        {"quota": quota, "features": _FEATURES, "environment": call.state.settings.environment}
    )
