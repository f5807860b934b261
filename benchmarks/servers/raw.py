"""An aiohttp server that reads every body and discards it.

Prints its address and serves until it is terminated.
"""

import asyncio
import json

from aiohttp import web


async def receive(request: web.Request) -> web.Response:
    async for _ in request.content.iter_any():
        pass
    return web.Response(
        text=json.dumps({"videoId": "vi0"}), content_type="application/json", status=201
    )


async def main() -> None:
    app = web.Application(client_max_size=2**40)
    app.router.add_post("/{path:.*}", receive)
    runner = web.AppRunner(app, access_log=None, read_bufsize=512 * 1024)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
