"""``apivideo doctor``."""

import os
import platform
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import click
from attrs import asdict, frozen

from .._version import __version__
from ..client import ApiVideoClient
from ..errors import ApiConnectionError, ApiStatusError, ApiVideoError, AuthenticationError, ConfigurationError
from ..uploads.journal import default_folder
from .connection import connect, reach
from .messages import explain
from .running import run
from .session import Session
from .shown import as_json

__all__ = ["command"]

PACKAGES = ("aiohttp", "attrs", "cattrs", "aiofiles", "click", "rich", "uvloop")
LARGEST_SKEW = 30.0
"""Seconds; analytics and the log of an account are hard to compare with a clock that is further off."""
REFUSED = {"writes": ("PATCH", "/videos/doctor"), "uploads": ("POST", "/videos/doctor/source")}
"""Requests about a video that does not exist change nothing, and their answers tell the budget."""


@frozen
class Finding:
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "note", "failed"]
    text: str

    def line(self) -> str:
        """Write it for people."""
        return f"{self.state:<8}{self.name:<13}{self.text}"


@click.command(name="doctor")
@click.option("--all-budgets", is_flag=True, help="Ask for the budgets of writes and uploads, too: one request each.")
@click.option("--json", "as_document", is_flag=True, help="One JSON list.")
@click.pass_obj
def command(session: Session, /, all_budgets: bool, as_document: bool) -> int:
    """Find out why something does not work: versions, settings, server, key, clock, request budgets.

    Exit code 0 when nothing failed, 1 otherwise. Takes one request of the read budget and changes nothing.
    """

    async def work() -> int:
        findings = []
        async for finding in _examine(session, all_budgets=all_budgets):
            findings.append(finding)
            if not as_document:
                session.terminal.result(finding.line())
        if as_document:
            session.terminal.result(as_json([asdict(finding) for finding in findings]))
        return 1 if any(finding.state == "failed" for finding in findings) else 0

    return run(session.terminal, work(), lambda: "interrupted")


async def _examine(session: Session, *, all_budgets: bool) -> AsyncIterator[Finding]:
    yield Finding("versions", "ok", _versions())
    yield _journal()
    try:
        async with connect(session.settings, needs_key=False) as client:
            yield Finding("settings", "ok", _settings(session, client))
            began = time.monotonic()
            await reach(client.config.base_url)
            yield Finding("server", "ok", f"connected in {(time.monotonic() - began) * 1000:.0f} ms")
            if client.config.api_key is None:
                yield Finding("key", "failed", "none: set APIVIDEO_API_KEY or give --api-key (before the command)")
                return
            async for finding in _ask(session, client, all_budgets=all_budgets):
                yield finding
    except ConfigurationError as error:
        yield Finding("settings", "failed", explain(error, session.base_url))
    except ApiConnectionError as error:
        yield Finding("server", "failed", explain(error, session.base_url))


async def _ask(session: Session, client: ApiVideoClient, *, all_budgets: bool) -> AsyncIterator[Finding]:
    began = time.time()
    try:
        answer = await client.videos.with_raw_response.list(page_size=1)
    except ApiConnectionError:
        raise
    except ApiVideoError as error:
        what = "key" if isinstance(error, AuthenticationError) else "answer"
        yield Finding(what, "failed", explain(error, client.config.base_url))
        if isinstance(error, ApiStatusError):
            yield _clock(error.headers, (began + time.time()) / 2)
        return
    yield Finding("key", "ok", f"accepted, sent as {client.config.auth}")
    yield _clock(answer.headers, (began + time.time()) / 2)
    yield _budget("reads", answer.headers)
    for name, (method, path) in REFUSED.items():
        if all_budgets:
            yield _budget(name, await _refused(client, method, path))


async def _refused(client: ApiVideoClient, method: str, path: str) -> Mapping[str, str]:
    """Return the headers of a request that nobody can grant."""
    try:
        return (await client.request(method, path, json={})).headers
    except ApiStatusError as error:
        return error.headers


def _versions() -> str:
    found = [f"apivideo-async {__version__}", f"Python {platform.python_version()}", platform.system()]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _journal() -> Finding:
    try:
        folder = default_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return Finding("journal", "ok", str(folder))
        return Finding("journal", "note", f"{folder} cannot be written to: interrupted uploads cannot be continued")
    except (OSError, RuntimeError) as error:
        return Finding("journal", "note", f"{error}: interrupted uploads cannot be continued")


def _settings(session: Session, client: ApiVideoClient) -> str:
    given = session.settings
    where = {
        "key": _origin(given.api_key, "--api-key", "APIVIDEO_API_KEY"),
        "environment": _origin(given.environment, "--environment", "APIVIDEO_ENVIRONMENT"),
        "server": _origin(given.base_url, "--base-url", "APIVIDEO_BASE_URL"),
        "webhook secret": _origin(None, "", "APIVIDEO_WEBHOOK_SECRET"),
    }
    told = ", ".join(f"{name} from {origin}" for name, origin in where.items() if origin)
    return f"{client.config.base_url}; {told or 'nothing is set'}"


def _origin(given: str | None, option: str, variable: str) -> str:
    return option if given else variable if os.environ.get(variable) else ""


def _clock(headers: Mapping[str, str], now: float) -> Finding:
    """Compare with the server's clock, which tells whole seconds."""
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return Finding("clock", "note", "the server told no time")
    here = datetime.fromtimestamp(now, UTC)
    ahead = (here - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
    if abs(ahead) <= LARGEST_SKEW:
        return Finding("clock", "ok", f"within {max(1, round(abs(ahead)))} s of the server's")
    return Finding("clock", "note", f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's: set it")


def _budget(name: str, headers: Mapping[str, str]) -> Finding:
    limit, left, reset = (headers.get(f"x-ratelimit-{part}") for part in ("limit", "remaining", "retry-after"))
    if limit is None or left is None:
        return Finding(name, "note", "the server told no budget")
    return Finding(name, "ok", f"{left} of {limit} requests left, all again in {reset or '?'} s")
