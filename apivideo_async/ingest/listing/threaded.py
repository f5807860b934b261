"""Generators that block, run in a thread and read as async iterators."""

from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from ...uploads.sources.threads import in_thread

__all__ = ["threaded"]

T = TypeVar("T")

BATCH = 128
"""Results that are fetched at once: a switch of threads costs more than most of them."""


async def threaded(results: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """Give what a generator gives; its error comes after everything that came before it."""
    failure: list[Exception] = []

    def take() -> list[T]:
        batch: list[T] = []
        try:
            for result in islice(results, BATCH):
                batch.append(result)  # noqa: PERF402  extend() would lose what came before an error.
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
        with suppress(ValueError):  # After a cancellation its thread may still be in it.
            results.close()
