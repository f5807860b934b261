"""The session operations that left the specification in 2023 (service.md#legacy-operations)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from ..analytics.query import read_period
from ..operations import Call, Operation, answer_page, api
from ..rules.problems import not_found
from ..state.play import Play

# A filter such as ``metadata[user]=42``.
_METADATA = re.compile(r"metadata\[(.*)\]")


def _moment(moment: datetime) -> str:
    """Format a moment like sessions do, ``2019-06-24T11:49:19.243Z`` (service.md#timestamps)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _show(session_id: str, play: Play) -> dict[str, Any]:
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


def _sessions(call: Call, media_id: str, *, filtered: bool) -> web.Response:
    span = read_period(call.request.query.get("period"))
    # Only the sessions of videos can be filtered by metadata.
    wanted = {
        match[1]: value
        for name, value in call.query
        if (match := _METADATA.fullmatch(name)) and filtered
    }
    chosen = [
        (session_id, play)
        for session_id, play in call.state.plays.items()
        if play.media_id == media_id and play.at in span and wanted.items() <= play.metadata.items()
    ]
    return answer_page(call, chosen, lambda pair: _show(*pair))


async def list_video_sessions(call: Call) -> web.StreamResponse:
    """List the sessions of a video in a period, filtered by the metadata of the session."""
    return _sessions(call, call.state.videos.find(call.path("videoId")).key, filtered=True)


async def list_live_stream_sessions(call: Call) -> web.StreamResponse:
    """List the sessions of a live stream in a period. There is no other filter."""
    return _sessions(
        call, call.state.live_streams.find(call.path("liveStreamId")).key, filtered=False
    )


async def list_session_events(call: Call) -> web.StreamResponse:
    """List the events of a session.

    The 404 for an unknown session names ``videoId``, as documented (service.md#legacy-operations).
    """
    play = call.state.plays.get(call.path("sessionId"))
    if play is None:
        raise not_found("videoId")
    events: list[dict[str, Any]] = [{"type": "ready", "emittedAt": _moment(play.at), "at": 0}]
    if play.played:
        events.append({"type": "play", "emittedAt": _moment(play.at), "at": 0})
        last = "end" if play.ended else "pause"
        events.append({"type": last, "emittedAt": _moment(play.until), "at": int(play.watched)})
    return answer_page(call, events, dict)


OPERATIONS: tuple[Operation, ...] = (
    api("analytics.list_video_sessions", "GET", "/analytics/videos/{videoId}", list_video_sessions),
    api(
        "analytics.list_live_stream_sessions",
        "GET",
        "/analytics/live-streams/{liveStreamId}",
        list_live_stream_sessions,
    ),
    api(
        "analytics.list_session_events",
        "GET",
        "/analytics/sessions/{sessionId}/events",
        list_session_events,
    ),
)
