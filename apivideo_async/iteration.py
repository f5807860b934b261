"""Asynchronous iteration: over any iterable, and over the results of a task."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from attrs import frozen

from .errors import first_failure

__all__ = ["ResultStream", "iterate"]

T = TypeVar("T")


async def iterate(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """Iterate over a synchronous or an asynchronous iterable."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


@frozen
class _End:
    """The last entry of the queue: the error that ended the task, or None."""

    error: BaseException | None


class ResultStream(Generic[T]):
    """Iterates over the results of a task. ``put`` waits while ``size`` results are queued."""

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[T | _End] = asyncio.Queue(size)
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """True from the start of the task until ``stop`` or until all results are read."""
        return self._task is not None

    async def put(self, result: T) -> None:
        """Add a result; wait while the queue is full."""
        await self._queue.put(result)

    async def results(
        self, work: Callable[[], Awaitable[None]], name: str
    ) -> AsyncGenerator[T, None]:
        """Start a task that executes ``work``; yield the results that it puts.

        Raises the error of ``work`` after the results; of an exception group, its first error.
        Leaving the iteration cancels the task.
        """
        self._task = asyncio.create_task(self._run(work), name=name)
        try:
            while not isinstance(entry := await self._queue.get(), _End):
                yield entry
            if entry.error is not None:
                raise entry.error
        finally:
            await self.stop()

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        error: BaseException | None = None
        try:
            await work()
        except BaseExceptionGroup as failures:
            error = first_failure(failures)
        except Exception as failure:
            error = failure
        await self._queue.put(_End(error))

    async def stop(self) -> None:
        """Cancel the task and wait until it has ended."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
