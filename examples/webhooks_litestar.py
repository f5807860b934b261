"""A Litestar backend that api.video tells about finished videos.

Only what api.video signed is taken, and each event is dealt with once, however often it is delivered. How deliveries
are repeated, and how a secret is rotated, is told in ``webhooks_fastapi.py``.

Install: ``pip install . litestar uvicorn`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    uvicorn webhooks_litestar:app --app-dir examples            # or: python examples/webhooks_litestar.py

Against a local api.video: ``apivideo emulator`` in another terminal, the two ``export`` lines that it prints, and the
address ``http://127.0.0.1:8000/webhooks``. Then upload something.
"""

import os
from typing import Any

import uvicorn
from litestar import Litestar, Request, Response, post

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes; anybody can send to this address, and events are small.

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"].split())


@handler.on(webhooks.VideoEncodingQualityCompleted)
async def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Deal with one event; what is raised here makes api.video deliver it again."""
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


@post("/webhooks", status_code=204, request_max_body_size=LARGEST)
async def receive(request: Request[Any, Any, Any]) -> None:
    """Take a delivery. The body is checked as it came: parsed and written again it would be another one."""
    await handler.handle(await request.body(), request.headers)


def refuse(request: Request[Any, Any, Any], error: WebhookSignatureError) -> Response[str]:
    """Answer what api.video did not sign."""
    return Response(str(error), status_code=400)


# Litestar's own logging would take over the loggers of the whole process.
app = Litestar([receive], exception_handlers={WebhookSignatureError: refuse}, logging_config=None)


def main() -> None:
    """Serve on this machine's loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
