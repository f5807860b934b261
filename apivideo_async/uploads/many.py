"""Many uploads at once: a bounded number of them, results as they come, no failure stops the rest.

Items are taken from their iterable only when a worker is free, so ten thousand of them are never all in memory; the
chunks of all uploads together share one bound.
"""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeAlias

from attrs import field, frozen

from ..config import UploadOptions
from ..errors import ApiVideoError, ConfigurationError
from ..models import Video
from .sources import SourceLike

__all__ = ["OnResult", "UploadItem", "UploadResult", "run_many"]


@frozen(kw_only=True)
class UploadItem:
    """One upload of many; the fields mean what they mean for ``client.upload``."""

    source: SourceLike = field(repr=False)
    title: str | None = None
    filename: str | None = None
    options: UploadOptions | None = None
    idempotency_key: str | None = None
    fields: dict[str, Any] = field(factory=dict)
    """Further fields of the video: ``tags``, ``metadata``, ``public`` and so on."""


@frozen(kw_only=True)
class UploadResult:
    """What became of an item: a video or an error."""

    index: int
    """Its place among the items, from 0."""
    item: UploadItem
    video: Video | None = None
    error: ApiVideoError | None = None


OnResult: TypeAlias = Callable[[UploadResult], Awaitable[None] | None]
UploadOne: TypeAlias = Callable[[UploadItem], Awaitable[Video]]


async def _numbered(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[tuple[int, UploadItem], None]:
    index = 0
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield index, _item(item)
            index += 1
    else:
        for item in items:
            yield index, _item(item)
            index += 1


def _item(given: Any) -> UploadItem:
    return given if isinstance(given, UploadItem) else UploadItem(source=given)


class _Batch:
    """Workers that take items, and the queue of what became of them; ``None`` ends it."""

    def __init__(self, waiting: AsyncGenerator[tuple[int, UploadItem], None], upload: UploadOne, room: int) -> None:
        self._waiting = waiting
        self._upload = upload
        self._room = room
        self._turn = asyncio.Lock()
        self.done: asyncio.Queue[UploadResult | BaseException | None] = asyncio.Queue(maxsize=room)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._room):
                    group.create_task(self._work())
        except BaseExceptionGroup as failures:
            await self.done.put(failures.exceptions[0])  # The items themselves raised.
        else:
            await self.done.put(None)

    async def _work(self) -> None:
        while True:
            async with self._turn:
                following = await anext(self._waiting, None)
            if following is None:
                return
            await self.done.put(await self._result(*following))

    async def _result(self, index: int, item: UploadItem) -> UploadResult:
        try:
            return UploadResult(index=index, item=item, video=await self._upload(item))
        except ApiVideoError as error:
            return UploadResult(index=index, item=item, error=error)


async def run_many(
    items: Iterable[UploadItem | SourceLike] | AsyncIterable[UploadItem | SourceLike],
    upload: UploadOne,
    concurrency: int,
    on_result: OnResult | None,
) -> AsyncIterator[UploadResult]:
    """Give results in the order of completion. Leaving the iteration cancels what is under way."""
    if concurrency < 1:
        raise ConfigurationError(f"concurrency must be a whole number above 0, not {concurrency!r}")
    waiting = _numbered(items)
    batch = _Batch(waiting, upload, concurrency)
    running = asyncio.create_task(batch.run(), name="apivideo-upload-many")
    try:
        while (result := await batch.done.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            if on_result is not None and inspect.isawaitable(answer := on_result(result)):
                await answer
            yield result
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await waiting.aclose()
