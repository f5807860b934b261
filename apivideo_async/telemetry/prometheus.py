"""Metrics of an ingestion in the format of Prometheus (extra ``metrics``).

Theory of operation. Requests, bytes and lost leases are counted in this process, as an observer.
The items are counted in the ledger by one statement that reads every row, so its result is kept:
for ``INTERVAL`` seconds, and for ``SHARE`` times as long as the statement took. The cost for the
database is therefore bounded, for any number of items and scrapes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from attrs import define, field, frozen
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..client import ApiVideoClient
from ..ingest.ledger.ledger import Group, Ledger
from ..observing import SpanName
from ..protocol.request import LimitClass

__all__ = ["Metrics"]

INTERVAL: Final = 15.0
SHARE: Final = 50
TIMEOUT: Final = 10.0
"""Seconds for which a scrape waits for the ledger."""
CLASSES: Final[tuple[LimitClass, ...]] = ("uploads", "writes", "reads")


@frozen
class _Snapshot:
    groups: Sequence[Group] = ()
    workers: Mapping[str, int] = field(factory=dict)


@define(eq=False)
class Metrics:
    """Counts the work of this process, and reads the ledger when metrics are requested.

    ``live_workers`` returns the number of workers, if another source than the leases knows it.
    """

    _ledger: Ledger
    _live_workers: Callable[[], Awaitable[int]] | None = None
    client: ApiVideoClient | None = field(default=None, init=False)
    """The client whose request budget is shown."""
    _registry: CollectorRegistry = field(init=False)
    _requests: Counter = field(init=False)
    _durations: Histogram = field(init=False)
    _limited: Counter = field(init=False)
    _uploaded: Counter = field(init=False)
    _attempts: Counter = field(init=False)
    _snapshot: _Snapshot = field(factory=_Snapshot, init=False)
    _live: int = field(default=0, init=False)
    _fresh_until: float = field(default=0.0, init=False)
    _reading: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "apivideo_requests",
            "Requests of this process that got a response.",
            ["limit_class", "status"],
            registry=registry,
        )
        self._limited = Counter(
            "apivideo_rate_limited_requests",
            "Requests of this process that were answered with 429.",
            ["limit_class"],
            registry=registry,
        )
        self._durations = Histogram(
            "apivideo_request_duration_seconds",
            "Seconds from the first byte of a request to its response.",
            ["limit_class"],
            registry=registry,
        )
        self._uploaded = Counter(
            "apivideo_uploaded_bytes",
            "Bytes of chunks of this process that the server accepted.",
            registry=registry,
        )
        self._attempts = Counter(
            "apivideo_ingest_attempts",
            "Attempts of this process to ingest an item.",
            ["outcome"],
            registry=registry,
        )
        for name in CLASSES:
            self._limited.labels(name)
        registry.register(_Gauges(self._gauges))

    @property
    def current(self) -> bool:
        """True if the ledger could be read within the time that a snapshot is kept."""
        return time.monotonic() < self._fresh_until

    async def refresh(self) -> None:
        """Read the ledger, unless that was done a moment ago. Raises ``LedgerError``."""
        async with self._reading, asyncio.timeout(TIMEOUT):
            if self.current:
                return
            began = time.monotonic()
            groups = await self._ledger.census()
            workers = await self._ledger.workers()
            live = len(workers)
            if self._live_workers is not None:
                live = await self._live_workers()
            self._snapshot, self._live = _Snapshot(groups, workers), live
            now = time.monotonic()
            self._fresh_until = now + max(INTERVAL, SHARE * (now - began))

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    # -- the observer

    @contextmanager
    def span(
        self, name: SpanName, attributes: Mapping[str, Any], trace_id: str | None
    ) -> Iterator["_Seen"]:
        """Count a piece of work when it ends."""
        seen = _Seen(dict(attributes))
        began = time.perf_counter()
        yield seen
        self._count(name, seen.attributes, time.perf_counter() - began)

    def _count(self, name: SpanName, known: Mapping[str, Any], seconds: float) -> None:
        if name == "chunk":
            self._uploaded.inc(known["size"])
        elif name == "item":
            self._attempts.labels(known["outcome"]).inc()
        elif name == "request":
            limit_class = known["limit_class"] or "none"
            self._requests.labels(limit_class, known["status"]).inc()
            self._durations.labels(limit_class).observe(seconds)
            if known["status"] == 429:
                self._limited.labels(limit_class).inc()

    # -- the gauges

    def _gauges(self) -> Iterable[Metric]:
        groups = self._snapshot.groups
        items = GaugeMetricFamily(
            "apivideo_ingest_items",
            "Items of the ledger by state and cause of the latest failure.",
            labels=["state", "cause"],
        )
        size = GaugeMetricFamily(
            "apivideo_ingest_items_bytes",
            "Sum of the known sizes of the items of the ledger.",
            labels=["state", "cause"],
        )
        for group in groups:
            items.add_metric([group.state, group.cause or ""], group.items)
            size.add_metric([group.state, group.cause or ""], group.bytes)
        yield items
        yield size
        yield _gauge(
            "apivideo_ingest_sent_bytes",
            "Bytes of items of the ledger that all workers sent.",
            sum(group.sent for group in groups),
        )
        yield _gauge(
            "apivideo_ingest_oldest_open_item_age_seconds",
            "Seconds since the oldest unfinished item was added; 0 if there is none.",
            max((group.oldest_open or 0.0 for group in groups), default=0.0),
        )
        yield _gauge(
            "apivideo_ingest_expired_leases",
            "Items whose worker fell silent, and which wait for another worker.",
            sum(group.expired for group in groups),
        )
        yield _gauge("apivideo_ingest_workers", "Live workers.", self._live)
        yield from self._budgets()

    def _budgets(self) -> Iterable[Metric]:
        limit = GaugeMetricFamily(
            "apivideo_request_budget_limit",
            "Requests per minute that the server allows, where known.",
            labels=["limit_class"],
        )
        left = GaugeMetricFamily(
            "apivideo_request_budget_left",
            "Requests that may start now, where known.",
            labels=["limit_class"],
        )
        if self.client is not None:
            for name in CLASSES:
                budget = self.client.budget(name)
                if budget.limit is not None:
                    limit.add_metric([name], budget.limit)
                if budget.left is not None:
                    left.add_metric([name], budget.left)
        yield limit
        yield left


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


class _Seen:
    def __init__(self, attributes: dict[str, Any]) -> None:
        self.attributes = attributes

    def set(self, **attributes: Any) -> None:
        self.attributes.update(attributes)


class _Gauges(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()
