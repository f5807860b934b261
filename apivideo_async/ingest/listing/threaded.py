"""Runs blocking generators in threads and returns their results as async iterators."""

from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from ...uploads.sources.threads import in_thread

__all__ = ["threaded"]

T = TypeVar("T")

BATCH = 128
"""Results produced in one call to a thread. A switch of threads costs more than most results."""


async def threaded(results: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """Yield the results of a generator that runs in threads.

    An error of the generator is raised after all results that preceded it.
    """
    failure: list[Exception] = []

    def take() -> list[T]:
        batch: list[T] = []
        try:
            for result in islice(results, BATCH):
                batch.append(result)  # noqa: PERF402  extend() would lose earlier results.
        except Exception as error:
            failure.append(error)
        return batch

    try:
        while batch := await in_thread(take):
            for result in batch:
                yield result
            if failure:
                break
        if failure:
            raise failure[0]
    finally:
        # After a cancellation, a thread may still execute the generator, which then cannot be
        # closed.
        with suppress(ValueError):
            results.close()
