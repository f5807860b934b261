"""`/account`, which the specification dropped in 2021 (service.md#legacy-operations)."""

from __future__ import annotations

from aiohttp import web

from ..operations import Call, Operation, answer, api

_QUOTA = 1000
_FEATURES = ["app.dynamic_metadata", "app.event_log", "player.white_label", "transcode.mp4_support"]


async def get(call: Call) -> web.StreamResponse:
    """Show a quota of videos and what the account can do."""
    used = len(call.world.videos)
    quota = {"quotaUsed": used, "quotaRemaining": max(0, _QUOTA - used), "quotaTotal": _QUOTA}
    return answer({"quota": quota, "features": _FEATURES, "environment": call.world.settings.environment})


OPERATIONS: tuple[Operation, ...] = (api("account.get", "GET", "/account", get),)
