"""Runs examples and commands as processes; their output is read by line, and Ctrl-C ends them."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 60.0
"""Seconds for anything to come true."""


class Program:
    """A running process of Python."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""
        self._reading = [
            asyncio.create_task(self._read(stream)) for stream in (process.stdout, process.stderr)
        ]

    async def _read(self, stream: Any) -> None:
        while line := await stream.readline():
            self.said += line.decode()

    async def says(self, pattern: str) -> "re.Match[str]":
        """Wait for something on either output."""
        found = None
        async with asyncio.timeout(PATIENCE):
            while (found := re.search(pattern, self.said)) is None:
                assert self.process.returncode is None, self.said
                await asyncio.sleep(0.01)
        return found

    async def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and wait; the exit code. Nothing may have gone wrong."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        code = await self.ended()
        assert not re.search("Warning|Traceback", self.said), self.said
        return code

    async def ended(self) -> int:
        """Wait until it ends by itself; the exit code."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._reading)
            return await self.process.wait()


@contextlib.asynccontextmanager
async def running(*arguments: str | Path, **environment: str) -> AsyncIterator[Program]:
    """Run Python with these arguments; what still runs in the end is ended with Ctrl-C."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", *map(str, arguments)),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    program = Program(process)
    try:
        yield program
        if process.returncode is None:
            await program.end()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(true: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until the answer is true."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await true()):
            await asyncio.sleep(0.05)
        return found
