"""The command ``apivideo doctor``."""

import time
from collections.abc import AsyncIterator, Mapping

import click
from attrs import asdict

from ....client import ApiVideoClient
from ....errors import (
    ApiConnectionError,
    ApiStatusError,
    ApiVideoError,
    AuthenticationError,
    ConfigurationError,
)
from ...console.messages import explain
from ...crud.shown import as_json
from ...running import run
from ...session import Session, check_reachable, connect
from .findings import Finding, budget, clock, journal, settings, versions

__all__ = ["command"]

REFUSED = {"writes": ("PATCH", "/videos/doctor"), "uploads": ("POST", "/videos/doctor/source")}
"""Requests that read the budgets of writes and uploads without changing anything.

They name a video that does not exist, so the server answers with an error, and the error
response has the rate headers.
"""


@click.command(name="doctor")
@click.option(
    "--all-budgets",
    is_flag=True,
    help="Ask for the budgets of writes and uploads, too: one request each.",
)
@click.option("--json", "as_document", is_flag=True, help="One JSON list.")
@click.pass_obj
def command(session: Session, /, all_budgets: bool, as_document: bool) -> int:
    """Find out why something does not work.

    Checks versions, settings, server, key, clock and request budgets. Exit code 0 if no check
    failed, otherwise 1. Uses one request of the read budget and changes nothing at api.video.
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
    yield Finding("versions", "ok", versions())
    yield journal()
    try:
        async with connect(session.settings, needs_key=False) as client:
            yield Finding("settings", "ok", settings(session, client))
            began = time.monotonic()
            # A plain connection shows whether the network or the API is the problem.
            await check_reachable(client.config.base_url)
            yield Finding(
                "server", "ok", f"connected in {(time.monotonic() - began) * 1000:.0f} ms"
            )
            if client.config.api_key is None:
                yield Finding(
                    "key",
                    "failed",
                    "none: set APIVIDEO_API_KEY or give --api-key (before the command)",
                )
                return
            async for finding in _ask(session, client, all_budgets=all_budgets):
                yield finding
    except ConfigurationError as error:
        yield Finding("settings", "failed", explain(error, session.base_url))
    except ApiConnectionError as error:
        yield Finding("server", "failed", explain(error, session.base_url))


async def _ask(
    session: Session, client: ApiVideoClient, *, all_budgets: bool
) -> AsyncIterator[Finding]:
    began = time.time()
    try:
        answer = await client.videos.with_raw_response.list(page_size=1)
    except ApiConnectionError:
        raise
    except ApiVideoError as error:
        # An error response proves that the server answers, so the clock can still be compared.
        what = "key" if isinstance(error, AuthenticationError) else "answer"
        yield Finding(what, "failed", explain(error, client.config.base_url))
        if isinstance(error, ApiStatusError):
            yield clock(error.headers, (began + time.time()) / 2)
        return
    yield Finding("key", "ok", f"accepted, sent as {client.config.auth}")
    yield clock(answer.headers, (began + time.time()) / 2)
    yield budget("reads", answer.headers)
    for name, (method, path) in REFUSED.items():
        if all_budgets:
            yield budget(name, await _refused(client, method, path))


async def _refused(client: ApiVideoClient, method: str, path: str) -> Mapping[str, str]:
    """Send a request that the server must refuse, and return the headers of its response."""
    try:
        return (await client.request(method, path, json={})).headers
    except ApiStatusError as error:
        return error.headers
