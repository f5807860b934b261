"""An aiohttp backend that receives webhooks of api.video about finished videos.

Only deliveries signed by api.video are accepted, and each event is handled once, even if it is
delivered several times. ``webhooks_fastapi.py`` describes how deliveries are repeated and how to
rotate a secret.

Install: ``pip install .`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    python examples/webhooks_aiohttp.py

To run it against a local api.video, start ``apivideo emulator`` in another terminal, enter the two
``export`` lines that it prints, and use the address ``http://127.0.0.1:8000/webhooks``. Then upload
a video.
"""

import os

from aiohttp import web

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes. Anyone can send to this address, and events are small.

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"])


@handler.on(webhooks.VideoEncodingQualityCompleted)
async def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Handle one event. If this raises, api.video delivers the event again."""
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


async def receive(request: web.Request) -> web.Response:
    """Receive a delivery.

    The signature is checked against the bytes of the body. A body that is parsed and serialised
    again has other bytes.
    """
    try:
        await handler.handle(await request.read(), request.headers)
    except WebhookSignatureError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    return web.Response(status=204)


app = web.Application(client_max_size=LARGEST)
app.router.add_post("/webhooks", receive)


def main() -> None:
    """Serve on the loopback address."""
    web.run_app(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
