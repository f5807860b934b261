"""Runs blocking generators in threads and returns their results as async iterators."""

from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from ...uploads.sources.threads import in_thread

__all__ = ["iterate_in_threads"]

T = TypeVar("T")

BATCH = 128
"""Results produced in one call to a thread. A switch of threads costs more than most results."""


async def iterate_in_threads(results: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """Yield the results of a generator that runs in threads; then raise its error, if any."""

    def take() -> tuple[list[T], Exception | None]:
        batch: list[T] = []
        try:
            for result in islice(results, BATCH):
                batch.append(result)  # noqa: PERF402  extend() would lose earlier results.
        except Exception as error:
            return batch, error
        return batch, None

    try:
        batch, failure = await in_thread(take)
        while batch:
            for result in batch:
                yield result
            if failure is not None:
                break
            batch, failure = await in_thread(take)
        if failure is not None:
            raise failure
    finally:
        # After a cancellation, a thread may still execute the generator, which then cannot be
        # closed.
        with suppress(ValueError):
            results.close()
