"""Iteration over any iterable, and over the results of a task that runs at the same time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from attrs import frozen

from .errors import first_failure

__all__ = ["ResultQueue", "each"]

T = TypeVar("T")


async def each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """Yield the items of a synchronous or an asynchronous iterable."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


@frozen
class _End:
    error: BaseException | None


class ResultQueue(Generic[T]):
    """The results of a task, in the order in which it puts them.

    The queue has ``size`` places: the task waits for a slow consumer, so that results do not
    accumulate in memory.
    """

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[T | _End] = asyncio.Queue(size)
        self._task: asyncio.Task[None] | None = None

    async def put(self, result: T) -> None:
        """Add a result. Does nothing unless the task is running."""
        if self._task is not None:
            await self._queue.put(result)

    async def results(
        self, work: Callable[[], Awaitable[None]], name: str
    ) -> AsyncGenerator[T, None]:
        """Run ``work`` in a task and yield the results that it puts.

        The first error of ``work`` is raised after the results. Leaving the iteration cancels the
        task. ``name`` is the name of the task.
        """
        self._task = asyncio.create_task(self._run(work), name=name)
        try:
            while not isinstance(result := await self._queue.get(), _End):
                yield result
            if result.error is not None:
                raise result.error
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
        """Cancel the task and wait for its end."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
