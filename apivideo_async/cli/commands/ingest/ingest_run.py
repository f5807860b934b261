"""Runs one ``apivideo ingest``, from the sources to the summary."""

import asyncio
import signal
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

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
from ...console.formatting import bytes_text, time_text
from ...console.messages import explain
from ...limit_rate import limiting
from ...session import Session, connect
from ..monitoring import monitoring
from ..telemetry import tracing
from ..totals import totals_document
from .display import show_progress
from .progress import IngestProgress
from .request import IngestRequest, checked, listings, manifest_items

__all__ = ["IngestRun"]

MAX_FAILURE_LINES = 50
DRAINED = 128 + signal.SIGTERM
"""The exit code after SIGTERM if items are still open."""


class IngestRun:
    """Runs the ingestion, shows its progress, and writes the results."""

    def __init__(self, session: Session, request: IngestRequest) -> None:
        self._session = session
        self._terminal = session.terminal
        self._request = request
        self._progress: IngestProgress | None = None
        self._ingestion: Ingest | None = None
        self._draining = False
        self._left_out = 0
        self._started = time.monotonic()

    async def run(self) -> int:
        """Run the ingestion and return the exit code."""
        async with (
            checked(self._request, self._terminal) as self._request,
            tracing(self._session),
        ):
            return await self._run()

    async def _run(self) -> int:
        request = self._request
        async with (
            connect(self._session.settings, reserve=request.reserve) as fail_fast_client,
            Stores(
                redirects=request.redirects, **self._session.settings.network_arguments()
            ) as stores,
            limiting(request.limit_rate) as limit,
        ):
            limit(fail_fast_client)
            # The first request fails fast; the ingestion itself uses the default retries.
            client = fail_fast_client.with_options(retry=RetryPolicy())
            async with Ingest(
                client,
                request.ledger,
                options=request.options,
                stores=stores,
                on_progress=self._on_progress,
            ) as ingest:
                # One request checks the server and the key. Otherwise a mistake would be reported
                # for each item.
                await fail_fast_client.videos.list(page_size=1)
                before = await ingest.totals()
                progress = IngestProgress(ingest, client, before, time.monotonic())
                self._progress, self._ingestion = progress, ingest
                async with monitoring(
                    self._session, request.listen, ingest.ledger, draining=lambda: self._draining
                ) as monitor:
                    monitor(client)
                    stopped = await self._ingest_until_stopped(progress, ingest, stores)
                totals = await ingest.totals()
                written = [
                    await self._write_report(ingest.ledger, path) for path in request.reports
                ]
        self._summarise(progress, totals)
        # A watched folder that was ended by Ctrl-C has exit code 0.
        failed = (totals.count("failed", "quarantined") + ingest.activity.refused) and not stopped
        if self._draining and totals.open and not request.watch:
            return DRAINED
        return 1 if failed or not all(written) else 0

    def drain(self) -> bool:
        """Finish the items in progress and end; False if none is in progress."""
        seconds = self._request.drain
        self._draining = self._ingestion is not None and self._ingestion.drain(seconds)
        if self._draining:
            self._terminal.say(f"SIGTERM: items in progress have {seconds:g} s to finish")
        return self._draining

    def interrupted(self) -> str:
        """Return the line to print after Ctrl-C."""
        if self._progress is None:
            return "interrupted; the same command continues"
        done, total = self._progress.items
        return f"interrupted at {done:,} of {total:,} items; the same command continues"

    async def _ingest_until_stopped(
        self, progress: IngestProgress, ingest: Ingest, stores: Stores
    ) -> bool:
        """Ingest all sources. Return True if Ctrl-C ended the watching of folders."""
        try:
            await self._ingest(progress, ingest, stores)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._request.watch or task is None:
                raise
            # Ctrl-C is the normal end of a watched folder, so clear the cancellation.
            task.uncancel()
            return True
        return False

    async def _ingest(self, progress: IngestProgress, ingest: Ingest, stores: Stores) -> None:
        sources = listings(self._request, stores, self._note_left_out)
        first = manifest_items(self._request)
        # JSON lines on the same screen would tear the live display.
        live = self._terminal.live and not (
            self._request.as_lines and self._terminal.results_on_screen
        )
        async with (
            show_progress(self._terminal, progress.snapshot, live=live),
            aclosing(ingest.run(*sources, first=first)) as results,
        ):
            async for result in results:
                self._add_result(progress, result, live=live)
        found = progress.activity.added + progress.activity.known
        if found == 0 and (sources or first) and not self._request.watch:
            self._terminal.note("no items to ingest were found")

    def _note_left_out(self, problem: str) -> None:
        self._left_out += 1
        self._terminal.note(problem)

    def _on_progress(self, item: Item, event: UploadProgress) -> None:
        if self._progress is not None:
            self._progress.update(item, event, time.monotonic())

    def _add_result(self, progress: IngestProgress, result: IngestResult, *, live: bool) -> None:
        progress.add_result(result, time.monotonic())
        reason = self._reason(result.error) if result.error is not None else None
        if result.outcome == "skipped":
            self._terminal.say(reason or "", style="yellow")
        if result.outcome in ("failed", "quarantined"):
            uri = shown(result.item.uri)
            # Do not repeat an address that the reason already contains.
            line = reason if reason and uri in reason else f"{uri}: {reason or ''}"
            progress.add_failure(line)
            if not live and progress.failed <= MAX_FAILURE_LINES:
                self._terminal.fail(line, prefix=result.outcome)
        if self._request.as_lines:
            document = _result_document(result, reason)
            self._terminal.report_json(document, indent=None)

    def _reason(self, error: ApiVideoError) -> str:
        # The advice that `explain` adds to an UploadError is for `apivideo upload`.
        if isinstance(error, UploadError):
            return masked(str(error))
        return masked(explain(error, self._session.base_url))

    async def _write_report(self, ledger: Ledger, path: Path) -> bool:
        """Return True on success. A failure is reported here, so that the work continues."""
        try:
            await write_report(ledger, path, base_url=self._session.base_url)
        except ApiVideoError as error:
            self._terminal.fail(explain(error, self._session.base_url))
            return False
        return True

    def _summarise(self, progress: IngestProgress, totals: Totals) -> None:
        seconds = time.monotonic() - self._started
        failed = totals.count("failed", "quarantined")
        if self._request.as_json:
            document = _summary_document(progress, totals, seconds, self._left_out)
            self._terminal.report_json(document)
        else:
            text = (
                f"{totals.count('done'):,} of {totals.count():,} items done; "
                f"{progress.done:,} in this run, "
                f"{bytes_text(progress.bytes_done)} in {time_text(seconds)}"
            )
            text += f"; {failed:,} failed" if failed else ""
            text += f"; {progress.known:,} touched or moved" if progress.known else ""
            text += f"; {progress.skipped:,} skipped" if progress.skipped else ""
            text += f"; {self._left_out:,} left out, see the notes above" if self._left_out else ""
            # With --jsonl the standard output has only JSON.
            write = self._terminal.say if self._request.as_lines else self._terminal.report
            write(text)
        activity = progress.activity
        if activity.updated:
            self._terminal.say(f"{activity.updated:,} videos have new fields of the manifest")
        elif activity.differing:
            self._terminal.note(
                f"{activity.differing:,} items have a video with other fields than the manifest: "
                "--update changes these videos"
            )
        if failed:
            ledger = self._request.ledger_argument
            self._terminal.say(
                f"run `apivideo ingest status{ledger}` to see the failures, "
                f"`apivideo ingest retry{ledger}` to try them again"
            )


def _result_document(result: IngestResult, reason: str | None) -> dict[str, Any]:
    return {
        "key": result.item.key,
        "uri": shown(result.item.uri),
        "outcome": result.outcome,
        "videoId": result.video_id,
        "error": reason,
        "delay": round(result.delay, 3),
        "sent": result.sent,
    }


def _summary_document(
    progress: IngestProgress, totals: Totals, seconds: float, left_out: int
) -> dict[str, Any]:
    return {
        **totals_document(totals),
        "now": {
            "done": progress.done,
            "failed": progress.failed,
            "skipped": progress.skipped,
            "touchedOrMoved": progress.known,
            "differing": progress.activity.differing,
            "updated": progress.activity.updated,
            "added": progress.activity.added,
            "known": progress.activity.known,
            "leftOut": left_out,
            "bytes": progress.bytes_done,
            "seconds": round(seconds, 3),
        },
    }
