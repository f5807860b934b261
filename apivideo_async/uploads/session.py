"""Uploads fed by the caller, write by write, while the end is not known."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self

from ..errors import ConfigurationError
from ..models import Video
from .sources import Stream

__all__ = ["PushSession"]


class _Channel(Stream):
    """Hands blocks from the writer to the engine, one at a time: the writer waits while the engine is busy."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)

    async def blocks(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        while (block := await self.queue.get()) is not None:
            yield block


class PushSession:
    """An open upload. ``write`` waits when memory for ``concurrency + 1`` chunks is full.

    ::

        async with client.videos.open_upload(video_id) as session:
            await session.write(data)
        print(session.video)

    Leaving the block finishes the upload; leaving it by an exception aborts it and keeps what the server holds.
    """

    def __init__(self, start: Callable[[Stream], Awaitable[Video]], name: str = "video") -> None:
        self._start = start
        self._channel = _Channel(name)
        self._task: asyncio.Task[Video] | None = None
        self._ended = False
        self.video: Video | None = None
        """The video, once the upload is finished."""

    async def _upload(self) -> Video:
        return await self._start(self._channel)

    async def _put(self, block: bytes | None) -> None:
        if self._ended:
            raise ConfigurationError("this upload session has ended: open another one")
        if self._task is None:
            self._task = asyncio.create_task(self._upload(), name="apivideo-push-session")
        putting = asyncio.ensure_future(self._channel.queue.put(block))
        try:
            await asyncio.wait({putting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not putting.done():
                putting.cancel()
        if self._task.done() and block is not None:
            self._ended = True
            await self._task  # Raises what ended it.

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send more bytes. Raises what ended the upload, if something did."""
        if len(data):
            await self._put(bytes(data))

    async def finish(self) -> Video:
        """Send the rest and return the video. Raises ``SourceError`` when nothing was written."""
        if self.video is None:
            await self._put(None)
            self._ended = True
            assert self._task is not None  # noqa: S101
            self.video = await self._task
        return self.video

    async def abort(self) -> None:
        """Stop; what the server holds stays there."""
        self._ended = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                await self.finish()
            finally:
                await self.abort()
        else:
            await self.abort()
