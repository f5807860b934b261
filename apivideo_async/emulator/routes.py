"""The table of all operations, and the aiohttp application that routes requests to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from .api import account as account_handlers
from .api import analytics as analytics
from .api import auth as auth_handlers
from .api import control, text_tracks, thumbnails, uploads
from .api import live_streams as live_stream_handlers
from .api import players as player_handlers
from .api import sessions as sessions
from .api import summaries as summary_handlers
from .api import tags as tag_handlers
from .api import upload_tokens as token_handlers
from .api import videos as video_handlers
from .api import watermarks as watermark_handlers
from .api import webhooks as webhook_handlers
from .browsers import AllowedHosts
from .operations import Operation
from .pipeline import Pipeline
from .serving import assets, live_assets
from .state.state import State

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
# Limit of a JSON body in bytes. Uploads are streamed and do not have this limit.
_MAX_JSON = 16 * 1024 * 1024


def application(state: State, hosts: AllowedHosts) -> web.Application:
    """Build the application. Every request goes through the pipeline, with or without a route."""
    pipeline = Pipeline(
        state, hosts, {(operation.method, operation.path): operation for operation in OPERATIONS}
    )

    # The middleware also receives requests without a route, which would otherwise get the default
    # 404 or 405 of aiohttp.
    @web.middleware
    async def everything(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        return await pipeline.handle(request)

    app = web.Application(middlewares=[everything], client_max_size=_MAX_JSON)
    for operation in OPERATIONS:
        if operation.method == "GET":
            # HEAD is allowed for assets and control pages. The API refuses it with 405.
            app.router.add_get(
                operation.path, pipeline.handle, allow_head=operation.access in {"open", "control"}
            )
        else:
            app.router.add_route(operation.method, operation.path, pipeline.handle)
    return app
