"""Runs the emulator of the demonstration in a separate process."""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import frozen

from ....errors import ConfigurationError

__all__ = ["Server", "run_emulator"]

FIRST_LINE = "apivideo emulator on "
START_SECONDS = 20.0
STOP_SECONDS = 5.0


@frozen
class Server:
    """Address, API key and process id of the emulator."""

    url: str
    api_key: str
    pid: int


@asynccontextmanager
async def run_emulator() -> AsyncIterator[Server]:
    """Start ``apivideo emulator`` and stop it at the end of the block."""
    key = secrets.token_hex(16)
    command = [sys.executable, "-m", "apivideo_async.cli", "emulator", "--api-key", key]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--port=0",
        "--encoding=0.5",
        "--until-eof",  # The emulator also ends if this process dies.
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches this process only; it stops the emulator.
        # Without buffering, the line with the address arrives at once.
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield Server(await _address(process), key, process.pid)
    finally:
        await _stop(process)


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None  # noqa: S101
    assert process.stderr is not None  # noqa: S101
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode(errors="replace").strip()
            if line.startswith(FIRST_LINE):
                return line.removeprefix(FIRST_LINE)
            reason = (await process.stderr.read()).decode(errors="replace").strip()
    except TimeoutError:
        reason = f"no output within {START_SECONDS:g} s"
    raise ConfigurationError(
        f"the emulator did not start: {reason.removeprefix('apivideo: ') or 'no reason given'}"
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            # Read the pipes to their end, so that the process cannot block on a full pipe.
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
