"""Uploads whose data the caller writes piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Self

from ..errors import ConfigurationError
from ..models import Video
from ..tasks import ignore_failure
from .sources.types import Block, Stream

__all__ = ["PushSession"]

ABORTED = "this upload session was aborted: open another one"


class _Channel(Stream):
    """Passes one block at a time to the engine. The writer waits while the engine is busy."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.empty = asyncio.Event()
        self.empty.set()
        self._filled = asyncio.Event()
        self._block: bytes | None = None

    def put(self, block: bytes | None) -> None:
        """Pass a block, or None for the end. The channel must be empty."""
        self._block = block
        self.empty.clear()
        self._filled.set()

    async def blocks(self) -> AsyncIterator[Block]:
        while True:
            await self._filled.wait()
            block = self._block
            self._block = None
            self._filled.clear()
            self.empty.set()
            if block is None:
                return
            yield block


class PushSession:
    """An open upload. ``write`` waits while ``concurrency + 1`` chunks are in memory.

    ::

        async with client.videos.open_upload(video_id) as session:
            await session.write(data)
        print(session.video)

    Leaving the block normally finishes the upload. Leaving it with an exception aborts the upload,
    and the server keeps the chunks that it has accepted. A cancelled ``write`` has consumed no data
    and may be repeated. If the upload fails, later calls raise the error.
    """

    def __init__(self, start: Callable[[Stream], Coroutine[Any, Any, Video]], name: str) -> None:
        self._start = start
        self._channel = _Channel(name)
        self._task: asyncio.Task[Video] | None = None
        self._finishing = False
        self._aborted = False
        self._one_write = asyncio.Lock()
        self.video: Video | None = None
        """The video, after the upload has finished."""

    def _running(self) -> "asyncio.Task[Video]":
        if self._aborted:
            raise ConfigurationError(ABORTED)
        if self._task is None:
            self._task = asyncio.create_task(
                self._start(self._channel), name="apivideo-push-session"
            )
            self._task.add_done_callback(ignore_failure)
        return self._task

    async def _put(self, block: bytes | None) -> None:
        """Pass a block. No ``await`` follows, so a cancelled call has passed nothing."""
        async with self._one_write:
            task = self._running()
            empty = asyncio.ensure_future(self._channel.empty.wait())
            try:
                # The upload may fail while the writer waits for an empty channel, so wait for both.
                await asyncio.wait({empty, task}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                empty.cancel()
            if task.done():
                # The upload ended before this block. This raises its error.
                await self._outcome(task)
            self._channel.put(block)

    async def _outcome(self, task: "asyncio.Task[Video]") -> Video:
        """Wait for the upload and return the video. A cancelled caller does not stop the upload."""
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise ConfigurationError(ABORTED) from None
            raise

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes. Raises the upload's error; after finish or abort, ``ConfigurationError``."""
        if self._finishing:
            raise ConfigurationError("this upload session has ended: open another one")
        if len(data):
            await self._put(bytes(data))

    async def finish(self) -> Video:
        """Send the remaining bytes and return the video.

        Raises ``SourceError`` if nothing was written, and ``UploadError`` if the upload failed.
        """
        if not self._finishing:
            self._finishing = True
            await self._put(None)
        self.video = await self._outcome(self._running())
        return self.video

    async def abort(self) -> None:
        """Stop the upload. The server keeps the chunks that it has accepted."""
        self._aborted = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                await self.finish()
        finally:
            await self.abort()
