"""``/data/*``: metrics (service.md#analytics-operations); ``/analytics/*``: sessions.

The sessions left the specification in 2023 (service.md#legacy-operations).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from ..analytics.filters import DIMENSIONS, matches
from ..analytics.metrics import AGGREGATIONS, BUCKETS, METRICS, SERIES, Span
from ..analytics.query import (
    AnalyticsQuery,
    check_path,
    read_period,
    read_query,
    split_span,
    start_of_interval,
)
from ..operations import Call, json_response, page_response
from ..rules.paging import paginate
from ..rules.problems import not_found
from ..state.items import METADATA_FILTER, sort_items, timestamp
from ..state.play import Play

__all__ = [
    "aggregate",
    "break_down",
    "live_stream_sessions",
    "over_time",
    "session_events",
    "video_sessions",
]


def _read_query(
    call: Call, metric: str, *, paged: bool, timed: bool = False, total: bool = False
) -> AnalyticsQuery:
    today, days = call.state.utc_now, call.state.settings.analytics_days
    return read_query(metric, call.query, today, days, paged=paged, timed=timed, total=total)


def _matching_plays(call: Call, query: AnalyticsQuery) -> list[Play]:
    """Return the plays that pass the filters, whatever their time is."""
    videos = call.state.videos

    def tags(play: Play) -> list[str]:
        # Plays of live streams and of deleted videos have no tags.
        return videos[play.media_id].attributes["tags"] if play.media_id in videos else []

    plays = call.state.plays.values()
    return [play for play in plays if matches(play, query.filters, tags(play))]


def _page_response(
    call: Call, query: AnalyticsQuery, data: list[dict[str, Any]], first: str, **context: str
) -> web.Response:
    """Return one page of ``data``, sorted as the query asks or else by the field ``first``."""
    keys = {name: lambda item, name=name: item[name] for name in (first, "metricValue")}
    ordered = sort_items(data, call.query, keys, default=keys[first])
    page, pagination = paginate(call.request.path, call.query, ordered)
    return json_response(
        {"context": query.context(**context), "data": page, "pagination": pagination}
    )


async def aggregate(call: Call) -> web.StreamResponse:
    """Return one number for the whole time span, without pages."""
    metric, aggregation = call.parameter("metric"), call.parameter("aggregation")
    check_path((metric, aggregation) in AGGREGATIONS)
    query = _read_query(call, metric, paged=False, total=aggregation == "total")
    compute = METRICS[AGGREGATIONS[metric, aggregation]]
    data = compute(_matching_plays(call, query), query.span, query.view)
    return json_response({"context": query.context(aggregation=aggregation), "data": data})


async def break_down(call: Call) -> web.StreamResponse:
    """Return a number for each value of a dimension. Values with the number 0 are omitted."""
    metric, breakdown = call.parameter("metric"), call.parameter("breakdown")
    check_path(metric in BUCKETS and breakdown in DIMENSIONS)
    # The total of plays can only be broken down by ``media-id`` (service.md#analytics-metrics).
    check_path(metric != "play-total" or breakdown == "media-id")
    query = _read_query(call, metric, paged=True, total=metric == "play-total")
    groups: dict[str, list[Play]] = {}
    for play in _matching_plays(call, query):
        groups.setdefault(DIMENSIONS[breakdown](play), []).append(play)
    data = [
        {"metricValue": number, "dimensionValue": value}
        for value, plays in groups.items()
        if (number := METRICS[metric](plays, query.span, query.view))
    ]
    return _page_response(call, query, data, "dimensionValue", breakdown=breakdown)


async def over_time(call: Call) -> web.StreamResponse:
    """Return a number for each minute, hour or day. Intervals with the number 0 are omitted."""
    metric = call.parameter("metric")
    check_path(metric in SERIES)
    query = _read_query(call, metric, paged=True, timed=True)
    interval = query.interval or "hour"
    plays = _matching_plays(call, query)
    # Intervals after the last play are not computed. The end of a span is exclusive.
    last = max((play.until for play in plays), default=query.span.start)
    watched = Span(query.span.start, min(query.span.stop, last + timedelta(seconds=1)))
    data = [
        {"emittedAt": timestamp(start_of_interval(piece.start, interval)), "metricValue": number}
        for piece in split_span(watched, interval)
        if (number := METRICS[metric](plays, piece, query.view))
    ]
    return _page_response(call, query, data, "emittedAt", interval=interval)


def _moment(moment: datetime) -> str:
    """Format a moment like sessions do, ``2019-06-24T11:49:19.243Z`` (service.md#timestamps)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _session_as_json(session_id: str, play: Play) -> dict[str, Any]:
    metadata = [{"key": key, "value": value} for key, value in play.metadata.items()]
    session: dict[str, Any] = {
        "sessionId": session_id,
        "loadedAt": _moment(play.at),
        "endedAt": _moment(play.until),
    }
    return {
        "session": {**session, "metadata": metadata} if metadata else session,
        "location": {"country": play.country, "city": play.city},
        "referrer": {
            "url": play.referrer or "unknown",
            "medium": "unknown",
            "source": "unknown",
            "searchTerm": "unknown",
        },
        "device": {"type": play.device_type, "vendor": "unknown", "model": "unknown"},
        "os": {"name": play.operating_system, "shortname": "unknown", "version": "unknown"},
        "client": {"type": "browser", "name": play.browser, "version": "unknown"},
    }


def _sessions_response(call: Call, media_id: str, metadata: dict[str, str]) -> web.Response:
    span = read_period(call.request.query.get("period"))
    chosen = [
        (session_id, play)
        for session_id, play in call.state.plays.items()
        if play.media_id == media_id
        and play.at in span
        and metadata.items() <= play.metadata.items()
    ]
    return page_response(call, chosen, lambda pair: _session_as_json(*pair))


async def video_sessions(call: Call) -> web.StreamResponse:
    """List the sessions of a video in a period, filtered by the metadata of the session."""
    metadata = {
        match[1]: value for name, value in call.query if (match := METADATA_FILTER.fullmatch(name))
    }
    return _sessions_response(call, call.video().id, metadata)


async def live_stream_sessions(call: Call) -> web.StreamResponse:
    """List the sessions of a live stream in a period. There is no other filter."""
    return _sessions_response(
        call, call.state.live_streams.find(call.parameter("liveStreamId")).id, {}
    )


async def session_events(call: Call) -> web.StreamResponse:
    """List the events of a session. A 404 names ``videoId`` (service.md#legacy-operations)."""
    play = call.state.plays.get(call.parameter("sessionId"))
    if play is None:
        raise not_found("videoId")
    events: list[dict[str, Any]] = [{"type": "ready", "emittedAt": _moment(play.at), "at": 0}]
    if play.played:
        events.append({"type": "play", "emittedAt": _moment(play.at), "at": 0})
        last = "end" if play.ended else "pause"
        events.append({"type": last, "emittedAt": _moment(play.until), "at": int(play.watched)})
    return page_response(call, events, dict)
