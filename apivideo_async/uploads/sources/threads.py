"""Blocking calls in daemon threads of this package: reads, writes, and opening files.

The executor of the event loop is not used, for two reasons. A read from a file server that does not
answer, or from a pipe whose writer sends nothing, may never return. In the executor such reads
would take the threads that the rest of the program needs, for example to look up host names. And
the interpreter joins the threads of an executor when it exits, so the program could not end. Daemon
threads are not joined.

A machine may be out of threads, file descriptors or memory for a moment. :func:`in_thread` waits
until a thread can be started, and :func:`repeated` repeats a call that such a shortage ended.
"""

import asyncio
import errno
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from ...errors import SourceError

__all__ = ["PendingWork", "in_thread", "is_shortage", "repeated"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

T = TypeVar("T")

KEPT = 16
"""Largest number of idle threads."""
SLOW = 1.0
"""Seconds after which a call counts as stuck."""
MOST_CALLS = 16
"""Largest number of threads that one :class:`PendingWork` uses at the same time."""
LONGEST_SHORTAGE = 60.0
"""Seconds that a call waits for a thread or a file descriptor."""
FIRST_DELAY = 0.02
LONGEST_DELAY = 0.5
"""Seconds between two attempts."""

_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})

_idle: "deque[SimpleQueue[Callable[[], None]]]" = deque()
"""One queue per idle thread. The thread waits there for its next call."""

if hasattr(os, "register_at_fork"):
    # The threads do not exist in a child process. A call in one of their queues would never run.
    os.register_at_fork(after_in_child=_idle.clear)


def _work(calls: "SimpleQueue[Callable[[], None]]") -> None:
    """Execute calls until enough other threads are idle."""
    while True:
        calls.get()()
        if len(_idle) >= KEPT:
            return
        _idle.append(calls)


def _start(call: Callable[[], None]) -> None:
    """Run ``call`` in an idle or new thread. Raises ``RuntimeError`` if none can be started."""
    try:
        calls = _idle.pop()
    except IndexError:
        calls = SimpleQueue()
        threading.Thread(target=_work, args=(calls,), daemon=True, name="apivideo-io").start()
    calls.put(call)


class _Patience:
    """Pauses between the attempts of a call that a shortage ended."""

    def __init__(self) -> None:
        self._end: float | None = None
        self._delay = FIRST_DELAY

    async def pause(self, problem: object) -> bool:
        """Wait before the next attempt. Returns False if ``LONGEST_SHORTAGE`` is over."""
        clock = asyncio.get_running_loop().time
        if self._end is None:
            self._end = clock() + LONGEST_SHORTAGE
            log.warning(
                "%s: waiting up to %g s",
                problem,
                LONGEST_SHORTAGE,
                extra={"event": "resource_shortage"},
            )
        if clock() >= self._end:
            return False
        await asyncio.sleep(self._delay)
        self._delay = min(2 * self._delay, LONGEST_DELAY)
        return True


async def _submit(function: Callable[..., T], arguments: tuple[Any, ...]) -> "Future[T]":
    """Start ``function`` in a thread. Waits while the system cannot start another thread."""
    outcome: Future[T] = Future()
    # A running future cannot be cancelled, so the thread can always set its result.
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(function(*arguments))
        except BaseException as error:
            outcome.set_exception(error)

    patience: _Patience | None = None
    while True:
        try:
            _start(run)
        except RuntimeError as error:
            patience = patience or _Patience()
            if not await patience.pause(f"no thread can be started to read a source ({error})"):
                raise SourceError(
                    f"no thread could be started to read the source: {error}. Raise the limit "
                    "of processes (ulimit -u), or run fewer uploads at once",
                    cause="unreadable",
                    retryable=True,
                ) from error
        else:
            return outcome


def is_shortage(error: BaseException | None) -> bool:
    """True if descriptors or memory ran out, also if this is the cause of a ``SourceError``."""
    if isinstance(error, SourceError):
        error = error.__cause__
    return isinstance(error, OSError) and error.errno in _SHORTAGES


async def repeated(call: Callable[[], Awaitable[T]]) -> T:
    """Await ``call()``, again while file descriptors or memory are short.

    For calls that leave nothing behind when they fail, such as opening a file. Raises the last
    error after ``LONGEST_SHORTAGE`` seconds; a ``SourceError`` is then retryable.
    """
    patience = _Patience()
    while True:
        try:
            return await call()
        except (OSError, SourceError) as error:
            if not is_shortage(error):
                raise
            if not await patience.pause(error):
                if isinstance(error, SourceError):
                    raise error.evolve(retryable=True) from error.__cause__
                raise


async def in_thread(
    function: Callable[..., T], *arguments: Any, unwanted: Callable[[T], object] | None = None
) -> T:
    """Run ``function``, which may never return, in a thread and return its result.

    If the caller is cancelled, the call continues and ``unwanted`` receives its result. Raises
    ``SourceError`` if no thread could be started for ``LONGEST_SHORTAGE`` seconds.
    """
    outcome = await _submit(function, arguments)

    def give_up(outcome: "Future[T]") -> None:
        if unwanted is not None and outcome.exception() is None:
            unwanted(outcome.result())

    try:
        return await asyncio.wrap_future(outcome)
    except asyncio.CancelledError:
        # The result may also have arrived in the same loop iteration as the cancellation. The
        # caller did not receive it in that case either.
        outcome.add_done_callback(give_up)
        raise


class PendingWork:
    """Calls in threads that use one resource. ``close`` releases it when the last call has ended.

    A call continues if its caller is cancelled. At most ``MOST_CALLS`` run at the same time, those
    of cancelled callers included, so a disk that hangs cannot take more threads.
    """

    def __init__(self, release: Callable[[], object] | None = None) -> None:
        self._release = release
        self._running: dict[Future[Any], float] = {}
        """The calls in progress, and when they began."""
        self._closed = False
        self._guard = threading.Lock()
        """Protects the two above: calls end in their threads, also after the end of the loop."""

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run ``function`` in a thread and return its result."""
        while len(self._running) >= MOST_CALLS:
            await self._wait(None, asyncio.FIRST_COMPLETED)
        outcome = await _submit(function, arguments)
        with self._guard:
            self._running[outcome] = time.monotonic()
        outcome.add_done_callback(self._ended)
        return await asyncio.wrap_future(outcome)

    def _ended(self, outcome: "Future[Any]") -> None:
        with self._guard:
            self._running.pop(outcome, None)
            release = self._take_release()
        if release is not None:
            release()

    def _take_release(self) -> Callable[[], object] | None:
        if not self._closed or self._running:
            return None
        release, self._release = self._release, None
        return release

    @property
    def stuck(self) -> bool:
        """True if a call has been in progress for more than ``SLOW`` seconds."""
        with self._guard:
            return bool(self._running) and time.monotonic() - min(self._running.values()) > SLOW

    async def wait(self, seconds: float) -> None:
        """Wait at most ``seconds`` for the calls in progress."""
        await self._wait(seconds, asyncio.ALL_COMPLETED)

    async def _wait(self, seconds: float | None, until: str) -> None:
        with self._guard:
            running = [asyncio.wrap_future(each) for each in self._running]
        if not running:
            return
        try:
            await asyncio.wait(running, timeout=seconds, return_when=until)
        finally:
            for each in running:
                # The failure of a call is raised by its own caller.
                if not each.cancel() and not each.cancelled():
                    each.exception()

    def close(self) -> None:
        """Release the resource, at once or when the last call has ended."""
        with self._guard:
            self._closed = True
            release = self._take_release()
        if release is not None:
            release()
