"""Runs one ``apivideo ingest``, from the sources to the summary."""

import asyncio
import json
import time
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from ....client import ApiVideoClient
from ....config import RetryPolicy
from ....errors import ApiVideoError, UploadError
from ....ingest.ingestion import Ingest
from ....ingest.item_run import IngestResult
from ....ingest.items import Item, Totals
from ....ingest.ledger.ledger import Ledger
from ....ingest.reports.files import write_report
from ....ingest.stores.stores import Stores
from ....masking import masked, shown
from ....uploads.progress import UploadProgress
from ...console.formatting import bytes_text, printable, time_text
from ...console.messages import explain
from ...session import Session, connect
from .asked import IngestRequest
from .display import showing
from .sources import check_sources, items_of
from .tally import Tally

__all__ = ["Work"]

MOST_LINES = 50
"""Largest number of failures that are written one by one."""


class Work:
    """Runs the ingestion, shows its progress, and writes the results."""

    def __init__(self, session: Session, request: IngestRequest) -> None:
        self._session = session
        self._terminal = session.terminal
        self._request = request
        self._tally: Tally | None = None
        self._omitted = 0
        """Sources that the listing left out, each with a note."""
        self._began = time.monotonic()

    async def run(self) -> int:
        """Run the ingestion and return the exit code."""
        request = self._request
        await check_sources(request, self._terminal)
        async with (
            connect(self._session.settings, reserve=request.reserve) as hasty,
            self._stores() as stores,
        ):
            # The first request fails fast; the ingestion itself uses the default retries.
            client = hasty.with_options(retry=RetryPolicy())
            async with Ingest(
                client,
                request.ledger,
                options=request.options,
                stores=stores,
                on_progress=self._progress,
            ) as ingest:
                # One request checks the server and the key. Otherwise a mistake would be reported
                # for each item.
                await hasty.videos.list(page_size=1)
                stopped = False
                try:
                    await self._ingest(client, ingest, stores)
                except asyncio.CancelledError:
                    task = asyncio.current_task()
                    if not request.watch or task is None:
                        raise
                    # Ctrl-C is the normal end of a watched folder, so clear the cancellation.
                    task.uncancel()
                    stopped = True
                totals = await ingest.totals()
                written = [await self._write(ingest.ledger, path) for path in request.reports]
        self._summarise(totals)
        # A watched folder that was ended by Ctrl-C has exit code 0.
        failed = (totals.count("failed", "quarantined") + ingest.activity.refused) and not stopped
        return 1 if failed or not all(written) else 0

    async def _write(self, ledger: Ledger, path: Path) -> bool:
        """Write a report and return True on success.

        A failure is reported here, so that the other reports and the summary are still written.
        """
        try:
            await write_report(ledger, path)
        except ApiVideoError as error:
            self._terminal.fail(explain(error, self._session.base_url))
            return False
        return True

    def interrupted(self) -> str:
        """Return the line to print after Ctrl-C."""
        if self._tally is None:
            return "interrupted; the same command goes on"
        done, total = self._tally.items
        return f"interrupted at {done:,} of {total:,} items; the same command goes on"

    def _stores(self) -> Stores:
        return Stores(redirects=self._request.redirects)

    def _left_out(self, text: str) -> None:
        self._omitted += 1
        self._terminal.note(printable(text))

    async def _ingest(self, client: ApiVideoClient, ingest: Ingest, stores: Stores) -> None:
        tally = self._tally = Tally(ingest, client, await ingest.totals(), time.monotonic())
        note = partial(self._terminal.say, style="yellow")
        sources = items_of(self._request, stores, self._left_out)
        # JSON lines on the same screen would tear the moving picture.
        live = self._terminal.live and not (
            self._request.as_lines and self._terminal.results_on_screen
        )
        async with (
            showing(self._terminal, tally.snapshot, live=live),
            aclosing(ingest.run(*sources)) as results,
        ):
            async for result in results:
                self._note(tally, result, live=live)
        if tally.activity.added + tally.activity.known == 0 and sources and not self._request.watch:
            note("note: nothing to ingest was found")

    def _progress(self, item: Item, event: UploadProgress) -> None:
        if self._tally is not None:
            self._tally.progress(item, event, time.monotonic())

    def _note(self, tally: Tally, result: IngestResult, *, live: bool) -> None:
        tally.result(result, time.monotonic())
        reason = self._reason(result.error) if result.error is not None else None
        if result.outcome in ("failed", "quarantined"):
            where, what = shown(result.item.uri), reason or ""
            # Do not repeat an address that the reason already contains.
            line = what if where in what else f"{where}: {what}"
            tally.failure(line)
            if not live and tally.failed <= MOST_LINES:
                self._terminal.fail(line, prefix=result.outcome)
        if self._request.as_lines:
            self._terminal.report(json.dumps(_line(result, reason), ensure_ascii=False))

    def _reason(self, error: ApiVideoError) -> str:
        if isinstance(error, UploadError):
            return masked(str(error))
        return masked(explain(error, self._session.base_url))

    def _summarise(self, totals: Totals) -> None:
        tally = self._tally
        assert tally is not None  # noqa: S101
        seconds = time.monotonic() - self._began
        failed = totals.count("failed", "quarantined")
        if self._request.as_json:
            self._terminal.report(
                json.dumps(_document(tally, totals, seconds, self._omitted), indent=2)
            )
        else:
            # With --jsonl the standard output holds only JSON.
            tell = self._terminal.say if self._request.as_lines else self._terminal.report
            tell(
                f"{totals.count('done'):,} of {totals.count():,} items done; {tally.done:,} of them now, "
                f"{bytes_text(tally.bytes_done)} in {time_text(seconds)}"
                + (f"; {failed:,} failed" if failed else "")
                + (f"; {self._omitted:,} left out, see the notes above" if self._omitted else "")
            )
        if failed:
            self._terminal.say(
                "apivideo ingest status tells what failed, apivideo ingest retry tries it again"
            )


def _line(result: IngestResult, reason: str | None) -> dict[str, Any]:
    return {
        "key": result.item.key,
        "uri": shown(result.item.uri),
        "outcome": result.outcome,
        "videoId": result.video_id,
        "error": reason,
        "delay": round(result.delay, 3),
        "sent": result.sent,
    }


def _document(tally: Tally, totals: Totals, seconds: float, omitted: int) -> dict[str, Any]:
    return {
        "states": dict(sorted(totals.items.items())),
        "bytes": dict(sorted(totals.bytes.items())),
        "now": {
            "done": tally.done,
            "failed": tally.failed,
            "added": tally.activity.added,
            "known": tally.activity.known,
            "leftOut": omitted,
            "bytes": tally.bytes_done,
            "seconds": round(seconds, 3),
        },
    }
