"""A Flask backend that receives webhooks of api.video about finished videos.

The same code works in every synchronous (WSGI) framework: ``asyncio.run`` handles one delivery in
the thread of its request, and the handler may be used by several threads. Only deliveries signed by
api.video are accepted, and each event is handled once, even if it is delivered several times.
``webhooks_fastapi.py`` describes how deliveries are repeated and how to rotate a secret.

Install: ``pip install . flask`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    python examples/webhooks_flask.py

To run it against a local api.video, start ``apivideo emulator`` in another terminal, enter the two
``export`` lines that it prints, and use the address ``http://127.0.0.1:8000/webhooks``. Then upload
a video.
"""

import asyncio
import os

from flask import Flask, request

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes. Anyone can send to this address, and events are small.

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"])
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = LARGEST  # A larger body is refused with 413.


@handler.on(webhooks.VideoEncodingQualityCompleted)
def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Handle one event. If this raises, api.video delivers the event again.

    A plain function runs in a thread, where ``flask.current_app`` and ``flask.g`` work. A coroutine
    function is possible, too.
    """
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


@app.post("/webhooks")
def receive() -> tuple[str, int]:
    """Receive a delivery.

    The signature is checked against the bytes of the body. A body that is parsed and serialised
    again has other bytes.
    """
    asyncio.run(handler.handle(request.get_data(), request.headers))
    return "", 204


@app.errorhandler(WebhookSignatureError)
def refuse(error: WebhookSignatureError) -> tuple[str, int]:
    """Refuse a delivery that api.video did not sign with 400."""
    return str(error), 400


def main() -> None:
    """Serve on the loopback address, with the development server of Flask."""
    app.run("127.0.0.1", 8000)


if __name__ == "__main__":
    main()
