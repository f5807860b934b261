"""Counts the results of a running ingestion. Displays read a :class:`Snapshot` of the counts."""

from collections import deque
from typing import Literal

from attrs import frozen

from ....client import ApiVideoClient
from ....ingest.ingestion import Activity, Ingest
from ....ingest.item_run import IngestResult
from ....ingest.items import Item, Totals
from ....rate_limit.limiter import RequestBudget
from ....uploads.ledger import ChunkState
from ....uploads.progress import Meter, UploadProgress

__all__ = ["IngestProgress", "Snapshot"]

LIMIT_CLASSES: tuple[Literal["uploads", "writes", "reads"], ...] = ("uploads", "writes", "reads")
MAX_FAILURES = 3
"""Number of failures that are kept for the display."""
RATE_WINDOW = 30.0
"""Seconds over which rates are measured."""
FIRST_RATE = 1.0
"""Seconds of measurement before a rate is reported."""


@frozen(kw_only=True)
class Snapshot:
    """The state of an ingestion at one moment."""

    done: int = 0
    failed: int = 0
    """Includes quarantined items."""
    working: int = 0
    total: int = 0
    listing: bool = False
    chunks: int = 0
    """Chunks in flight."""
    bytes: int = 0
    """Bytes that were sent and are not accepted yet."""
    rate: float = 0.0
    """Bytes per second."""
    items_rate: float = 0.0
    """Items per second."""
    eta: float | None = None
    budgets: tuple[RequestBudget, ...] = ()
    failures: tuple[str, ...] = ()


class IngestProgress:
    """Counts results on top of the ledger's totals; times are those of ``time.monotonic()``."""

    def __init__(self, ingest: Ingest, client: ApiVideoClient, totals: Totals, now: float) -> None:
        self._ingest = ingest
        self._client = client
        self._totals = totals
        self._started = now
        self._uploads: dict[str, UploadProgress] = {}
        self._sent = Meter(now, window=RATE_WINDOW)
        self._finished = Meter(now, window=RATE_WINDOW)
        self._failures: deque[str] = deque(maxlen=MAX_FAILURES)
        self.done: int = 0
        self.failed: int = 0
        self.skipped: int = 0
        self.known: int = 0
        """New items that turned out to be sources with a video, and were deleted."""
        self.bytes_done: int = 0
        """Bytes of the items that were completed in this run."""

    def update(self, item: Item, event: UploadProgress, now: float) -> None:
        """Record the progress of an item."""
        # The first event of a resumed upload includes bytes of an earlier run. Skip those.
        before = self._uploads.get(item.key)
        counted = before.bytes_sent if before else event.bytes_accepted
        self._sent.add(event.bytes_sent - counted, now)
        self._uploads[item.key] = event

    def add_result(self, result: IngestResult, now: float) -> None:
        """Record the result of an item."""
        self._uploads.pop(result.item.key, None)
        if result.outcome == "done":
            self.done += 1
            self.bytes_done += result.item.size or 0
            self._finished.add(1, now)
        elif result.outcome in ("failed", "quarantined"):
            self.failed += 1
            self._finished.add(1, now)
        elif result.outcome == "skipped":
            self.skipped += 1
        elif result.outcome == "known":
            self.known += 1

    def add_failure(self, line: str) -> None:
        """Keep a line about a failure for the display."""
        self._failures.append(line)

    @property
    def activity(self) -> Activity:
        """The current activity of the ingestion."""
        return self._ingest.activity

    @property
    def items(self) -> tuple[int, int]:
        """The number of completed items and the number of all items."""
        total = self._totals.count() + self.activity.added - self.known
        return self._totals.count("done") + self.done, total

    def snapshot(self, now: float) -> Snapshot:
        """Return the current state. Call it in the event loop of the client."""
        done, total = self.items
        uploads = self._uploads.values()
        measured = now - self._started >= FIRST_RATE
        return Snapshot(
            done=done,
            failed=self._totals.count("failed", "quarantined") + self.failed,
            working=self.activity.working,
            total=total,
            listing=self.activity.listing,
            chunks=sum(event.chunks.get(ChunkState.IN_FLIGHT, 0) for event in uploads),
            bytes=sum(max(0, event.bytes_sent - event.bytes_accepted) for event in uploads),
            rate=self._sent.rate(now) if measured else 0.0,
            items_rate=self._finished.rate(now) if measured else 0.0,
            eta=self._eta(now) if measured else None,
            budgets=tuple(self._client.budget(name) for name in LIMIT_CLASSES),
            failures=tuple(self._failures),
        )

    def _eta(self, now: float) -> float | None:
        """Estimate the remaining seconds; None if unknown.

        The estimate is the larger of two: remaining items at the item rate, and remaining bytes at
        the byte rate. Small files are limited by requests, large ones by bandwidth.
        """
        item_rate = self._finished.rate(now)
        # The number of items is unknown until the listing ends.
        if self.activity.listing or not item_rate:
            return None
        items = self._totals.open + self.activity.added - self.done - self.failed - self.known
        known = self._totals.bytes
        size = sum(known.values()) - known.get("done", 0) + self.activity.added_bytes
        size -= self.bytes_done + sum(event.bytes_accepted for event in self._uploads.values())
        byte_rate = self._sent.rate(now)
        seconds = size / byte_rate if byte_rate and self._uploads else 0.0
        return max(items / item_rate, seconds)
