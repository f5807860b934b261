"""An upload can be cancelled at every point at which it waits.

It ends at once, leaves nothing behind, and can be finished later. A point is each suspension of a
task of the upload: the upload itself, its workers, its reader, and the tasks with which aiohttp
writes bodies. The n-th run cancels at the n-th point, until a run ends before that point.
"""

import asyncio
import functools
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import ApiVideoClient, UploadError, UploadItem
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.uploads.sources.types import BLOCK
from tests.conftest import CHUNK, blocks_of, data_of, options, sha256
from tests.ways import certificates

from .cases import client_of, emulator, nothing_left

PATIENCE = 20.0
"""Seconds for everything to end after a cancellation; milliseconds on an idle machine."""
OUTLIVES = "apivideo-token-renewal"
"""Others may wait for the same access token; it ends with its client at the latest."""

Operation = Callable[[], Awaitable[object]]


class Points:
    """Counts the suspensions of a task and of all that it begins, and cancels it at one of them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0
        self.task: asyncio.Task[object] | None = None
        self.reached = False

    def suspended(self) -> None:
        self.seen += 1
        if self.seen == self.at and self.task is not None:
            self.reached = True
            self.task.cancel()


POINTS: ContextVar[Points | None] = ContextVar("points")


class Counted(Coroutine[Any, Any, Any]):
    """A coroutine that reports each of its suspensions."""

    def __init__(self, inner: Any, points: Points) -> None:
        self._inner = inner
        self._points = points

    def send(self, value: Any) -> Any:
        waits_for = self._inner.send(value)
        self._points.suspended()
        return waits_for

    def throw(self, *error: Any) -> Any:
        waits_for = self._inner.throw(*error)
        self._points.suspended()
        return waits_for

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Any:
        return self._inner.__await__()


@contextmanager
def counted_tasks() -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **given: Any) -> Any:
        points = POINTS.get(None)
        return asyncio.Task(
            Counted(coroutine, points) if points is not None else coroutine, loop=loop, **given
        )

    loop.set_task_factory(make)  # type: ignore[arg-type]
    try:
        yield
    finally:
        loop.set_task_factory(None)


async def cancelled_at(point: int, operation: Operation) -> bool:
    """Run until the point has come; whether it came. What it had begun has ended as well."""
    points = Points(point)
    before = asyncio.all_tasks()

    async def begin() -> object:
        return await operation()

    POINTS.set(points)
    with counted_tasks():
        points.task = asyncio.create_task(begin())  # type: ignore[arg-type]
        POINTS.set(None)
        while not points.task.done() and not points.reached:
            await asyncio.wait({points.task}, timeout=0.01)
        await asyncio.wait({points.task}, timeout=PATIENCE)
    if not points.reached:
        await points.task
        return False
    assert points.task.cancelled(), points.task
    async with asyncio.timeout(PATIENCE):
        while {task for task in asyncio.all_tasks() - before if task.get_name() != OUTLIVES}:
            # aiohttp cancels its writers without waiting: they end in the next loop iteration.
            await asyncio.sleep(0)
    return True


content = functools.cache(data_of)


@dataclass(kw_only=True)
class World:
    """What the upload meets."""

    chunk: int = CHUNK
    tls: bool = False
    positional: bool = True
    """Whether files can be read by position, as on every platform but Windows."""
    emulator: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] | None = None
    """What happens to the upload requests after the first."""


WORLDS = {
    "plain": World(),
    "chunks of several blocks": World(chunk=2 * BLOCK + 1_000),
    "tls": World(tls=True),
    "no positional reads": World(positional=False),
    "lost answers": World(fault={"action": "drop-response", "times": 3}),
    "failures": World(fault={"action": "status", "status": 503, "times": 3}),
    "refused tokens": World(fault={"action": "expire-tokens"}),
    "little budget": World(
        emulator={"rate_limits": {"uploads": 2, "writes": 2, "reads": 2}, "rate_window": 0.02}
    ),
}


@dataclass
class Case:
    """One kind of upload: what is cancelled, and what finishes it."""

    client: ApiVideoClient
    emu: Emulator
    world: World
    folder: Path
    key: str
    video_id: str = ""
    token: str = ""

    @property
    def data(self) -> bytes:
        return content(4 * self.world.chunk - 1_000)

    @property
    def small(self) -> bytes:
        return content(self.world.chunk // 2)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.key}.mp4"

    @property
    def expected(self) -> list[bytes]:
        """The content of each video that must be there in the end."""
        return [self.data]

    async def prepare(self) -> None:
        """Do what is not cancelled."""
        self.path.write_bytes(self.data)

    async def run(self) -> object:
        raise NotImplementedError

    async def finish(self) -> None:
        """Finish the upload. Raises ``UploadError`` if a cancelled request arrives only now."""
        await self.run()

    def found(self) -> list[str]:
        """The videos of this case, in the order of their titles."""
        videos = [
            video for video in self.emu.state.videos.values() if self.key in str(video.attributes)
        ]
        return [
            video.id for video in sorted(videos, key=lambda video: str(video.attributes["title"]))
        ]

    def check(self) -> None:
        """The right bytes, and one video for each source."""
        assert [self.emu.sha256(video_id) for video_id in self.found()] == [
            sha256(data) for data in self.expected
        ]


class Ranges(Case):
    async def run(self) -> object:
        how = options(chunk_size=self.world.chunk, mode="bytes")
        return await self.client.upload(
            self.path, title=self.key, idempotency_key=self.key, options=how
        )


class Parts(Case):
    async def run(self) -> object:
        how = options(chunk_size=self.world.chunk, mode="part")
        return await self.client.upload(
            self.path, title=self.key, idempotency_key=self.key, options=how
        )


class Opened(Case):
    """From a file that the caller keeps open."""

    async def run(self) -> object:
        with self.path.open("rb") as handle:
            return await self.client.upload(handle, title=self.key, idempotency_key=self.key)


class Whole(Case):
    @property
    def expected(self) -> list[bytes]:
        return [self.small]

    async def run(self) -> object:
        return await self.client.upload(self.small, title=self.key, idempotency_key=self.key)


class Streamed(Case):
    async def run(self) -> object:
        return await self.client.upload(
            blocks_of(self.data, 20_011), title=self.key, idempotency_key=self.key
        )


class Contained(Case):
    """Into a container that was made before."""

    async def prepare(self) -> None:
        await super().prepare()
        self.video_id = (await self.client.videos.create(title=self.key)).video_id


class IntoContainer(Contained):
    async def run(self) -> object:
        return await self.client.videos.upload(self.video_id, self.path)


class Pushed(Contained):
    async def run(self) -> object:
        async with self.client.videos.open_upload(self.video_id) as session:
            for start in range(0, len(self.data), 50_021):
                await session.write(self.data[start : start + 50_021])
        return session.video

    async def finish(self) -> None:
        await self.client.videos.upload(self.video_id, blocks_of(self.data, 20_011))


class TokenAndContainer(Contained):
    async def prepare(self) -> None:
        await super().prepare()
        self.token = (await self.client.upload_tokens.create()).token

    async def run(self) -> object:
        return await self.client.videos.upload_with_token(
            self.token, self.path, video_id=self.video_id
        )

    async def finish(self) -> None:
        await self.client.videos.upload(self.video_id, self.path)


class TokenAlone(Case):
    """The journal finds the video, unless the response to its first chunk is lost."""

    async def prepare(self) -> None:
        await super().prepare()
        self.token = (await self.client.upload_tokens.create()).token

    async def run(self) -> object:
        how = options(chunk_size=self.world.chunk, resume="on")
        self.video_id = (
            await self.client.videos.upload_with_token(self.token, self.path, options=how)
        ).video_id
        return self.video_id

    def check(self) -> None:
        videos = self.found()
        assert self.video_id in videos
        assert self.emu.sha256(self.video_id) == sha256(self.data)
        lost = [self.emu.media(video_id) for video_id in videos if video_id != self.video_id]
        assert [(media.size, media.complete) for media in lost] in ([], [(self.world.chunk, False)])
        assert [file for file in (self.folder / "state").rglob("*") if file.is_file()] == [], (
            "no journal is left"
        )


class Many(Case):
    @property
    def expected(self) -> list[bytes]:
        return [self.data, self.small, self.data]

    async def run(self) -> object:
        items = [
            UploadItem(
                source=source, title=f"{self.key}-{number}", idempotency_key=f"{self.key}-{number}"
            )
            for number, source in enumerate((self.path, self.small, self.path))
        ]
        results = [result async for result in self.client.upload_many(items, concurrency=2)]
        for result in results:
            if result.error is not None:
                raise result.error
        return results


KINDS = [
    Ranges,
    Parts,
    Opened,
    Whole,
    Streamed,
    IntoContainer,
    Pushed,
    TokenAndContainer,
    TokenAlone,
    Many,
]
MATRIX = [
    pytest.param(kind, "plain", 5, id=f"{kind.__name__} plain, every fifth point") for kind in KINDS
] + [
    pytest.param(kind, world, 1, marks=pytest.mark.slow, id=f"{kind.__name__} {world}")
    for kind in KINDS
    for world in WORLDS
]


@pytest.mark.parametrize(("kind", "name", "step"), MATRIX)
async def test_an_upload_can_be_cancelled_at_every_point_and_finished_later(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: type[Case],
    name: str,
    step: int,
) -> None:
    world = WORLDS[name]
    if not world.positional:
        monkeypatch.delattr(os, "preadv")
    theirs, ours = certificates() if world.tls else (None, None)
    with emulator(ssl_context=theirs, **world.emulator) as emu:
        point, came = 1, True
        while came:
            async with nothing_left(caplog):
                async with client_of(
                    emu, upload=options(chunk_size=world.chunk), ssl_context=ours
                ) as client:
                    case = kind(client, emu, world, tmp_path, f"job-{point:04}.")
                    await case.prepare()
                    if world.fault is not None:
                        for operation in ("videos.upload", "videos.upload_with_token"):
                            emu.faults.add(Fault(operation, nth=2, **world.fault))
                    came = await cancelled_at(point, case.run)
                    emu.faults.clear()
                    if came:
                        try:
                            await case.finish()
                        except UploadError:
                            await case.finish()
                    case.check()
            point += step
    assert point > 10
