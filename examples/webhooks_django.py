"""A Django backend that receives webhooks of api.video about finished videos.

In a project of your own, take the handler and the view; the settings only make this file a complete
program. The view is asynchronous, and Django serves it with ASGI and with WSGI. Only deliveries
signed by api.video are accepted, and each event is handled once, even if it is delivered several
times. ``webhooks_fastapi.py`` describes how deliveries are repeated and how to rotate a secret.

Install: ``pip install . django uvicorn`` in a clone. Run::

    apivideo webhooks create https://your.host/webhooks         # prints the signature secret
    export APIVIDEO_WEBHOOK_SECRET=sig_sec_...
    uvicorn webhooks_django:app --app-dir examples      # or: python examples/webhooks_django.py

To run it against a local api.video, start ``apivideo emulator`` in another terminal, enter the two
``export`` lines that it prints, and use the address ``http://127.0.0.1:8000/webhooks``. Then upload
a video.
"""

import os

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apivideo_async import WebhookSignatureError, webhooks

LARGEST = 64 * 1024  # Bytes. Anyone can send to this address, and events are small.

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATA_UPLOAD_MAX_MEMORY_SIZE=LARGEST,
        ROOT_URLCONF=__name__,
    )

handler = webhooks.WebhookHandler(os.environ["APIVIDEO_WEBHOOK_SECRET"])


@handler.on(webhooks.VideoEncodingQualityCompleted)
async def encoded(event: webhooks.VideoEncodingQualityCompleted) -> None:
    """Handle one event. If this raises, api.video delivers the event again.

    Use the asynchronous methods of Django's models, such as ``await Video.objects.acreate(...)``,
    or wrap a plain function in ``asgiref.sync.sync_to_async``. Django's database connections belong
    to a thread, and a plain function would run in another one.
    """
    print(f"{event.video_id} can be watched in {event.quality} ({event.encoding})", flush=True)


@csrf_exempt  # api.video has no CSRF token. The signature proves that it is the sender.
@require_POST
async def receive(request: HttpRequest) -> HttpResponse:
    """Receive a delivery.

    The signature is checked against the bytes of the body. A body that is parsed and serialised
    again has other bytes.
    """
    try:
        await handler.handle(request.body, request.headers)
    except WebhookSignatureError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain")
    except RequestDataTooBig:
        return HttpResponse("events are smaller", status=413, content_type="text/plain")
    return HttpResponse(status=204)


urlpatterns = [path("webhooks", receive)]
app = get_asgi_application()


def main() -> None:
    """Serve on the loopback address."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
