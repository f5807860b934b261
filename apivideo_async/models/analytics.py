"""Analytics: how often, how long and where videos are watched.

See service.md#analytics. The viewer sessions are from an older version of the API
(service.md#viewer-sessions); an unknown value in them is the text ``unknown``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from ._convert import wire
from ._model import Model

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
    "PlayerSession",
    "PlayerSessionClient",
    "PlayerSessionDetails",
    "PlayerSessionDevice",
    "PlayerSessionEvent",
    "PlayerSessionEventType",
    "PlayerSessionLocation",
    "PlayerSessionOs",
    "PlayerSessionReferrer",
    "Timeframe",
]

Metric: TypeAlias = (
    Literal["play", "start", "end", "impression", "impression-time", "watch-time", "ccv", "view"]
    | str
)
"""``impression-time`` in milliseconds, ``watch-time`` in seconds, ``ccv``: concurrent viewers."""
Aggregation: TypeAlias = Literal["count", "rate", "total", "average", "sum", "peak", "live"] | str
"""How a metric is aggregated.

``play`` supports ``count``, ``rate`` and ``total`` (all time). ``impression-time`` and
``watch-time`` support ``average`` and ``sum``. ``ccv`` supports ``peak``, ``average`` and ``live``
(the last 20 s). The other metrics support ``count``.
"""
Breakdown: TypeAlias = (
    Literal["media-id", "media-type", "continent", "country"]
    | Literal["device-type", "operating-system", "browser", "referrer"]
    | str
)
OverTimeMetric: TypeAlias = (
    Literal["play", "play-rate", "start", "end", "impression", "ccv-peak", "ccv-average", "view"]
    | str
)
BreakdownMetric: TypeAlias = OverTimeMetric | Literal["play-total"]
"""Metrics that can be broken down by a dimension; ``play-total`` only by ``media-id``."""
Interval: TypeAlias = Literal["minute", "hour", "day"] | str
"""The length of an interval. ``minute`` is valid only for a timeframe of at most 60 minutes."""


@frozen(kw_only=True)
class Timeframe(Model):
    """The period of a metric. It starts at ``from_`` and ends before ``to``."""

    from_: datetime | None = wire("from", default=None)
    to: datetime | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricsContext(Model):
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
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class AggregatedMetrics(Model):
    """One value of a metric for a period."""

    context: MetricsContext | None = None
    data: float | None = None
    """The value. ``impression-time`` is in milliseconds and ``watch-time`` in seconds."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricBucket(Model):
    """The value of a metric for one value of a dimension."""

    dimension_value: str | None = None
    """The value of the dimension, such as ``FR`` for ``country``."""
    metric_value: float | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class MetricPoint(Model):
    """The value of a metric for one interval."""

    emitted_at: datetime | None = None
    """Start of the interval."""
    metric_value: float | None = None
    extra: Mapping[str, Any] = field(factory=dict)


PlayerSessionEventType: TypeAlias = (
    Literal["ready", "play", "pause", "resume", "end", "seek.backward", "seek.forward"] | str
)
"""Actions of a viewer. Values that this version does not know are kept as text."""


@frozen(kw_only=True)
class PlayerSessionDetails(Model):
    """Times and metadata of a session."""

    session_id: str | None = None
    """Identifier for ``analytics.list_session_events``; begins with ``ps``."""
    loaded_at: datetime | None = None
    ended_at: datetime | None = None
    """When the viewer left."""
    metadata: dict[str, str] = wire(pairs=True, factory=dict)
    """Metadata about the viewer that the page gave to the player; never set for live streams."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionLocation(Model):
    """Location of the viewer."""

    country: str | None = None
    city: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionReferrer(Model):
    """How the viewer reached the page."""

    url: str | None = None
    """URL of the previous page."""
    medium: str | None = None
    """Such as ``organic``."""
    source: str | None = None
    """The previous site, such as a search engine."""
    search_term: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionDevice(Model):
    """Device of the viewer."""

    type: str | None = None
    """Such as ``desktop``."""
    vendor: str | None = None
    model: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionOs(Model):
    """Operating system of the viewer."""

    name: str | None = None
    """Such as ``Microsoft Windows``."""
    shortname: str | None = None
    """Such as ``W10``."""
    version: str | None = None
    """Such as ``Windows10``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionClient(Model):
    """Program in which the viewer watched."""

    type: str | None = None
    """Such as ``browser``."""
    name: str | None = None
    """Such as ``Firefox``."""
    version: str | None = None
    """Such as ``67.0``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSession(Model):
    """The session of one viewer with one video or live stream."""

    session: PlayerSessionDetails | None = None
    location: PlayerSessionLocation | None = None
    referrer: PlayerSessionReferrer | None = None
    device: PlayerSessionDevice | None = None
    os: PlayerSessionOs | None = None
    client: PlayerSessionClient | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionEvent(Model):
    """One action of a viewer."""

    type: PlayerSessionEventType | None = None
    emitted_at: datetime | None = None
    at: float | None = None
    """Position in the video, in seconds. Set for all types except the two seeks."""
    from_: float | None = wire("from", default=None)
    """Position before a seek, in seconds."""
    to: float | None = None
    """Position after a seek, in seconds."""
    extra: Mapping[str, Any] = field(factory=dict)
