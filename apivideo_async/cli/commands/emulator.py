"""The command ``apivideo emulator``."""

import asyncio
import errno
import secrets
import sys
from pathlib import Path
from typing import Any

import click

from ..running import run
from ..session import Session

__all__ = ["command"]

SNIPPET = """
export APIVIDEO_BASE_URL={url}
export APIVIDEO_API_KEY={key}

import asyncio, apivideo_async
async def main():
    async with apivideo_async.ApiVideoClient() as client: print(await client.upload("movie.mp4"))
asyncio.run(main())

Ctrl-C ends it."""


@click.command(name="emulator")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="0, the default, takes a free one."
)
@click.option(
    "--api-key",
    metavar="KEY",
    help="The key that it accepts. Without it every start has a new random key.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A host name that clients may use besides localhost and --host, such as that of a container; repeatable.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the media there.",
)
@click.option("--discard", is_flag=True, help="Count the media and drop it.")
@click.option(
    "--rate-limits",
    type=click.Choice(["production", "sandbox", "off"]),
    default="off",
    show_default=True,
)
@click.option(
    "--token-lifetime",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Of access tokens.",
)
@click.option(
    "--encoding",
    default="immediate",
    show_default=True,
    metavar="immediate|SECONDS",
    help="Its pace.",
)
@click.option("--video-restore", is_flag=True, help="Keep deleted videos as discarded ones.")
@click.option(
    "--webhook-pause",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Between two tries of a webhook.",
)
@click.option(
    "--allow-network", is_flag=True, help="Let webhooks and sources be on other machines."
)
@click.option(
    "--seed", type=int, help="For repeatable ids and faults; without it every start has new ones."
)
@click.option("--until-eof", is_flag=True, hidden=True, help="End when the standard input ends.")
@click.pass_obj
def command(session: Session, /, until_eof: bool, **settings: Any) -> int:
    """Run a local api.video for development and tests. Its state is lost when it ends."""
    if settings["discard"] and settings["directory"] is not None:
        raise click.UsageError("--dir keeps the media, --discard drops it: give one of them")
    if settings["seed"] is None:
        # A new seed at each start, so that ids of an earlier start are not used again.
        settings["seed"] = secrets.randbits(32)
    emulator = _emulator({name: value for name, value in settings.items() if value is not None})

    async def work() -> int:
        try:
            async with emulator:
                session.terminal.result(f"apivideo emulator on {emulator.url}")
                session.terminal.result(SNIPPET.format(url=emulator.url, key=emulator.api_key))
                await _end(until_eof=until_eof)
        except OSError as error:
            session.terminal.fail(_reason(error, settings))
            return 1
        return 0

    return run(session.terminal, work(), interrupted=None)


def _emulator(settings: dict[str, Any]) -> Any:
    try:
        # The emulator needs the extra `emulator`, so it is imported only here.
        from ...emulator import Emulator
    except ModuleNotFoundError as error:
        if "multipart" not in str(error.name):
            raise
        raise click.ClickException(
            "the emulator needs one more package: pip install 'apivideo-async[emulator]'"
        ) from error
    try:
        return Emulator(**settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


async def _end(*, until_eof: bool) -> None:
    """Wait until a signal cancels the task, or until the standard input closes.

    The standard input closes when the process that started this one ends.
    """
    if not until_eof:
        await asyncio.Event().wait()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    # Reading in the loop: a thread that reads the standard input could not be cancelled.
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def _reason(error: OSError, settings: dict[str, Any]) -> str:
    host, port = settings["host"], settings["port"]
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: give another --port, or none for a free one"
    if error.errno in (errno.EACCES, errno.EPERM) and not error.filename:
        return f"port {port} of {host} may not be used: take one above 1023"
    if error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"
