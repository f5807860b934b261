"""Many uploads at once: a bounded number of them, results in the order of completion.

No item can end the batch: whatever its upload raises is its result. An error of the iterable that gives the items is
raised when the uploads under way have ended and their results were given out.

Items are taken from their iterable only when a worker is free, so ten thousand of them are never all in memory; the
chunks of all uploads together share one bound.
"""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from ..config import UploadOptions
from ..errors import ApiVideoError, ConfigurationError, UploadError, first_failure
from ..models import Video
from .sources.opening import SourceLike

__all__ = ["OnResult", "UploadItem", "UploadResult", "check_batch", "run_many"]


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
    """What became of an item: a video or an error.

    An error that is none of this package, such as one of a source of your own, is the ``__cause__`` of an
    ``UploadError``.
    """

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


def _check(item: UploadItem) -> None:
    """Raise ``ConfigurationError`` for an item that ``client.upload`` could not be called with."""
    for name in ("title", "filename", "idempotency_key"):
        value = getattr(item, name)
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"{name} of an UploadItem is a text or None, not {value!r}")
    if item.options is not None and not isinstance(item.options, UploadOptions):
        raise ConfigurationError(f"options of an UploadItem are UploadOptions or None, not {item.options!r}")
    fields: object = item.fields
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) for name in fields):
        raise ConfigurationError(f"fields of an UploadItem are a mapping of names to values, not {fields!r}")


class _Batch:
    """Workers that take items, and the queue of what became of them; ``None`` ends it."""

    def __init__(self, waiting: AsyncGenerator[tuple[int, UploadItem], None], upload: UploadOne, room: int) -> None:
        self._waiting = waiting
        self._upload = upload
        self._room = room
        self._turn = asyncio.Lock()
        self._failure: Exception | None = None
        self.done: asyncio.Queue[UploadResult | BaseException | None] = asyncio.Queue(maxsize=room)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._room):
                    group.create_task(self._work())
        except BaseExceptionGroup as failures:
            await self.done.put(first_failure(failures))  # SystemExit and the like.
        else:
            await self.done.put(self._failure)

    async def _work(self) -> None:
        while (following := await self._next()) is not None:
            await self.done.put(await self._result(*following))

    async def _next(self) -> tuple[int, UploadItem] | None:
        async with self._turn:
            try:
                return await anext(self._waiting, None)
            except Exception as error:
                # The generator has ended by that, so the other workers get None and end as well.
                self._failure = error
                return None

    async def _result(self, index: int, item: UploadItem) -> UploadResult:
        task = asyncio.current_task()
        try:
            _check(item)
            return UploadResult(index=index, item=item, video=await self._upload(item))
        except ApiVideoError as error:
            return UploadResult(index=index, item=item, error=error)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            return UploadResult(index=index, item=item, error=_foreign(error))


def _foreign(error: BaseException) -> UploadError:
    """Wrap an error that is none of this package: of a source or a callback, or a defect."""
    failure = UploadError(f"the upload ended with {type(error).__name__}: {error}", outcome="unknown")
    failure.__cause__ = error
    return failure


def check_batch(items: object, concurrency: object) -> None:
    """Raise ``ConfigurationError`` for items that are no iterable of sources, or a concurrency that is no number."""
    if isinstance(items, str | bytes | bytearray | memoryview) or not isinstance(items, Iterable | AsyncIterable):
        raise ConfigurationError(f"items are an iterable of sources or UploadItems, not {type(items).__name__}")
    if type(concurrency) is not int or concurrency < 1:
        raise ConfigurationError(f"concurrency must be a whole number above 0, not {concurrency!r}")


async def run_many(
    items: Iterable[UploadItem | SourceLike] | AsyncIterable[UploadItem | SourceLike],
    upload: UploadOne,
    concurrency: int,
    on_result: OnResult | None,
) -> AsyncIterator[UploadResult]:
    """Give results in the order of completion. Leaving the iteration cancels what is under way."""
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
