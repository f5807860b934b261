"""An aiohttp backend that api.video tells about finished videos.

Only what api.video signed is taken, and each event is dealt with once, however often it is delivered. How deliveries
are repeated, and how a secret is rotated, is told in ``webhooks_fastapi.py``.

Install: ``pip install .`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    python examples/webhooks_aiohttp.py

Against a local api.video: ``apivideo emulator`` in another terminal, the two ``export`` lines that it prints, and the
address ``http://127.0.0.1:8000/webhooks``. Then upload something.
"""

import os

from aiohttp import web

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes; anybody can send to this address, and events are small.

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"].split())


@handler.on(webhooks.VideoEncodingQualityCompleted)
async def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Deal with one event; what is raised here makes api.video deliver it again."""
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


async def receive(request: web.Request) -> web.Response:
    """Take a delivery. The body is checked as it came: parsed and written again it would be another one."""
    try:
        await handler.handle(await request.read(), request.headers)
    except WebhookSignatureError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    return web.Response(status=204)


app = web.Application(client_max_size=LARGEST)
app.router.add_post("/webhooks", receive)


def main() -> None:
    """Serve on this machine's loopback address."""
    web.run_app(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
