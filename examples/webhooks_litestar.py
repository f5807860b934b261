"""A Litestar backend that receives webhooks of api.video about finished videos.

Only deliveries signed by api.video are accepted, and each event is handled once, even if it is
delivered several times. ``webhooks_fastapi.py`` describes how deliveries are repeated and how to
rotate a secret.

Install: ``pip install . litestar uvicorn`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    uvicorn webhooks_litestar:app --app-dir examples    # or: python examples/webhooks_litestar.py

To run it against a local api.video, start ``apivideo emulator`` in another terminal, enter the two
``export`` lines that it prints, and use the address ``http://127.0.0.1:8000/webhooks``. Then upload
a video.
"""

import os
from typing import Any

import uvicorn
from litestar import Litestar, Request, Response, post

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes. Anyone can send to this address, and events are small.

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"])


@handler.on(webhooks.VideoEncodingQualityCompleted)
async def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Handle one event. If this raises, api.video delivers the event again."""
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


@post("/webhooks", status_code=204, request_max_body_size=LARGEST)
async def receive(request: Request[Any, Any, Any]) -> None:
    """Receive a delivery.

    The signature is checked against the bytes of the body. A body that is parsed and serialised
    again has other bytes.
    """
    await handler.handle(await request.body(), request.headers)


def refuse(request: Request[Any, Any, Any], error: WebhookSignatureError) -> Response[str]:
    """Refuse a delivery that api.video did not sign with 400."""
    return Response(str(error), status_code=400)


# Litestar's own logging would replace the log handlers of the whole process.
app = Litestar([receive], exception_handlers={WebhookSignatureError: refuse}, logging_config=None)


def main() -> None:
    """Serve on the loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
