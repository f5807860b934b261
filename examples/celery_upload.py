"""Celery tasks that upload files, each exactly once, with one client for each worker process.

Tasks of Celery are synchronous, and a client belongs to one event loop. So each worker process has
one event loop in a thread of its own, which starts with the first task, after Celery has forked.

A message may be delivered twice, because its worker was killed or the broker repeats it. Both runs
pass the same ``idempotency_key``, so they use one video, and the second one sends only the bytes
that are missing. The caller of the task chooses the key, such as the id of a row.

Install: ``pip install . celery`` in a clone, and a broker such as Redis. Run::

    export APIVIDEO_API_KEY=... CELERY_BROKER_URL=redis://127.0.0.1/0
    celery --workdir examples --app celery_upload worker
    celery --workdir examples --app celery_upload call celery_upload.upload \\
        --args '["/srv/movie.mp4", "Movie", "film-7"]'

To run it against a local api.video, start ``apivideo emulator`` in another terminal and enter the
two ``export`` lines that it prints.
"""

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from celery import Celery  # type: ignore[import-untyped]

from apivideo_async import ApiVideoClient, ApiVideoError, UploadOptions

T = TypeVar("T")

app = Celery("celery_upload")
app.conf.update(
    task_acks_late=True,  # A task whose worker was killed is delivered again.
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,  # Uploads are long: do not reserve the next one.
)


class Background:
    """An event loop in a thread of its own, and a client that belongs to this loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="apivideo", daemon=True)
        self.thread.start()
        # After `kill -9`, the next run of a task continues in the middle of the file.
        self.client = ApiVideoClient(upload=UploadOptions(resume="on"))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for its result."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # A time limit of Celery may have interrupted the task.
            raise

    def close(self) -> None:
        """Close the client and end the thread."""
        self.run(self.client.aclose())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


_lock = threading.Lock()  # The pool `threads` runs several tasks in one process.
_background: Background | None = None


def call(function: Callable[[ApiVideoClient], Coroutine[Any, Any, T]]) -> T:
    """Run ``function(client)`` in the loop of this process and return its result."""
    global _background
    with _lock:
        _background = background = _background or Background()
    return background.run(function(background.client))


@atexit.register
def close() -> None:
    """Close the client of this process. The next call opens another one."""
    global _background
    with _lock:
        background, _background = _background, None
    if background is not None:
        background.close()


@app.task(bind=True, max_retries=5)  # type: ignore[untyped-decorator, unused-ignore]
def upload(self: Any, path: str, title: str, key: str) -> str:
    """Upload a file and return the id of its video.

    A failure that may pass, such as an outage, is tried again after a minute, two, four, ...
    """
    try:
        video = call(lambda client: client.upload(path, title=title, idempotency_key=key))
    except ApiVideoError as error:
        if error.retryable:
            raise self.retry(exc=error, countdown=60 * 2**self.request.retries) from error
        raise
    return video.video_id
