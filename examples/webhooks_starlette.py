"""A Starlette backend that receives webhooks of api.video about finished videos.

Only deliveries signed by api.video are accepted, and each event is handled once, even if it is
delivered several times. ``webhooks_fastapi.py`` describes how deliveries are repeated and how to
rotate a secret.

Install: ``pip install . starlette uvicorn`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    uvicorn webhooks_starlette:app --app-dir examples   # or: python examples/webhooks_starlette.py

To run it against a local api.video, start ``apivideo emulator`` in another terminal, enter the two
``export`` lines that it prints, and use the address ``http://127.0.0.1:8000/webhooks``. Then upload
a video.
"""

import os

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes. Anyone can send to this address, and events are small.

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"])


@handler.on(webhooks.VideoEncodingQualityCompleted)
async def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Handle one event. If this raises, api.video delivers the event again."""
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


async def receive(request: Request) -> Response:
    """Receive a delivery.

    The signature is checked against the bytes of the body. A body that is parsed and serialised
    again has other bytes.
    """
    try:
        await handler.handle(await body_of(request), request.headers)
    except WebhookSignatureError as error:
        raise HTTPException(400, str(error)) from error
    return Response(status_code=204)


async def body_of(request: Request) -> bytes:
    """Read the body. A body larger than any event is refused with 413."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise HTTPException(413, "events are smaller")
    return bytes(body)


app = Starlette(routes=[Route("/webhooks", receive, methods=["POST"])])


def main() -> None:
    """Serve on the loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
