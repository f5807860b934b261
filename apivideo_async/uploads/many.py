"""Many uploads at once, with bounded concurrency and results in the order of completion.

A failed item never ends the batch: its exception becomes its result. An exception of the iterable
that provides the items is raised after the running uploads have ended and their results were
delivered.

An item is taken from the iterable only when a worker is free, so ten thousand items are never in
memory together. The chunks of all uploads share one capacity.
"""

import asyncio
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from typing import Any, TypeAlias

from attrs import field, frozen

from ..config import UploadOptions
from ..errors import ApiVideoError, ConfigurationError, UploadError, first_failure
from ..models import Video
from .sources.opening import SourceLike

__all__ = ["OnResult", "UploadItem", "UploadResult", "check_batch", "run_many"]


@frozen(kw_only=True)
class UploadItem:
    """One upload of a batch.

    The fields have the same meaning as the arguments of ``client.upload``.
    """

    source: SourceLike = field(repr=False)
    title: str | None = None
    filename: str | None = None
    options: UploadOptions | None = None
    idempotency_key: str | None = None
    fields: dict[str, Any] = field(factory=dict)
    """Further fields of the video, such as ``tags``, ``metadata`` and ``public``."""


@frozen(kw_only=True)
class UploadResult:
    """The result of an item: a video or an error.

    An exception that is not an ``ApiVideoError``, for example one of your own source, is the
    ``__cause__`` of an ``UploadError``.
    """

    index: int
    """Position of the item in the iterable, from 0."""
    item: UploadItem
    video: Video | None = None
    error: ApiVideoError | None = None


OnResult: TypeAlias = Callable[[UploadResult], Awaitable[None] | None]
UploadOne: TypeAlias = Callable[[UploadItem], Awaitable[Video]]


async def _numbered(
    items: Iterable[Any] | AsyncIterable[Any],
) -> AsyncGenerator[tuple[int, UploadItem], None]:
    """Yield every item with its position, from an iterable or an async iterable."""
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
    """Raise ``ConfigurationError`` for an item that ``client.upload`` would not accept."""
    for name in ("title", "filename", "idempotency_key"):
        value = getattr(item, name)
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"{name} of an UploadItem is a text or None, not {value!r}")
    if item.options is not None and not isinstance(item.options, UploadOptions):
        raise ConfigurationError(
            f"options of an UploadItem are UploadOptions or None, not {item.options!r}"
        )
    fields: object = item.fields
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) for name in fields):
        raise ConfigurationError(
            f"fields of an UploadItem are a mapping of names to values, not {fields!r}"
        )


class _Batch:
    """Workers that upload items, and the queue ``done`` of their results.

    The last entry of the queue is None, or the exception that ended the batch.
    """

    def __init__(
        self, waiting: AsyncGenerator[tuple[int, UploadItem], None], upload: UploadOne, room: int
    ) -> None:
        self._waiting = waiting
        self._upload = upload
        self._room = room
        self._turn = asyncio.Lock()
        self._failure: Exception | None = None
        # The bound makes workers wait for a slow consumer, so that results do not accumulate.
        self.done: asyncio.Queue[UploadResult | BaseException | None] = asyncio.Queue(maxsize=room)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._room):
                    group.create_task(self._work())
        # Workers turn ordinary exceptions into results. Only ``SystemExit`` and similar ones arrive
        # here.
        except BaseExceptionGroup as failures:
            await self.done.put(first_failure(failures))
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
                # An exception ends the generator, so the other workers receive None and end as
                # well. ``run`` delivers the exception after their results.
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
            # Re-raise a cancellation of this worker. A ``CancelledError`` that only the upload
            # raised is a result.
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            return UploadResult(index=index, item=item, error=_foreign(error))


def _foreign(error: BaseException) -> UploadError:
    """Wrap an exception that is not an ``ApiVideoError``: of a source, of a callback, or a bug."""
    failure = UploadError(
        f"the upload ended with {type(error).__name__}: {error}", outcome="unknown"
    )
    failure.__cause__ = error
    return failure


def check_batch(items: object, concurrency: object) -> None:
    """Raise ``ConfigurationError`` for invalid ``items`` or ``concurrency``.

    ``items`` must be an iterable of sources or ``UploadItem`` objects, ``concurrency`` a positive
    int.
    """
    if isinstance(items, str | bytes | bytearray | memoryview) or not isinstance(
        items, Iterable | AsyncIterable
    ):
        raise ConfigurationError(
            f"items are an iterable of sources or UploadItems, not {type(items).__name__}"
        )
    if type(concurrency) is not int or concurrency < 1:
        raise ConfigurationError(f"concurrency must be a whole number above 0, not {concurrency!r}")


async def run_many(
    items: Iterable[UploadItem | SourceLike] | AsyncIterable[UploadItem | SourceLike],
    upload: UploadOne,
    concurrency: int,
    on_result: OnResult | None,
) -> AsyncIterator[UploadResult]:
    """Yield results in the order of completion. Closing the iterator cancels running uploads."""
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
