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

Metric: TypeAlias = (
    Literal["play", "start", "end", "impression", "impression-time", "watch-time", "ccv", "view"]
    | str
)
"""Metrics of ``AggregatedMetrics``.

``impression-time`` is in milliseconds and ``watch-time`` in seconds. ``ccv`` is the number of
concurrent viewers.
"""
Aggregation: TypeAlias = Literal["count", "rate", "total", "average", "sum", "peak", "live"] | str
"""How a metric is aggregated.

``play`` has count, rate and total; ``impression-time`` and ``watch-time`` have average and sum;
``ccv`` has peak, live and average; the other metrics have count.
"""
BreakdownMetric: TypeAlias = (
    Literal[
        "play",
        "play-rate",
        "play-total",
        "start",
        "end",
        "impression",
        "ccv-peak",
        "ccv-average",
        "view",
    ]
    | str
)
"""Metrics that can be broken down by a dimension; ``play-total`` only by ``media-id``."""
Breakdown: TypeAlias = (
    Literal[
        "media-id",
        "media-type",
        "continent",
        "country",
        "device-type",
        "operating-system",
        "browser",
        "referrer",
    ]
    | str
)
"""The dimension of a breakdown."""
OverTimeMetric: TypeAlias = (
    Literal["play", "play-rate", "start", "end", "impression", "ccv-peak", "ccv-average", "view"]
    | str
)
"""Metrics over time."""
Interval: TypeAlias = Literal["minute", "hour", "day"] | str
"""The length of the interval of a point.

``minute`` is valid only for a timeframe of at most 60 minutes.
"""


@frozen(kw_only=True)
class Timeframe:
    """The period of a metric. It starts at ``from_`` and ends before ``to``."""

    from_: datetime | None = wire("from", default=None)
    """Start of the period, inclusive."""
    to: datetime | None = None
    """End of the period, exclusive."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricsContext:
    """The query of a metric, as the server understood it."""

    metric: str | None = None
    """The metric with its options: ``view`` over 5 s with ``unique`` is ``unique-view-5``."""
    aggregation: Aggregation | None = None
    """Set for aggregated metrics."""
    breakdown: Breakdown | None = None
    """Set for a breakdown."""
    interval: Interval | None = None
    """Set for metrics over time."""
    timeframe: Timeframe | None = None
    """The period of the metric."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class AggregatedMetrics:
    """One value of a metric for a period."""

    context: MetricsContext | None = None
    """The query."""
    data: float | None = None
    """The value. ``impression-time`` is in milliseconds and ``watch-time`` in seconds."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricBucket:
    """The value of a metric for one value of a dimension."""

    dimension_value: str | None = None
    """The value of the dimension, such as ``FR`` for ``country``."""
    metric_value: float | None = None
    """The value of the metric."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricPoint:
    """The value of a metric for one interval."""

    emitted_at: datetime | None = None
    """Start of the interval."""
    metric_value: float | None = None
    """The value of the metric."""
    extra: Mapping[str, Any] = field(factory=dict)
