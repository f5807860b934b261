"""Many uploads at once, with bounded concurrency and results in the order of completion.

A failed item never ends the batch: its exception becomes its result. An exception of the iterable
that provides the items is raised after the results of the running uploads. An item is taken from
the iterable only when a worker is free, so ten thousand items are never in memory together.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from contextlib import aclosing
from typing import Any, TypeAlias

from attrs import define, field, frozen

from ..config import UploadOptions
from ..errors import ApiVideoError, ConfigurationError, UploadError
from ..iteration import ResultStream, iterate
from ..models import Video
from ..tasks import notify
from .sources.types import SourceLike

__all__ = ["OnResult", "UploadItem", "UploadResult", "check_batch", "run_many"]


@frozen(kw_only=True)
class UploadItem:
    """One upload of a batch. The fields mean the same as the arguments of ``client.upload``."""

    source: SourceLike = field(repr=False)
    title: str | None = None
    filename: str | None = None
    size: int | None = None
    options: UploadOptions | None = None
    idempotency_key: str | None = None
    fields: dict[str, Any] = field(factory=dict, hash=False)
    """Further fields of the video, such as ``tags``, ``metadata`` and ``public``."""


@frozen(kw_only=True)
class UploadResult:
    """A video or an error. Your source's exception is the ``__cause__`` of an ``UploadError``."""

    index: int
    """Position of the item in the iterable, from 0."""
    item: UploadItem
    video: Video | None = None
    error: ApiVideoError | None = None


OnResult: TypeAlias = Callable[[UploadResult], Awaitable[None] | None]
UploadOne: TypeAlias = Callable[[UploadItem], Awaitable[Video]]


def _check(item: UploadItem) -> None:
    """Raise ``ConfigurationError`` for an item that ``client.upload`` would not accept."""
    kinds = {"title": str, "filename": str, "idempotency_key": str, "options": UploadOptions}
    for name, kind in kinds.items():
        value = getattr(item, name)
        if value is not None and not isinstance(value, kind):
            raise ConfigurationError(
                f"{name} of an UploadItem must be {kind.__name__} or None, not {value!r}",
                option=name,
            )
    fields: object = item.fields
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) for name in fields):
        raise ConfigurationError(
            f"fields of an UploadItem must be a mapping of names to values, not {fields!r}",
            option="fields",
        )


@define(eq=False)
class _Batch:
    """Workers that upload items and put the results into ``done``."""

    items: AsyncGenerator[UploadItem | SourceLike, None]
    upload: UploadOne
    concurrency: int
    done: ResultStream[UploadResult]
    _one_taker: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    """A generator does not allow two calls of ``anext`` at once."""
    _index: int = field(default=0, init=False)
    _workers: int = field(default=0, init=False)
    _failure: Exception | None = field(default=None, init=False)
    """The exception of the iterable of items."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._start_worker(group)
        if self._failure is not None:
            raise self._failure

    def _start_worker(self, group: asyncio.TaskGroup) -> None:
        # One worker waits for an item. The next one starts when it has one, so their number is
        # also limited by the number of items.
        if self._workers < self.concurrency:
            self._workers += 1
            group.create_task(self._work(group))

    async def _work(self, group: asyncio.TaskGroup) -> None:
        first = True
        while (taken := await self._take()) is not None:
            if first:
                self._start_worker(group)
                first = False
            await self.done.put(await self._result(*taken))

    async def _take(self) -> tuple[int, UploadItem] | None:
        async with self._one_taker:
            try:
                given = await anext(self.items)
            except StopAsyncIteration:
                return None
            except Exception as error:
                # An exception ends the generator, so the other workers end as well. ``run`` raises
                # the exception after their results.
                self._failure = error
                return None
            index, self._index = self._index, self._index + 1
            return index, given if isinstance(given, UploadItem) else UploadItem(source=given)

    async def _result(self, index: int, item: UploadItem) -> UploadResult:
        try:
            return UploadResult(index=index, item=item, video=await self._upload(item))
        except ApiVideoError as error:
            return UploadResult(index=index, item=item, error=error)

    async def _upload(self, item: UploadItem) -> Video:
        """Upload an item. Exceptions of a source, of a callback, or of a bug are wrapped."""
        task = asyncio.current_task()
        try:
            _check(item)
            return await self.upload(item)
        except ApiVideoError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            # Re-raise a cancellation of this worker. A ``CancelledError`` that only the upload
            # raised is a result.
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            raise UploadError(
                f"the upload ended with {type(error).__name__}: {error}", outcome="unknown"
            ) from error


def check_batch(items: object, concurrency: object) -> None:
    """Raise ``ConfigurationError`` for invalid arguments of ``upload_many``."""
    if isinstance(items, str | bytes | bytearray | memoryview) or not isinstance(
        items, Iterable | AsyncIterable
    ):
        raise ConfigurationError(
            "items must be an iterable of sources or UploadItem objects, "
            f"not {type(items).__name__}",
            option="items",
        )
    if type(concurrency) is not int or concurrency < 1:
        raise ConfigurationError(
            f"concurrency must be an int above 0, not {concurrency!r}", option="concurrency"
        )


async def run_many(
    items: Iterable[UploadItem | SourceLike] | AsyncIterable[UploadItem | SourceLike],
    upload: UploadOne,
    concurrency: int,
    on_result: OnResult | None,
) -> AsyncIterator[UploadResult]:
    """Yield results in the order of completion. Closing the iterator cancels running uploads."""
    # The bound makes workers wait for a slow consumer, so that results do not accumulate.
    done: ResultStream[UploadResult] = ResultStream(concurrency)
    async with (
        aclosing(iterate(items)) as given,
        aclosing(
            done.results(_Batch(given, upload, concurrency, done).run, "apivideo-upload-many")
        ) as results,
    ):
        async for result in results:
            await notify(on_result, result)
            yield result
