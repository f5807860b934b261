"""What the dashboard shows, as JSON values. It reads the state and changes nothing.

Times are Unix timestamps, durations are in seconds, sizes in bytes.
"""

import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs

from ..faults.fault_list import FaultList
from ..rules import encoding
from ..rules.problems import RefusedError
from ..rules.ranges import ContentRange, Limits, parse_content_range
from ..state.items import timestamp
from ..state.records import LiveStream
from ..state.request_log import RequestRecord
from ..state.state import State
from ..state.video import Video

__all__ = ["chunk_cells", "overview", "request_row", "upload_target", "video_row"]

Row: TypeAlias = dict[str, Any]
UPLOADS = ("videos.upload", "videos.upload_with_token")
# The map also shows chunks of a size that is refused.
_ANY_SIZE = Limits(0, sys.maxsize, sys.maxsize, sys.maxsize)


def request_row(record: RequestRecord) -> Row:
    """Return one line of the request log. ``seconds`` is None while the request is handled."""
    ended = record.ended
    return {
        "number": record.number,
        "method": record.method,
        "path": record.path,
        "query": record.query,
        "operation": record.operation,
        "range": record.content_range,
        "status": record.status,
        "bytes": record.body_bytes,
        "video": record.video_id,
        "fault": record.fault,
        "quirk": record.quirk,
        "started": record.started,
        "seconds": None if ended is None else round(ended - record.started, 4),
    }


def video_row(state: State, video: Video) -> Row:
    """Return one line of the list of videos."""
    chunks = video.ledger.chunks
    size = video.media.size if video.finished else video.ledger.size
    total = None
    if chunks is not None and chunks.unit == "bytes":
        total = chunks.total
    progress = video.progress(state.settings.encoding_pace, state.now)
    return {
        "id": video.id,
        "title": str(video.attributes["title"]),
        "state": _state_of(video, progress),
        "encoded": round(min(1.0, progress), 2),
        "size": size,
        "total": total,
        "public": video.public,
        "created": timestamp(video.created),
        "tags": [str(tag) for tag in video.attributes["tags"]],
        "captions": sorted(video.captions),
        "chapters": sorted(video.chapters),
    }


def _state_of(video: Video, progress: float) -> str:
    if video.finished:
        return "ready" if encoding.playable(progress) else "encoding"
    if video.ledger.origin != "upload":
        return "fetching"
    return "uploading" if video.ledger.started or video.spool is not None else "empty"


def upload_target(record: RequestRecord) -> str | None:
    """Return the id of the video to which a request uploads. None for others, and while unknown."""
    if record.operation not in UPLOADS:
        return None
    # A request that a fault or the rate limit refused did not reach its video.
    if record.video_id is None and record.operation == "videos.upload":
        return record.path.split("/")[2]
    return record.video_id


def chunk_cells(video: Video, requests: Sequence[RequestRecord]) -> Row:
    """Return the chunk map of a video: one cell for each range that was sent or accepted.

    ``from`` (inclusive) and ``to`` (exclusive) count ``unit``: bytes, parts or files. The state of
    a cell is that of its last request, or ``received`` once the ledger has the chunk.
    """
    ledger = video.ledger.chunks
    cells: dict[tuple[int, int], Row] = {}
    unit, total = ("file", None) if ledger is None else (ledger.unit, ledger.total)
    for record in requests:
        try:
            chunk = parse_content_range(record.content_range, _ANY_SIZE)
        except RefusedError:
            continue  # A malformed header has no place in the map.
        if chunk is not None:
            unit, total = chunk.unit, total or chunk.total
        _add_attempt(cells, chunk, record)
    accepted = [(0, 1)] if video.ledger.whole_size is not None else []
    for start, end in ledger.ranges if ledger is not None else accepted:
        cell = cells.setdefault((start, end), _cell(start, end))
        cell.update(state="received", fill=1.0)
    return {
        "video": video.id,
        "unit": unit,
        "total": 1 if unit == "file" else total,
        "cells": [cells[key] for key in sorted(cells)],
    }


def _cell(start: int, end: int) -> Row:
    return {"from": start, "to": end, "state": "missing", "fill": 0.0, "attempts": []}


def _add_attempt(
    cells: dict[tuple[int, int], Row], chunk: ContentRange | None, record: RequestRecord
) -> None:
    key = (0, 1) if chunk is None else (chunk.start, chunk.end)
    cell = cells.setdefault(key, _cell(*key))
    state = _attempt_state(record)
    row = request_row(record)
    names = ("number", "status", "bytes", "seconds", "started", "fault", "quirk")
    cell["attempts"].append({"state": state, **{name: row[name] for name in names}})
    fill = record.body_bytes / record.size if record.size else 0.0
    cell.update(state=state, fill=round(min(1.0, fill), 3))


def _attempt_state(record: RequestRecord) -> str:
    if record.ended is None:
        return "arriving"
    if record.status is None:
        return "lost"
    return "received" if record.status < 300 else "refused"


def overview(state: State, faults: FaultList) -> Row:
    """Return everything that is sent whole when any of it changes."""
    return {
        "limits": _limits(state),
        "quirks": dict(state.settings.quirks),
        "faults": [_fault_row(attrs.asdict(fault)) for fault in faults],
        "deliveries": [attrs.asdict(delivery) for delivery in state.deliveries.log[-200:]],
        "first_request": state.log.records[0].number if state.log.records else state.log.count + 1,
        "live": [_live_row(live) for live in state.live_streams.values()],
        "plays": [
            {"media": play.media_id, "at": play.at.isoformat(), "watched": play.watched}
            for play in [*state.plays.values()][-200:]
        ],
        "counts": {
            "videos": len(state.videos),
            "requests": len(state.log.records),
            "deliveries": len(state.deliveries.log),
            "plays": len(state.plays),
            "live": len(state.live_streams),
        },
    }


def _fault_row(fault: Row) -> Row:
    # A body given in Python may be bytes, which JSON does not have.
    body = fault["body"]
    return {**fault, "body": body.decode("utf-8", "replace") if isinstance(body, bytes) else body}


def _live_row(live: LiveStream) -> Row:
    return {
        "id": live.id,
        "name": str(live.attributes["name"]),
        "broadcasting": live.broadcasting,
        "recorded": None if live.media is None else len(live.media),
    }


def _limits(state: State) -> list[Row]:
    limited = state.settings.requests_per_window or {}
    rows = []
    for name in ("uploads", "writes", "reads"):
        use = state.limiter.use(name, state.now)
        rows.append({"class": name, "limit": limited.get(name), **attrs.asdict(use)})
    return rows
