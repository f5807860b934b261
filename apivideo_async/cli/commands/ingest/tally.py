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
from ....uploads.progress import UploadProgress

__all__ = ["Pace", "Snapshot", "Tally"]

CLASSES: tuple[Literal["uploads", "writes", "reads"], ...] = ("uploads", "writes", "reads")
LAST = 3
"""Number of failures that are kept for the display."""
SPAN = 30.0
"""Seconds over which a rate is measured."""
FIRST = 1.0
"""Seconds of measurement before a rate is given."""


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
    eta: float | None = None
    budgets: tuple[RequestBudget, ...] = ()
    failures: tuple[str, ...] = ()


class Pace:
    """Measures a rate over the last ``span`` seconds.

    It keeps samples of the running total, at most about 60 for the span.
    """

    def __init__(self, now: float, span: float = SPAN) -> None:
        self._span = span
        self._samples: deque[tuple[float, int]] = deque([(now, 0)])
        self.count: int = 0

    def add(self, count: int, now: float) -> None:
        """Add ``count`` to the total. A negative count takes back what was counted before."""
        self.count += count
        if now - self._samples[-1][0] >= self._span / 60:
            self._samples.append((now, self.count))
            # The oldest sample is the last one before the span, so the rate covers the whole span.
            while len(self._samples) > 2 and now - self._samples[1][0] > self._span:
                self._samples.popleft()

    def rate(self, now: float) -> float:
        """Return the rate per second, 0 at the beginning."""
        since, before = self._samples[0]
        return max(0.0, (self.count - before) / (now - since)) if now - since >= FIRST else 0.0


class Tally:
    """Counts results on top of the ledger's totals at the beginning."""

    def __init__(self, ingest: Ingest, client: ApiVideoClient, totals: Totals, now: float) -> None:
        self._ingest = ingest
        self._client = client
        self._before = totals
        self._flying: dict[str, UploadProgress] = {}
        self._sent = Pace(now)
        self._finished = Pace(now)
        self._bytes_done = 0
        self._failures: deque[str] = deque(maxlen=LAST)
        self.done: int = 0
        self.failed: int = 0

    def progress(self, item: Item, event: UploadProgress, now: float) -> None:
        """Record the progress of an item."""
        # The first event of a resumed upload includes bytes of an earlier run. Skip those.
        before = self._flying.get(item.key)
        self._sent.add(
            event.bytes_sent - (before.bytes_sent if before else event.bytes_accepted), now
        )
        self._flying[item.key] = event

    def result(self, result: IngestResult, now: float) -> None:
        """Record the result of an item."""
        self._flying.pop(result.item.key, None)
        if result.outcome == "done":
            self.done += 1
            self._bytes_done += result.item.size or 0
            self._finished.add(1, now)
        elif result.outcome in ("failed", "quarantined"):
            self.failed += 1
            self._finished.add(1, now)

    def failure(self, line: str) -> None:
        """Keep a line about a failure for the display."""
        self._failures.append(line)

    @property
    def activity(self) -> Activity:
        """The current activity of the ingestion."""
        return self._ingest.activity

    @property
    def bytes_done(self) -> int:
        """Bytes of the items that were completed in this run."""
        return self._bytes_done

    @property
    def items(self) -> tuple[int, int]:
        """The number of completed items and the number of all items."""
        return self._before.count("done") + self.done, self._before.count() + self.activity.added

    def snapshot(self, now: float) -> Snapshot:
        """Return the current state. Call it in the event loop of the client."""
        done, total = self.items
        flying = self._flying.values()
        return Snapshot(
            done=done,
            failed=self._before.count("failed", "quarantined") + self.failed,
            working=self.activity.working,
            total=total,
            listing=self.activity.listing,
            chunks=sum(event.chunks.get(ChunkState.IN_FLIGHT, 0) for event in flying),
            bytes=sum(max(0, event.bytes_sent - event.bytes_accepted) for event in flying),
            rate=self._sent.rate(now),
            items_rate=self._finished.rate(now),
            eta=self._eta(now),
            budgets=tuple(self._client.budget(name) for name in CLASSES),
            failures=tuple(self._failures),
        )

    def _eta(self, now: float) -> float | None:
        """Estimate the remaining seconds; None if unknown.

        The estimate is the larger of two: remaining items at the item rate, and remaining bytes at
        the byte rate. Small files are limited by requests, large ones by bandwidth.
        """
        rate = self._finished.rate(now)
        # The number of items is unknown until the listing ends.
        if self.activity.listing or not rate:
            return None
        left = self._before.open + self.activity.added - self.done - self.failed
        size = (
            sum(self._before.bytes.values())
            - self._before.bytes.get("done", 0)
            + self.activity.added_bytes
        )
        size -= self._bytes_done + sum(event.bytes_accepted for event in self._flying.values())
        line = self._sent.rate(now)
        return max(left / rate, size / line if line and self._flying else 0.0)
