"""The data of a report, collected in one pass through the ledger, in bounded memory."""

import heapq
import time
from collections import Counter

from attrs import define, field, frozen

from ...masking import masked, shown
from ..items import OPEN_STATES, Record, State, Totals
from ..ledger.ledger import Ledger, Usage

__all__ = ["Bucket", "Failure", "Failures", "Report", "Timeline", "collect", "duration"]

MAX_BUCKETS = 120
WIDTHS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400)
"""Widths of buckets in seconds. Each one divides the next, so that buckets can be merged. Later
widths double."""
MAX_SLOWEST = 20
MAX_WAITING = 20
MAX_EXAMPLES = 10
"""Number of sources named for each cause of failures."""
MAX_CAUSES = 50
"""Number of causes that are counted separately."""
OTHER = "other"
"""The cause under which further causes are counted."""


def duration(record: Record) -> float | None:
    """Return the seconds from an item's first claim to its end; None if it has not ended."""
    if record.started_at is None or record.finished_at is None:
        return None
    return max(0.0, record.finished_at - record.started_at)


@frozen
class Bucket:
    """The items finished between ``start`` (seconds since 1970) and the next bucket."""

    start: float
    items: int
    bytes: int


@define
class Timeline:
    """Counts items, in any order of time, in buckets of ``width`` seconds. Too many are merged."""

    width: int = field(default=WIDTHS[0], init=False)
    _counts: dict[int, list[int]] = field(factory=dict, init=False)
    """Items and bytes of each bucket, by bucket number (time divided by the width)."""

    def add(self, at: float, size: int) -> None:
        """Count one item of ``size`` bytes, finished at ``at`` (seconds since 1970)."""
        number = int(at // self.width)
        is_new = number not in self._counts
        self._add(number, 1, size)
        # The range counts, because ``buckets`` returns empty buckets as well.
        while is_new and max(self._counts) - min(self._counts) >= MAX_BUCKETS:
            self._merge()

    def _add(self, number: int, items: int, size: int) -> None:
        bucket = self._counts.setdefault(number, [0, 0])
        bucket[0] += items
        bucket[1] += size

    def _merge(self) -> None:
        narrow, counts = self.width, self._counts
        self.width = next((width for width in WIDTHS if width > narrow), narrow * 2)
        self._counts = {}
        for number, (items, size) in counts.items():
            self._add(number * narrow // self.width, items, size)

    def buckets(self) -> tuple[Bucket, ...]:
        """Return all buckets from the first to the last, including empty ones."""
        if not self._counts:
            return ()
        return tuple(
            Bucket(float(number * self.width), *self._counts.get(number, (0, 0)))
            for number in range(min(self._counts), max(self._counts) + 1)
        )


@define
class Failure:
    """The failures with one cause."""

    cause: str
    count: int = field(default=0, init=False)
    message: str
    """The message of the first item."""
    uris: list[str] = field(factory=list, init=False)
    """Addresses of the first ``MAX_EXAMPLES`` items."""


@frozen(kw_only=True)
class SlowItem:
    """An item that took a long time."""

    uri: str
    seconds: float
    size: int | None
    attempts: int
    video_id: str | None


@frozen(kw_only=True)
class WaitingItem:
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
    failures: tuple[Failure, ...]
    """The failures by cause, the most frequent first."""
    slowest: tuple[SlowItem, ...]
    """The items that took longest, the slowest first."""
    waiting: tuple[WaitingItem, ...]
    """The first items that are not finished."""

    @property
    def seconds(self) -> float:
        """Seconds from the first claim to the last end, including pauses."""
        if self.started is None or self.ended is None:
            return 0.0
        return max(0.0, self.ended - self.started)


@define
class Failures:
    """Failures by cause. After ``MAX_CAUSES`` causes, new ones are counted as ``OTHER``."""

    _causes: dict[str, Failure] = field(factory=dict, init=False)

    def add(self, record: Record) -> None:
        """Count a failed item."""
        name = record.cause or OTHER
        if name not in self._causes and len(self._causes) >= MAX_CAUSES:
            name = OTHER
        failure = self._causes.setdefault(name, Failure(name, masked(record.message or "")))
        failure.count += 1
        if len(failure.uris) < MAX_EXAMPLES:
            failure.uris.append(shown(record.item.uri))

    def ordered(self) -> tuple[Failure, ...]:
        """Return the causes, the most frequent first."""
        return tuple(sorted(self._causes.values(), key=lambda failure: -failure.count))


@define
class _Collector:
    items: Counter[State] = field(factory=Counter)
    bytes: Counter[State] = field(factory=Counter)
    sent: int = 0
    started: float | None = None
    ended: float | None = None
    timeline: Timeline = field(factory=Timeline)
    failures: Failures = field(factory=Failures)
    slowest: list[tuple[float, int, SlowItem]] = field(factory=list)
    """A heap of seconds and items. The record's number between them breaks ties."""
    waiting: list[WaitingItem] = field(factory=list)

    def add(self, record: Record) -> None:
        size = record.item.size or 0
        self.items[record.state] += 1
        self.bytes[record.state] += size
        self.sent += record.sent
        if record.started_at is not None:
            self.started = min(record.started_at, self.started or record.started_at)
        if record.finished_at is not None:
            self.ended = max(record.finished_at, self.ended or record.finished_at)
        if record.state == "done":
            self._add_done(record, size)
        elif record.state not in OPEN_STATES:
            self.failures.add(record)
        elif len(self.waiting) < MAX_WAITING:
            waiting = WaitingItem(
                uri=shown(record.item.uri),
                state=record.state,
                attempts=record.attempts,
                message=None if record.message is None else masked(record.message),
            )
            self.waiting.append(waiting)

    def _add_done(self, record: Record, size: int) -> None:
        if record.finished_at is not None:
            self.timeline.add(record.finished_at, size)
        seconds = duration(record)
        is_full = len(self.slowest) >= MAX_SLOWEST
        if seconds is None or (is_full and seconds <= self.slowest[0][0]):
            return
        slow = SlowItem(
            uri=shown(record.item.uri),
            seconds=seconds,
            size=record.item.size,
            attempts=record.attempts,
            video_id=record.video_id,
        )
        add_to_heap = heapq.heapreplace if is_full else heapq.heappush
        add_to_heap(self.slowest, (seconds, -record.number, slow))

    def report(self, usage: list[Usage]) -> Report:
        return Report(
            made_at=time.time(),
            totals=Totals(items=dict(self.items), bytes=dict(self.bytes), sent=self.sent),
            started=self.started,
            ended=self.ended,
            width=self.timeline.width,
            timeline=self.timeline.buckets(),
            usage=tuple(usage),
            failures=self.failures.ordered(),
            slowest=tuple(slow for _, _, slow in sorted(self.slowest, reverse=True)),
            waiting=tuple(self.waiting),
        )


async def collect(ledger: Ledger) -> Report:
    """Read all records of the ledger. Raises ``LedgerError``."""
    collector = _Collector()
    async for record in ledger.records():
        collector.add(record)
    return collector.report(await ledger.usage())
