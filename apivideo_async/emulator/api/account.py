"""``/account``, which left the specification in 2021 (service.md#legacy-operations)."""

from __future__ import annotations

from aiohttp import web

from ..operations import Call, Operation, answer, api

# The number of videos that the account may have. It is reported and not enforced.
_QUOTA = 1000
_FEATURES = ["app.dynamic_metadata", "app.event_log", "player.white_label", "transcode.mp4_support"]


async def get(call: Call) -> web.StreamResponse:
    """Return the quota of videos, the features and the environment of the account."""
    used = len(call.state.videos)
    quota = {"quotaUsed": used, "quotaRemaining": max(0, _QUOTA - used), "quotaTotal": _QUOTA}
    return answer(
        {"quota": quota, "features": _FEATURES, "environment": call.state.settings.environment}
    )


OPERATIONS: tuple[Operation, ...] = (api("account.get", "GET", "/account", get),)
