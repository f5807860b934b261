"""`celery_upload.py` makes one video of each key, in a worker and eagerly."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from apivideo_async import ApiVideoClient, RetryPolicy, SourceError
from apivideo_async.emulator import Emulator, Fault

pytest.importorskip("celery")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Of kombu and Celery.

Make = Callable[[str, int], Path]


@pytest.fixture
def example(
    emulator: Emulator, load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    # A worker of Celery changes the root logger, which other tests of this process read.
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    monkeypatch.setenv("CELERY_BROKER_URL", "memory://")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "cache+memory://")
    module = load("celery_upload")
    yield module
    module.close()
    root.setLevel(before[0])
    root.handlers = before[1]


def test_a_task_that_is_delivered_twice_makes_one_video(
    example: ModuleType, emulator: Emulator, make_file: Make
) -> None:
    from celery.contrib.testing.worker import start_worker

    path = make_file("movie.mp4", 1000)
    with start_worker(example.app, pool="solo", perform_ping_check=False):
        results = [example.upload.delay(str(path), "Movie", "film-1") for _ in range(2)]
        [video_id] = {result.get(timeout=60) for result in results}
    assert list(emulator.state.videos) == [video_id]
    assert emulator.size(video_id) == 1000


def test_a_failure_that_may_pass_is_tried_again(
    example: ModuleType, emulator: Emulator, make_file: Make
) -> None:
    """By the task: its client repeats nothing here. An eager task does not wait."""
    background = example.Background()
    background.client = ApiVideoClient(retry=RetryPolicy(attempts=1, settle=0))
    example._background = background
    example.app.conf.task_always_eager = True
    emulator.faults.add(Fault("videos.create", "status", status=503))
    path = make_file("movie.mp4", 1000)
    video_id = example.upload.delay(str(path), "Movie", "film-2").get()
    assert list(emulator.state.videos) == [video_id]
    created = [record for record in emulator.requests if record.operation == "videos.create"]
    assert [record.status for record in created] == [503, 201]


def test_a_failure_that_does_not_pass_is_raised_at_once(
    example: ModuleType, emulator: Emulator
) -> None:
    example.app.conf.task_always_eager = True
    result = example.upload.delay("no.mp4", "Movie", "film-3")
    assert isinstance(result.result, SourceError)
    assert emulator.state.videos == {}
