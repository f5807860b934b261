"""Run an emulator in a background thread, for code that has no event loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, Protocol, TypeVar


class Startable(Protocol):
    """An object that can be started and stopped in an event loop."""

    async def start(self) -> object:
        """Start."""

    async def stop(self) -> None:
        """Stop."""


StartableT = TypeVar("StartableT", bound=Startable)


class EmulatorThread(Generic[StartableT]):
    """Context manager that starts the emulator in a thread, and stops both on exit.

    An exception of ``start`` is raised on entry.
    """

    def __init__(self, emulator: StartableT) -> None:
        self._emulator = emulator
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def __enter__(self) -> StartableT:
        # The future passes an exception of ``start`` to the calling thread.
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started)),
            name="apivideo-emulator",
            # The thread must not keep a program alive that never leaves the context.
            daemon=True,
        )
        self._thread.start()
        try:
            started.result()
        except BaseException:
            self._thread.join()
            raise
        return self._emulator

    async def _serve(self, started: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        # Created in this thread: the event belongs to its loop.
        self._stopping = asyncio.Event()
        try:
            await self._emulator.start()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        try:
            await self._stopping.wait()
        finally:
            await self._emulator.stop()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._stopping is not None and self._thread is not None:
            # ``asyncio.Event`` is not thread-safe: set it in the thread of its loop.
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
