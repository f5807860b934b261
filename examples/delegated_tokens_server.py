"""A backend whose users upload from the browser directly to api.video, without the API key.

Signed-in users get an upload token that is valid for an hour, and can delete it. The bytes do not
pass through this server. The page at ``/`` (``delegated_tokens.html``) sends a file in chunks with
such a token.

``signed_in_with`` is a complete login, so that the example can run as it is: HTTP Basic against
the users of ``UPLOAD_USERS``. In your application pass your own ``SignedIn`` hook to
``create_app``, which looks up your session cookie.

Install: ``pip install .`` in a clone. Run, then open http://127.0.0.1:8080/ in a browser::

    export APIVIDEO_API_KEY=... UPLOAD_USERS=alice:her-password,bob:his-password
    python examples/delegated_tokens_server.py

To run it against a local api.video, start ``apivideo emulator`` in another terminal and enter the
two ``export`` lines that it prints.
"""

import hmac
import os
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

from aiohttp import web
from yarl import URL

from apivideo_async import ApiVideoClient

LIFETIME = timedelta(hours=1)  # Longer than the longest upload: every chunk needs a valid token.
PAGE = Path(__file__).with_name("delegated_tokens.html")

SignedIn = Callable[[web.Request], Awaitable[str | None]]
"""Returns the name of the user who sent a request, or None if no user is signed in."""

CLIENT = web.AppKey("CLIENT", ApiVideoClient)


def signed_in_with(users: Mapping[str, str]) -> SignedIn:
    """Make a hook that checks HTTP Basic credentials against ``users``, names with passwords."""
    known = {
        b"Basic " + b64encode(f"{name}:{password}".encode()): name
        for name, password in users.items()
    }

    async def signed_in(request: web.Request) -> str | None:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        # Compare in constant time, so that response times reveal nothing about the passwords.
        return next(
            (name for header, name in known.items() if hmac.compare_digest(header, given)), None
        )

    return signed_in


async def page(request: web.Request) -> web.FileResponse:
    """Send the upload page."""
    return web.FileResponse(PAGE)


async def create_token(request: web.Request) -> web.Response:
    """Create an upload token: ``POST /upload-tokens``."""
    client = request.app[CLIENT]
    made = await client.upload_tokens.create(ttl=LIFETIME)
    answer = {
        "token": made.token,
        "expiresAt": made.expires_at.isoformat() if made.expires_at else None,
        "uploadUrl": str(URL(client.config.base_url) / "upload" % {"token": made.token}),
    }
    return web.json_response(answer, status=201, headers={"Cache-Control": "no-store"})


async def delete_token(request: web.Request) -> web.Response:
    """Delete a token before it expires: ``DELETE /upload-tokens/{token}``.

    Only the user who got the token knows it, so no further check is needed.
    """
    await request.app[CLIENT].upload_tokens.delete(request.match_info["token"], missing_ok=True)
    return web.Response(status=204)


def create_app(signed_in: SignedIn) -> web.Application:
    """Make the application. A request that ``signed_in`` does not accept gets 401."""

    @web.middleware
    async def login(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if await signed_in(request) is None:
            raise web.HTTPUnauthorized(
                headers={"WWW-Authenticate": 'Basic realm="uploads", charset="UTF-8"'}
            )
        return await handler(request)

    async def client(app: web.Application) -> AsyncIterator[None]:
        async with ApiVideoClient() as app[CLIENT]:
            yield

    app = web.Application(middlewares=[login])
    app.cleanup_ctx.append(client)
    app.router.add_get("/", page)
    app.router.add_post("/upload-tokens", create_token)
    app.router.add_delete("/upload-tokens/{token}", delete_token)
    return app


def main() -> None:
    """Serve on the loopback address."""
    users = dict(pair.split(":", 1) for pair in os.environ["UPLOAD_USERS"].split(","))
    web.run_app(create_app(signed_in_with(users)), host="127.0.0.1", port=8080)


if __name__ == "__main__":
    main()
