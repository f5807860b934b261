"""Analytics: how often, how long and where videos are watched (service.md#analytics)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from ._convert import wire

__all__ = [
    "AggregatedMetrics",
    "Aggregation",
    "Breakdown",
    "BreakdownMetric",
    "Interval",
    "Metric",
    "MetricBucket",
    "MetricPoint",
    "MetricsContext",
    "OverTimeMetric",
    "Timeframe",
]

Metric: TypeAlias = Literal["play", "start", "end", "impression", "impression-time", "watch-time", "ccv", "view"] | str
"""What can be aggregated: ``impression-time`` in milliseconds, ``watch-time`` in seconds, ``ccv``: viewers at once."""
Aggregation: TypeAlias = Literal["count", "rate", "total", "average", "sum", "peak", "live"] | str
"""How: count, rate, total for ``play``; average, sum for the times; peak, live, average for ``ccv``; else count."""
BreakdownMetric: TypeAlias = (
    Literal["play", "play-rate", "play-total", "start", "end", "impression", "ccv-peak", "ccv-average", "view"] | str
)
"""What can be broken down; ``play-total`` only by ``media-id``."""
Breakdown: TypeAlias = (
    Literal["media-id", "media-type", "continent", "country", "device-type", "operating-system", "browser", "referrer"]
    | str
)
"""The dimension to break down by."""
OverTimeMetric: TypeAlias = (
    Literal["play", "play-rate", "start", "end", "impression", "ccv-peak", "ccv-average", "view"] | str
)
"""What can be followed over time."""
Interval: TypeAlias = Literal["minute", "hour", "day"] | str
"""Width of a point; ``minute`` only in a timeframe of at most 60 minutes."""


@frozen(kw_only=True)
class Timeframe:
    """The period that was counted; ``to`` does not belong to it."""

    from_: datetime | None = wire("from", default=None)
    """Its beginning."""
    to: datetime | None = None
    """Its end, exclusive."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricsContext:
    """What was counted, as the server understood it."""

    metric: str | None = None
    """The metric with its options: ``view`` over 5 s with ``unique`` comes back as ``unique-view-5``."""
    aggregation: Aggregation | None = None
    """Of aggregated metrics."""
    breakdown: Breakdown | None = None
    """Of a breakdown."""
    interval: Interval | None = None
    """Of metrics over time."""
    timeframe: Timeframe | None = None
    """The period that was counted."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class AggregatedMetrics:
    """One number for a period."""

    context: MetricsContext | None = None
    """What was counted."""
    data: float | None = None
    """The number; times are in milliseconds (``impression-time``) or seconds (``watch-time``)."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricBucket:
    """The number of one value of a dimension."""

    dimension_value: str | None = None
    """Such as ``FR`` for the dimension ``country``."""
    metric_value: float | None = None
    """The number."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricPoint:
    """The number of one interval."""

    emitted_at: datetime | None = None
    """When the interval begins."""
    metric_value: float | None = None
    """The number."""
    extra: Mapping[str, Any] = field(factory=dict)
