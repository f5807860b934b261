"""Analytics: metrics of the current API, and viewer sessions of the older API.

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
from ..protocol.request import check_metadata, path_for
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["Analytics", "FilterBy", "MetricsQuery", "Period"]

Period: TypeAlias = str | date | tuple[date, date]
"""A date, two dates (inclusive), or text: ``2018-01-01``, ``2018-W01``, ``2018-01``, ``2018``."""


class FilterBy(TypedDict, total=False):
    """Filters of metrics. A view is counted if every given dimension matches.

    For a list, one of its values must match. An empty list raises ``ConfigurationError``, because
    the service would count everything.
    """

    media_id: str | Sequence[str]
    """Ids of videos or live streams."""
    media_type: Literal["video", "live-stream"] | str
    continent: str | Sequence[str]
    """``AS AF NA SA AN EU AZ``."""
    country: str | Sequence[str]
    """ISO 3166 alpha-2 codes, such as ``FR``."""
    device_type: str | Sequence[str]
    """``computer``, ``phone``, ``tablet``, ``tv``, ``console``, ``wearable``, ``unknown``."""
    operating_system: str | Sequence[str]
    """Such as ``windows``, ``mac osx``, ``android``, ``ios``, ``linux``."""
    browser: str | Sequence[str]
    """Such as ``chrome``, ``firefox``, ``edge``, ``opera``."""
    tag: str
    """One tag of the video, case-sensitive."""
    referrer: str | Sequence[str]
    """Exact URLs of at most 2,048 characters. An empty text matches views without a referrer."""


class MetricsQuery(TypedDict, total=False):
    """Arguments of all metrics methods."""

    from_: datetime | Unset
    """Start, at most 30 days ago, in UTC if it has no time zone. Default: one day before ``to``."""
    to: datetime | Unset
    """End of the period, exclusive. The default is now."""
    unique: bool | Unset
    """Count viewers instead of views. Valid with ``view`` and the ``ccv`` metrics only."""
    view_duration: Literal["3s", "5s", "10s", "30s"] | timedelta | Unset
    """Minimum duration that ``view`` counts. The default is 5 s."""
    filter_by: FilterBy | Unset


class PagedMetricsQuery(MetricsQuery, PageQuery, total=False):
    """``MetricsQuery`` and the arguments of pages."""


class Analytics(Resource):
    """``client.analytics``: metrics, and the viewer sessions of the older API.

    The methods for metrics raise ``NotFoundError`` if the metric does not exist or does not support
    the aggregation or breakdown. In lists, ``page.context`` describes the metric and the period.
    The specification has not contained the operations for sessions since 2023: expect
    ``NotFoundError`` from the current service.
    """

    async def get_aggregated_metrics(
        self, metric: Metric, aggregation: Aggregation, **query: Unpack[MetricsQuery]
    ) -> AggregatedMetrics:
        """Return one number for a period (``GET /data/metrics/{metric}/{aggregation}``, reads).

        ``Metric`` states the units, and ``Aggregation`` which combinations exist.
        """
        path = path_for(
            "/data/metrics/{metric}/{aggregation}", metric=metric, aggregation=aggregation
        )
        return await self._call(
            "analytics.get_aggregated_metrics",
            "GET",
            path,
            AggregatedMetrics,
            query=_parameters(query),
        )

    def get_metrics_breakdown(
        self,
        metric: BreakdownMetric,
        breakdown: Breakdown,
        *,
        sort_by: Literal["metricValue", "dimensionValue"] | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **query: Unpack[PagedMetricsQuery],
    ) -> Paginator[MetricBucket]:
        """List numbers by dimension (``GET /data/buckets/{metric}/{breakdown}``, reads).

        Each item is one value of the dimension with its number. ``play-total`` supports the
        breakdown ``media-id`` only.
        """
        path = path_for("/data/buckets/{metric}/{breakdown}", metric=metric, breakdown=breakdown)
        page, metrics = _split(query)
        parameters = {**_parameters(metrics), "sortBy": sort_by, "sortOrder": sort_order}
        return self._list("analytics.get_metrics_breakdown", path, MetricBucket, page, parameters)

    def get_metrics_over_time(
        self,
        metric: OverTimeMetric,
        *,
        interval: Interval | Unset = UNSET,
        sort_by: Literal["metricValue", "emittedAt"] | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **query: Unpack[PagedMetricsQuery],
    ) -> Paginator[MetricPoint]:
        """List a number per interval (``GET /data/timeseries/{metric}``, reads).

        ``interval`` is ``minute`` (for periods of at most 60 minutes), ``hour`` or ``day``. The
        default is ``hour`` for up to two days, and ``day`` for longer periods.
        """
        path = path_for("/data/timeseries/{metric}", metric=metric)
        page, metrics = _split(query)
        sorting = {"sortBy": sort_by, "sortOrder": sort_order}
        parameters = {**_parameters(metrics), "interval": interval, **sorting}
        return self._list("analytics.get_metrics_over_time", path, MetricPoint, page, parameters)

    def list_video_sessions(
        self,
        video_id: str,
        *,
        period: Period | Unset = UNSET,
        metadata: Mapping[str, str] | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[PlayerSession]:
        """List the viewer sessions of a video (``GET /analytics/videos/{videoId}``, reads).

        ``period`` is required by the service since 2022. ``metadata`` are pairs that a session must
        have.
        """
        path = path_for("/analytics/videos/{video_id}", video_id=video_id)
        check_metadata(metadata)
        query: dict[str, QueryValue] = {"period": period_text(period), "metadata": metadata}
        return self._list("analytics.list_video_sessions", path, PlayerSession, page, query)

    def list_live_stream_sessions(
        self, live_stream_id: str, *, period: Period | Unset = UNSET, **page: Unpack[PageQuery]
    ) -> Paginator[PlayerSession]:
        """List viewer sessions (``GET /analytics/live-streams/{liveStreamId}``, reads).

        This is :meth:`list_video_sessions` for a live stream, without the metadata filter.
        """
        path = path_for("/analytics/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
        query: dict[str, QueryValue] = {"period": period_text(period)}
        return self._list("analytics.list_live_stream_sessions", path, PlayerSession, page, query)

    def list_session_events(
        self, session_id: str, **page: Unpack[PageQuery]
    ) -> Paginator[PlayerSessionEvent]:
        """List the events of a session (``GET /analytics/sessions/{sessionId}/events``, reads)."""
        path = path_for("/analytics/sessions/{session_id}/events", session_id=session_id)
        return self._list("analytics.list_session_events", path, PlayerSessionEvent, page)


def _split(query: PagedMetricsQuery) -> tuple[PageQuery, MetricsQuery]:
    page: Any = {name: value for name, value in query.items() if name in PageQuery.__annotations__}
    metrics: Any = {name: value for name, value in query.items() if name not in page}
    return page, metrics


def _parameters(query: MetricsQuery) -> dict[str, QueryValue]:
    """Convert the arguments to query parameters. Raises ``TypeError`` for an unknown name."""
    check_names("metrics have", query, MetricsQuery.__annotations__)
    return filters(
        {
            "from": query.get("from_", UNSET),
            "to": query.get("to", UNSET),
            "unique": query.get("unique", UNSET),
            "viewDuration": view_duration_text(query.get("view_duration", UNSET)),
            "filterBy": filter_value(query.get("filter_by", UNSET)),
        }
    )
