"""A FastAPI backend that api.video tells about finished videos; without FastAPI the same works in Starlette.

Only what api.video signed is taken, and each event is dealt with once, however often it is delivered.

api.video repeats a delivery that was not answered with a status below 300 within some seconds: three times, three
seconds apart. So an event that could not be dealt with is answered with 500, and what takes longer than a moment
belongs into a queue of yours. Events that are done are kept in memory: with several processes keep ``event.key`` in
your database instead.

A subscription's secret cannot be changed. To rotate it, create a second subscription, put both secrets, with a space
between them, into ``APIVIDEO_WEBHOOK_SECRET``, restart, and delete the old subscription: meanwhile every event comes
twice, and is dealt with once.

Install: ``pip install . fastapi uvicorn`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    uvicorn webhooks_fastapi:app --app-dir examples             # or: python examples/webhooks_fastapi.py

Against a local api.video: ``apivideo emulator`` in another terminal, the two ``export`` lines that it prints, and the
address ``http://127.0.0.1:8000/webhooks``. Then upload something.
"""

import os

import uvicorn
from fastapi import FastAPI, HTTPException, Request

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes; anybody can send to this address, and events are small.

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"].split())
app = FastAPI(title="What api.video tells")


@handler.on(webhooks.VideoEncodingQualityCompleted)
async def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Deal with one event; what is raised here makes api.video deliver it again."""
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


@app.post("/webhooks", status_code=204)
async def receive(request: Request) -> None:
    """Take a delivery. The body is checked as it came: parsed and written again it would be another one."""
    try:
        await handler.handle(await body_of(request), request.headers)
    except WebhookSignatureError as error:
        raise HTTPException(400, str(error)) from error


async def body_of(request: Request) -> bytes:
    """Read the body, and no more than an event can have."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise HTTPException(413, "events are smaller")
    return bytes(body)


def main() -> None:
    """Serve on this machine's loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
