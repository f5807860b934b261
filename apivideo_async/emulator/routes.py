"""All operations, and how requests find them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from . import (
    account_handlers,
    assets,
    auth_handlers,
    control,
    live_assets,
    live_stream_handlers,
    player_handlers,
    summary_handlers,
    tag_handlers,
    text_tracks,
    thumbnails,
    token_handlers,
    uploads,
    video_handlers,
    watermark_handlers,
    webhook_handlers,
)
from .analytics import handlers as analytics
from .analytics import session_handlers as sessions
from .browsers import AllowedHosts
from .operations import Operation
from .pipeline import Pipeline
from .world import World

OPERATIONS: tuple[Operation, ...] = (
    *auth_handlers.OPERATIONS,
    *video_handlers.OPERATIONS,
    *uploads.OPERATIONS,
    *thumbnails.OPERATIONS,
    *token_handlers.OPERATIONS,
    *text_tracks.OPERATIONS,
    *player_handlers.OPERATIONS,
    *watermark_handlers.OPERATIONS,
    *tag_handlers.OPERATIONS,
    *summary_handlers.OPERATIONS,
    *live_stream_handlers.OPERATIONS,
    *live_assets.OPERATIONS,
    *webhook_handlers.OPERATIONS,
    *analytics.OPERATIONS,
    *sessions.OPERATIONS,
    *account_handlers.OPERATIONS,
    *assets.OPERATIONS,
    *control.OPERATIONS,
)
_MAX_JSON = 16 * 1024 * 1024


def application(world: World, hosts: AllowedHosts) -> web.Application:
    """Route every operation to the pipeline, which also answers what has no route."""
    pipeline = Pipeline(world, hosts, {(operation.method, operation.path): operation for operation in OPERATIONS})

    @web.middleware
    async def everything(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        return await pipeline.handle(request)

    app = web.Application(middlewares=[everything], client_max_size=_MAX_JSON)
    for operation in OPERATIONS:
        if operation.method == "GET":
            app.router.add_get(operation.path, pipeline.handle, allow_head=operation.access in {"open", "control"})
        else:
            app.router.add_route(operation.method, operation.path, pipeline.handle)
    return app
