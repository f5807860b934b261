"""``/data/*``: metrics, breakdowns and time series (service.md#analytics-operations)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from ..analytics.filters import DIMENSIONS, matches
from ..analytics.metrics import AGGREGATIONS, BUCKETS, METRICS, SERIES, Span
from ..analytics.query import AnalyticsQuery, check_path, read_query, split_span, start_of_interval
from ..operations import Call, Operation, answer, api
from ..rules.paging import paginate
from ..state.items import sort_items, timestamp
from ..state.play import Play


def _chosen(call: Call, query: AnalyticsQuery) -> list[Play]:
    """Return the plays that pass the filters, whatever their time is."""
    videos = call.state.videos
    return [
        play
        for play in call.state.plays.values()
        # Plays of live streams and of deleted videos have no tags.
        if matches(
            play,
            query.filters,
            videos[play.media_id].attributes["tags"] if play.media_id in videos else (),
        )
    ]


def _ask(
    call: Call, metric: str, *, paged: bool, timed: bool = False, total: bool = False
) -> AnalyticsQuery:
    state = call.state
    days = state.settings.analytics_days
    return read_query(metric, call.query, state.today, days, paged=paged, timed=timed, total=total)


def _listed(
    call: Call, query: AnalyticsQuery, data: list[dict[str, Any]], first: str, **context: str
) -> web.Response:
    """Return one page of ``data``, sorted as the query asks or else by the field ``first``."""
    keys = {name: lambda item, name=name: item[name] for name in (first, "metricValue")}
    ordered = sort_items(data, call.query, keys, default=keys[first])
    page, pagination = paginate(call.request.path, call.query, ordered)
    return answer({"context": query.context(**context), "data": page, "pagination": pagination})


async def aggregate(call: Call) -> web.StreamResponse:
    """Return one number for the whole time span, without pages."""
    metric, aggregation = call.path("metric"), call.path("aggregation")
    check_path((metric, aggregation) in AGGREGATIONS)
    query = _ask(call, metric, paged=False, total=aggregation == "total")
    compute = METRICS[AGGREGATIONS[metric, aggregation]]
    data = compute(_chosen(call, query), query.span, query.view)
    return answer({"context": query.context(aggregation=aggregation), "data": data})


async def break_down(call: Call) -> web.StreamResponse:
    """Return a number for each value of a dimension. Values with the number 0 are omitted."""
    metric, breakdown = call.path("metric"), call.path("breakdown")
    check_path(metric in BUCKETS and breakdown in DIMENSIONS)
    # The total of plays can only be broken down by ``media-id`` (service.md#analytics-metrics).
    check_path(metric != "play-total" or breakdown == "media-id")
    query = _ask(call, metric, paged=True, total=metric == "play-total")
    groups: dict[str, list[Play]] = {}
    for play in _chosen(call, query):
        groups.setdefault(DIMENSIONS[breakdown](play), []).append(play)
    counted = [
        (value, METRICS[metric](plays, query.span, query.view)) for value, plays in groups.items()
    ]
    data = [{"metricValue": number, "dimensionValue": value} for value, number in counted if number]
    return _listed(call, query, data, "dimensionValue", breakdown=breakdown)


def _end(plays: list[Play], span: Span) -> datetime:
    """Return the end of the part of the span in which there are plays.

    Without this limit, ``over_time`` would compute every interval of a long span without plays.
    """
    # One second more, because the end of a span is exclusive.
    return min(
        span.stop, max((play.until for play in plays), default=span.start) + timedelta(seconds=1)
    )


async def over_time(call: Call) -> web.StreamResponse:
    """Return a number for each minute, hour or day. Intervals with the number 0 are omitted."""
    metric = call.path("metric")
    check_path(metric in SERIES)
    query = _ask(call, metric, paged=True, timed=True)
    interval = query.interval or "hour"
    plays = _chosen(call, query)
    watched = Span(query.span.start, _end(plays, query.span))
    pieces = split_span(watched, interval)
    counted = [(piece, METRICS[metric](plays, piece, query.view)) for piece in pieces]
    data = [
        {"emittedAt": timestamp(start_of_interval(piece.start, interval)), "metricValue": number}
        for piece, number in counted
        if number
    ]
    return _listed(call, query, data, "emittedAt", interval=interval)


OPERATIONS: tuple[Operation, ...] = (
    api(
        "analytics.get_aggregated_metrics", "GET", "/data/metrics/{metric}/{aggregation}", aggregate
    ),
    api("analytics.get_metrics_breakdown", "GET", "/data/buckets/{metric}/{breakdown}", break_down),
    api("analytics.get_metrics_over_time", "GET", "/data/timeseries/{metric}", over_time),
)
