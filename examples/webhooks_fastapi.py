"""A FastAPI backend that receives webhooks of api.video about finished videos.

The same code works in Starlette without FastAPI. Only deliveries signed by api.video are accepted,
and each event is handled once, even if it is delivered several times.

If a delivery is not answered with a status below 300 within some seconds, api.video repeats it:
three times, three seconds apart. An event that could not be handled is therefore answered with
500. Put work that takes longer than a moment into a queue of your own. Handled events are
remembered in memory; with several processes, store ``event.key`` in your database instead.

The secret of a subscription cannot be changed. To rotate it, create a second subscription, put
both secrets into ``APIVIDEO_WEBHOOK_SECRET`` (separated by a space), restart, and delete the old
subscription. In between, every event is delivered twice and handled once.

Install: ``pip install . fastapi uvicorn`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    uvicorn webhooks_fastapi:app --app-dir examples     # or: python examples/webhooks_fastapi.py

To run it against a local api.video, start ``apivideo emulator`` in another terminal, enter the two
``export`` lines that it prints, and use the address ``http://127.0.0.1:8000/webhooks``. Then upload
a video.
"""

import os

import uvicorn
from fastapi import FastAPI, HTTPException, Request

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes. Anyone can send to this address, and events are small.

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"])
app = FastAPI(title="What api.video tells")


@handler.on(webhooks.VideoEncodingQualityCompleted)
async def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Handle one event. If this raises, api.video delivers the event again."""
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


@app.post("/webhooks", status_code=204)
async def receive(request: Request) -> None:
    """Receive a delivery.

    The signature is checked against the bytes of the body. A body that is parsed and serialised
    again has other bytes.
    """
    try:
        await handler.handle(await body_of(request), request.headers)
    except WebhookSignatureError as error:
        raise HTTPException(400, str(error)) from error


async def body_of(request: Request) -> bytes:
    """Read the body. A body larger than any event is refused with 413."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise HTTPException(413, "events are smaller")
    return bytes(body)


def main() -> None:
    """Serve on the loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
