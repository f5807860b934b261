"""The command ``apivideo emulator``."""

import asyncio
import logging
import secrets
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..console.messages import explain_listen_error
from ..examples import examples
from ..parameters import Choice
from ..running import run
from ..session import Session
from .options import host_option, port_option

__all__ = ["command"]

DEFAULT_PORT = 8700
SNIPPET = """
Dashboard: {url}/

export APIVIDEO_BASE_URL={url}
export APIVIDEO_API_KEY={key}

import asyncio, apivideo_async
async def main():
    async with apivideo_async.ApiVideoClient() as client:
        print((await client.upload("movie.mp4")).video_id)
asyncio.run(main())

Ctrl-C stops the emulator."""


@click.command(
    name="emulator",
    epilog=examples(
        "apivideo emulator --open",
        "apivideo emulator --rate-limits production --encoding 3 --log -",
        "apivideo emulator --port 0 --api-key test --quirk chunks-in-order=409",
    ),
)
@host_option
@port_option(DEFAULT_PORT)
@click.option("--open", "open_page", is_flag=True, help="Open the dashboard in the browser.")
@click.option(
    "--log",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Append a line for each request to this file; - for the standard error.",
)
@click.option(
    "--api-key",
    metavar="KEY",
    help="The API key that it accepts. Default: a new random key at each start.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another host name that clients may use, such as the name of a container; repeat for "
    "more.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the uploaded files, which are kept. Default: a temporary folder.",
)
@click.option("--discard", is_flag=True, help="Do not store uploaded bytes; only count them.")
@click.option(
    "--rate-limits",
    type=Choice(["production", "sandbox", "off"]),
    default="off",
    help="Request budgets, as in one of api.video's environments.",
)
@click.option(
    "--token-lifetime",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Lifetime of access tokens. Default: 3600.",
)
@click.option(
    "--encoding",
    default="immediate",
    metavar="immediate|SECONDS",
    help="Whether encodings finish at once, or how many seconds they take.",
)
@click.option(
    "--video-restore", is_flag=True, help="Keep deleted videos, so that they can be restored."
)
@click.option(
    "--webhook-pause",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Pause between two attempts to deliver a webhook. Default: 3.",
)
@click.option(
    "--quirk",
    "quirks",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A behaviour that differs from the assumptions about the service, such as "
    "chunks-in-order=409; repeat for more. docs/conformance.md lists them.",
)
@click.option("--allow-network", is_flag=True, help="Allow webhooks and sources on other machines.")
@click.option(
    "--seed",
    type=int,
    help="Seed for ids and random faults, to repeat a run. Default: different at each start.",
)
@click.option("--until-eof", is_flag=True, hidden=True, help="Stop when the standard input closes.")
@click.pass_obj
def command(
    session: Session, /, until_eof: bool, open_page: bool, log: str | None, **settings: Any
) -> int:
    """Run a local api.video for development and tests. Its state is lost when it stops.

    The dashboard, a web page at the address of the emulator, shows videos, chunks and requests, and
    sets faults and quirks.
    """
    if settings["discard"] and settings["directory"] is not None:
        raise click.UsageError("--dir stores uploaded files, --discard does not: give one of them")
    if settings["seed"] is None:
        # A new seed at each start, so that ids of an earlier start are not used again.
        settings["seed"] = secrets.randbits(32)
    emulator = _emulator({name: value for name, value in settings.items() if value is not None})

    async def work() -> int:
        try:
            async with emulator:
                session.terminal.result(f"apivideo emulator on {emulator.url}")
                snippet = SNIPPET.format(url=emulator.url, key=emulator.api_key)
                session.terminal.results(snippet.splitlines())
                if open_page and not webbrowser.open(emulator.url):
                    session.terminal.note("no browser was found: open the dashboard yourself")
                await _wait_for_end(until_eof=until_eof)
        except OSError as error:
            if error.filename:
                raise
            reason = explain_listen_error(error, settings["host"], settings["port"])
            session.terminal.fail(reason)
            return 1
        return 0

    with _access_log(log):
        return run(session.terminal, work(), interrupted=None)


@contextmanager
def _access_log(target: str | None) -> Iterator[None]:
    if target is None:
        yield
        return
    try:
        handler = logging.StreamHandler() if target == "-" else logging.FileHandler(target)
    except OSError as error:
        raise click.UsageError(f"--log {target}: {error.strerror}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("apivideo_async.emulator.access")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def _emulator(settings: dict[str, Any]) -> Any:
    try:
        # The emulator needs the extra `emulator`, so it is imported only here.
        from ...emulator import Emulator
    except ModuleNotFoundError as error:
        if error.name not in ("jinja2", "python_multipart"):
            raise
        raise click.ClickException(str(error)) from error  # It has the pip command to run.
    try:
        return Emulator(**settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


async def _wait_for_end(*, until_eof: bool) -> None:
    if not until_eof:
        await asyncio.Event().wait()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    # Reading in the loop: a thread that reads the standard input could not be cancelled.
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
