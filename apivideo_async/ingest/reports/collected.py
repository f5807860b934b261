"""Collects the data of a report in one pass through the ledger, in bounded memory."""

import heapq
import time
from collections import Counter

from attrs import define, field, frozen

from ...masking import masked, shown
from ..items import OPEN_STATES, Record, State, Totals
from ..ledger.ledger import Ledger, Usage
from .timeline import Bucket, Timeline

__all__ = ["Failure", "Failures", "Report", "Slow", "Waiting", "collect", "seconds_of"]

SLOWEST = 20
"""Number of slow items in a report."""
WAITING = 20
"""Number of unfinished items in a report."""
EXAMPLES = 5
"""Number of sources named for each cause of failures."""
MOST_CAUSES = 50
"""Number of causes that are counted separately."""
OTHER = "other"
"""The cause under which further causes are counted."""


def seconds_of(record: Record) -> float | None:
    """Return the seconds from an item's first claim to its end; None if it has not ended."""
    if record.started_at is None or record.finished_at is None:
        return None
    return max(0.0, record.finished_at - record.started_at)


@frozen(kw_only=True)
class Failure:
    """The failures with one cause."""

    cause: str
    count: int
    message: str
    """The message of the first item."""
    uris: tuple[str, ...]
    """Addresses of the first ``EXAMPLES`` items."""


@frozen(kw_only=True)
class Slow:
    """An item that took a long time."""

    uri: str
    seconds: float
    size: int | None
    attempts: int
    video_id: str | None


@frozen(kw_only=True)
class Waiting:
    """An item that is not finished."""

    uri: str
    state: State
    attempts: int
    message: str | None


@frozen(kw_only=True)
class Report:
    """The data of a report. Times are seconds since 1970. Addresses contain no secrets."""

    made_at: float
    totals: Totals
    started: float | None
    """Time of the first claim."""
    ended: float | None
    """Time at which the last finished item ended."""
    width: int
    """Seconds of one bucket of the timeline."""
    timeline: tuple[Bucket, ...]
    """The items that were completed, by time."""
    usage: tuple[Usage, ...]
    """Requests per minute and class."""
    failures: tuple[Failure, ...]
    """The failures by cause, the most frequent first."""
    slowest: tuple[Slow, ...]
    """The items that took longest, the slowest first."""
    waiting: tuple[Waiting, ...]
    """The first items that are not finished."""

    @property
    def seconds(self) -> float:
        """Seconds from the first claim to the last end, including pauses."""
        return (
            max(0.0, self.ended - self.started)
            if self.started is not None and self.ended is not None
            else 0.0
        )


@define
class _Cause:
    """The failures with one cause so far."""

    message: str
    count: int = 0
    uris: list[str] = field(factory=list)


class Failures:
    """Failures by cause. After ``MOST_CAUSES`` causes, new ones are counted as ``OTHER``."""

    def __init__(self) -> None:
        self._causes: dict[str, _Cause] = {}

    def add(self, record: Record) -> None:
        """Count a failed item."""
        name = record.cause or OTHER
        if name not in self._causes and len(self._causes) >= MOST_CAUSES:
            name = OTHER
        cause = self._causes.setdefault(name, _Cause(masked(record.message or "")))
        cause.count += 1
        if len(cause.uris) < EXAMPLES:
            cause.uris.append(shown(record.item.uri))

    def listed(self) -> tuple[Failure, ...]:
        """Return the causes, the most frequent first."""
        found = sorted(self._causes.items(), key=lambda each: -each[1].count)
        return tuple(
            Failure(cause=name, count=cause.count, message=cause.message, uris=tuple(cause.uris))
            for name, cause in found
        )


class _Collector:
    """Accumulates the data of a report."""

    def __init__(self) -> None:
        self._items: Counter[State] = Counter()
        self._bytes: Counter[State] = Counter()
        self._sent = 0
        self._started: float | None = None
        self._ended: float | None = None
        self._timeline = Timeline()
        self._failures = Failures()
        self._slowest: list[tuple[float, int, Slow]] = []
        """A heap of the slowest items. The number of the record breaks ties, because ``Slow``
        has no order."""
        self._waiting: list[Waiting] = []

    def add(self, record: Record) -> None:
        """Add one record."""
        size = record.item.size or 0
        self._items[record.state] += 1
        self._bytes[record.state] += size
        self._sent += record.sent
        if record.started_at is not None and (
            self._started is None or record.started_at < self._started
        ):
            self._started = record.started_at
        if record.finished_at is not None and (
            self._ended is None or record.finished_at > self._ended
        ):
            self._ended = record.finished_at
        if record.state == "done":
            self._done(record, size)
        elif record.state not in OPEN_STATES:
            self._failures.add(record)
        elif len(self._waiting) < WAITING:
            self._waiting.append(_waiting(record))

    def _done(self, record: Record, size: int) -> None:
        """Add a completed item to the timeline and, if it was slow, to the heap."""
        if record.finished_at is not None:
            self._timeline.add(record.finished_at, size)
        seconds = seconds_of(record)
        if seconds is not None and (len(self._slowest) < SLOWEST or seconds > self._slowest[0][0]):
            # Replace the fastest of the kept items once the heap is full.
            push = heapq.heappush if len(self._slowest) < SLOWEST else heapq.heapreplace
            push(self._slowest, (seconds, record.number, _slow(record, seconds)))

    def report(self, usage: list[Usage]) -> Report:
        return Report(
            made_at=time.time(),
            totals=Totals(items=dict(self._items), bytes=dict(self._bytes), sent=self._sent),
            started=self._started,
            ended=self._ended,
            width=self._timeline.width,
            timeline=self._timeline.buckets(),
            usage=tuple(usage),
            failures=self._failures.listed(),
            slowest=tuple(
                slow for _, _, slow in sorted(self._slowest, key=lambda each: (-each[0], each[1]))
            ),
            waiting=tuple(self._waiting),
        )


def _waiting(record: Record) -> Waiting:
    message = None if record.message is None else masked(record.message)
    return Waiting(
        uri=shown(record.item.uri), state=record.state, attempts=record.attempts, message=message
    )


def _slow(record: Record, seconds: float) -> Slow:
    return Slow(
        uri=shown(record.item.uri),
        seconds=seconds,
        size=record.item.size,
        attempts=record.attempts,
        video_id=record.video_id,
    )


async def collect(ledger: Ledger) -> Report:
    """Read all records of the ledger. Raises ``LedgerError``."""
    collector = _Collector()
    async for record in ledger.records():
        collector.add(record)
    return collector.report(await ledger.usage())
