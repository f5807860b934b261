"""Analytics: of today, and the sessions of the older index.

See service.md#analytics-operations, service.md#analytics, service.md#legacy-operations.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

from ..config import UNSET, Unset
from ..models import (
    AggregatedMetrics,
    Aggregation,
    Breakdown,
    BreakdownMetric,
    Interval,
    Metric,
    MetricBucket,
    MetricPoint,
    OverTimeMetric,
    PlayerSession,
    PlayerSessionEvent,
)
from ..paginator import Paginator
from ..protocol.analytics import filter_value, period_text, view_duration_text
from ..protocol.json_body import check_names
from ..protocol.query import QueryValue, filters
from ..protocol.request import build_request, check_metadata, path_for
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["Analytics", "FilterBy", "MetricsQuery", "Period"]

Period: TypeAlias = str | date | tuple[date, date]
"""A day, two days with what is between them, or a text: ``2018-01-01``, ``2018-W01``, ``2018-01``, ``2018``."""


class FilterBy(TypedDict, total=False):
    """What to count; every dimension given must fit. Of a list, one value must fit.

    An empty list is a ``ConfigurationError``, because the service would count everything.
    """

    media_id: str | Sequence[str]
    """Ids of videos or live streams."""
    media_type: Literal["video", "live-stream"] | str
    continent: str | Sequence[str]
    """``AS AF NA SA AN EU AZ``."""
    country: str | Sequence[str]
    """ISO 3166 alpha-2, such as ``FR``."""
    device_type: str | Sequence[str]
    """``computer``, ``phone``, ``tablet``, ``tv``, ``console``, ``wearable``, ``unknown``."""
    operating_system: str | Sequence[str]
    """Such as ``windows``, ``mac osx``, ``android``, ``ios``, ``linux``."""
    browser: str | Sequence[str]
    """Such as ``chrome``, ``firefox``, ``edge``, ``opera``."""
    tag: str
    """A tag of the video; upper and lower case differ."""
    referrer: str | Sequence[str]
    """Addresses of at most 2,048 characters, matched exactly; an empty text: views without one."""


class MetricsQuery(TypedDict, total=False):
    """What every question about metrics takes."""

    from_: datetime | Unset
    """Beginning, at most 30 days ago; a day before ``to`` unless given. Without a time zone it is UTC."""
    to: datetime | Unset
    """End, exclusive; now unless given."""
    unique: bool | Unset
    """Count viewers, not views; only with ``view`` and the ``ccv`` metrics."""
    view_duration: Literal["3s", "5s", "10s", "30s"] | timedelta | Unset
    """How long somebody must watch to be counted by ``view``; 5 s unless given."""
    filter_by: FilterBy | Unset


class PagedMetricsQuery(MetricsQuery, PageQuery, total=False):
    """The same, page by page."""


class Analytics(Resource):
    """``client.analytics``: metrics, and the viewers' sessions of the older index.

    ``BadRequestError`` for a value that is not taken, ``NotFoundError`` for a metric that does not exist or not so.
    """

    async def get_aggregated_metrics(
        self, metric: Metric, aggregation: Aggregation, **query: Unpack[MetricsQuery]
    ) -> AggregatedMetrics:
        """One number for a period (``GET /data/metrics/{metric}/{aggregation}``, reads).

        ``play`` takes ``count``, ``rate``, ``total`` (of all times); ``impression-time`` (milliseconds) and
        ``watch-time`` (seconds) ``average``, ``sum``; ``ccv`` ``peak``, ``average``, ``live`` (the last 20 s); the
        others ``count``.
        """
        path = path_for("/data/metrics/{metric}/{aggregation}", metric=metric, aggregation=aggregation)
        request = build_request("analytics.get_aggregated_metrics", "GET", path, query=_wire(query))
        return await self._pipeline.call(request, AggregatedMetrics)

    def get_metrics_breakdown(
        self,
        metric: BreakdownMetric,
        breakdown: Breakdown,
        *,
        sort_by: Literal["metricValue", "dimensionValue"] | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **query: Unpack[PagedMetricsQuery],
    ) -> Paginator[MetricBucket]:
        """A number for each value of a dimension (``GET /data/buckets/{metric}/{breakdown}``, reads).

        ``play-total`` can be broken down by ``media-id`` only. ``page.context`` says what was counted.
        """
        path = path_for("/data/buckets/{metric}/{breakdown}", metric=metric, breakdown=breakdown)
        page, rest = _split(query)
        asked: dict[str, QueryValue] = {**_wire(rest), "sortBy": sort_by, "sortOrder": sort_order}
        return self._list("analytics.get_metrics_breakdown", path, MetricBucket, page, asked)

    def get_metrics_over_time(
        self,
        metric: OverTimeMetric,
        *,
        interval: Interval | Unset = UNSET,
        sort_by: Literal["metricValue", "emittedAt"] | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **query: Unpack[PagedMetricsQuery],
    ) -> Paginator[MetricPoint]:
        """A number for each interval (``GET /data/timeseries/{metric}``, reads).

        ``interval``: ``minute`` (in a period of at most 60 minutes), ``hour`` or ``day``; ``hour`` for up to two
        days unless given, else ``day``. ``page.context`` says what was counted.
        """
        path = path_for("/data/timeseries/{metric}", metric=metric)
        page, rest = _split(query)
        asked: dict[str, QueryValue] = {
            **_wire(rest),
            "interval": interval,
            "sortBy": sort_by,
            "sortOrder": sort_order,
        }
        return self._list("analytics.get_metrics_over_time", path, MetricPoint, page, asked)

    def list_video_sessions(
        self,
        video_id: str,
        *,
        period: Period | Unset = UNSET,
        metadata: Mapping[str, str] | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[PlayerSession]:
        """List who watched a video (``GET /analytics/videos/{videoId}``, reads).

        ``period``: required since 2022; ``metadata``: pairs that the session must have. Left the specification in
        2023: expect ``NotFoundError`` from the service of today.
        """
        path = path_for("/analytics/videos/{video_id}", video_id=video_id)
        check_metadata(metadata)
        query: dict[str, QueryValue] = {"period": period_text(period), "metadata": metadata}
        return self._list("analytics.list_video_sessions", path, PlayerSession, page, query)

    def list_live_stream_sessions(
        self, live_stream_id: str, *, period: Period | Unset = UNSET, **page: Unpack[PageQuery]
    ) -> Paginator[PlayerSession]:
        """List who watched a live stream (``GET /analytics/live-streams/{liveStreamId}``, reads).

        As :meth:`list_video_sessions`, without metadata.
        """
        path = path_for("/analytics/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
        query: dict[str, QueryValue] = {"period": period_text(period)}
        return self._list("analytics.list_live_stream_sessions", path, PlayerSession, page, query)

    def list_session_events(self, session_id: str, **page: Unpack[PageQuery]) -> Paginator[PlayerSessionEvent]:
        """List what a viewer did (``GET /analytics/sessions/{sessionId}/events``, reads).

        ``session_id``: ``session.session_id`` of a ``PlayerSession``. Left the specification in 2023.
        """
        path = path_for("/analytics/sessions/{session_id}/events", session_id=session_id)
        return self._list("analytics.list_session_events", path, PlayerSessionEvent, page)


def _split(query: PagedMetricsQuery) -> tuple[PageQuery, MetricsQuery]:
    pages: Any = {name: value for name, value in query.items() if name in PageQuery.__annotations__}
    rest: Any = {name: value for name, value in query.items() if name not in pages}
    return pages, rest


def _wire(query: MetricsQuery) -> dict[str, QueryValue]:
    check_names("metrics have", query, MetricsQuery.__annotations__)
    asked: dict[str, QueryValue] = {
        "from": query.get("from_", UNSET),
        "to": query.get("to", UNSET),
        "unique": query.get("unique", UNSET),
        "viewDuration": view_duration_text(query.get("view_duration", UNSET)),
        "filterBy": filter_value(query.get("filter_by", UNSET)),
    }
    return filters(asked)
