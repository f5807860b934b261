"""The command ``apivideo doctor``: checks settings, server, key, clock and request budgets."""

import os
import platform
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import click
from attrs import asdict, frozen

from ..._version import __version__
from ...client import ApiVideoClient
from ...errors import (
    ApiConnectionError,
    ApiStatusError,
    ApiVideoError,
    AuthenticationError,
    ConfigurationError,
)
from ...http.network import check_reachable
from ...private_files import find_state_folder
from ..console.messages import explain
from ..crud.columns import named_columns
from ..crud.output import Output, Writer, take_output, with_output
from ..examples import examples
from ..running import run
from ..session import NO_API_KEY, Session, connect

__all__ = ["command"]

COLUMNS = named_columns(("name", "state", "text"))
PACKAGES = ("aiohttp", "attrs", "cattrs", "aiofiles", "click", "rich", "uvloop")
MAX_CLOCK_DIFFERENCE = 30.0
"""Seconds. With a larger difference, the logs of an account are hard to compare."""
REFUSED_REQUESTS = {
    "writes": ("PATCH", "/videos/doctor"),
    "uploads": ("POST", "/videos/doctor/source"),
}
"""Requests to a missing video. The error responses show the budgets of writes and uploads."""


@frozen
class Finding:
    """The result of one check."""

    name: str
    state: Literal["ok", "note", "failed"]
    text: str

    def __str__(self) -> str:
        return f"{self.state:<8}{self.name:<13}{self.text}"


@click.command(
    name="doctor", epilog=examples("apivideo doctor", "apivideo doctor --all-budgets --json")
)
@click.option(
    "--all-budgets",
    is_flag=True,
    help="Also check the budgets of writes and uploads, which takes one request each.",
)
@with_output(COLUMNS)
@click.pass_obj
def command(session: Session, /, all_budgets: bool, **given: Any) -> int:
    """Check versions, settings, server, key, clock and request budgets.

    Exit code 0 if no check failed, otherwise 1. Nothing is changed at api.video.
    """

    output = take_output(given)

    async def work() -> int:
        findings = []
        async for finding in _check(session, all_budgets=all_budgets):
            findings.append(finding)
            if output == Output():
                session.terminal.result(str(finding))
        if output != Output():
            rows = (asdict(finding) for finding in findings)
            Writer(session.terminal, output, COLUMNS).add_all(rows)
        return 1 if any(finding.state == "failed" for finding in findings) else 0

    return run(session.terminal, work())


async def _check(session: Session, *, all_budgets: bool) -> AsyncIterator[Finding]:
    yield Finding("versions", "ok", _versions())
    folder, problem = find_state_folder("uploads")
    yield Finding("journal", "note", problem) if problem else Finding("journal", "ok", str(folder))
    try:
        async with connect(session.settings, needs_key=False) as client:
            yield Finding("settings", "ok", _settings(session, client))
            started = time.monotonic()
            # A plain connection shows whether the network or the API is the problem.
            network = session.settings.connection.network()
            proxy = await check_reachable(network, client.config.base_url)
            milliseconds = (time.monotonic() - started) * 1000
            yield Finding("server", "ok", f"connected in {milliseconds:.0f} ms{_through(proxy)}")
            if client.config.api_key is None:
                yield Finding("key", "failed", NO_API_KEY)
                return
            async for finding in _check_api(client, all_budgets=all_budgets):
                yield finding
    except ConfigurationError as error:
        yield Finding("settings", "failed", explain(error, session.base_url))
    except ApiConnectionError as error:
        yield Finding("server", "failed", explain(error, session.base_url))


async def _check_api(client: ApiVideoClient, *, all_budgets: bool) -> AsyncIterator[Finding]:
    started = time.time()
    try:
        response = await client.videos.with_raw_response.list(page_size=1)
    except ApiConnectionError:
        raise
    except ApiVideoError as error:
        # An error response proves that the server answers, so the clock can still be compared.
        name = "key" if isinstance(error, AuthenticationError) else "answer"
        yield Finding(name, "failed", explain(error, client.config.base_url))
        if isinstance(error, ApiStatusError):
            yield _clock(error.headers, (started + time.time()) / 2)
        return
    yield Finding("key", "ok", f"accepted, sent as {client.config.auth}")
    yield _clock(response.headers, (started + time.time()) / 2)
    yield _budget("reads", response.headers)
    for name, (method, path) in REFUSED_REQUESTS.items():
        if all_budgets:
            yield _budget(name, await _headers_of_refusal(client, method, path))


async def _headers_of_refusal(client: ApiVideoClient, method: str, path: str) -> Mapping[str, str]:
    try:
        return (await client.request(method, path, json={})).headers
    except ApiStatusError as error:
        return error.headers


def _through(proxy: str | None) -> str:
    return "" if proxy is None else f" to the proxy {proxy}"


def _versions() -> str:
    python = f"Python {platform.python_version()}"
    found = [f"apivideo-async {__version__}", python, platform.system()]
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def _settings(session: Session, client: ApiVideoClient) -> str:
    given = session.settings
    sources = (
        ("key", given.api_key, "--api-key", "APIVIDEO_API_KEY"),
        ("environment", given.environment, "--environment", "APIVIDEO_ENVIRONMENT"),
        ("server", given.base_url, "--base-url", "APIVIDEO_BASE_URL"),
        ("webhook secret", None, "", "APIVIDEO_WEBHOOK_SECRET"),
    )
    origins = []
    for name, value, option, variable in sources:
        if value:
            origins.append(f"{name} from {option}")
        elif os.environ.get(variable):
            origins.append(f"{name} from {variable}")
    return f"{client.config.base_url}; {', '.join(origins) or 'all settings have their defaults'}"


def _clock(headers: Mapping[str, str], now: float) -> Finding:
    """Compare this machine's clock with the server's ``Date`` header, which has whole seconds.

    ``now`` is the local time (a POSIX timestamp) halfway between request and response.
    """
    try:
        server_time = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return Finding("clock", "note", "the response has no valid Date header")
    if server_time.tzinfo is None:
        server_time = server_time.replace(tzinfo=UTC)
    difference = (datetime.fromtimestamp(now, UTC) - server_time).total_seconds()
    seconds = abs(difference)
    if seconds <= MAX_CLOCK_DIFFERENCE:
        return Finding("clock", "ok", f"within {max(1, round(seconds))} s of the server's clock")
    direction = "ahead of" if difference > 0 else "behind"
    text = f"{seconds:.0f} s {direction} the server's clock: correct the clock of this machine"
    return Finding("clock", "note", text)


def _budget(name: str, headers: Mapping[str, str]) -> Finding:
    limit = headers.get("x-ratelimit-limit")
    remaining = headers.get("x-ratelimit-remaining")
    reset = headers.get("x-ratelimit-retry-after", "?")
    if limit is None or remaining is None:
        return Finding(name, "note", "the response has no rate limit headers")
    return Finding(name, "ok", f"{remaining} of {limit} requests left, reset in {reset} s")
