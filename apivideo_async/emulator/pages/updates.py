"""The live updates of the dashboard: server-sent events, and the same as JSON for polling.

Each message contains what has changed since the last one. A viewer is one page that is open.
"""

import asyncio
import json
from collections import defaultdict
from typing import Any

from aiohttp import web
from attrs import define, field

from ..faults.fault_list import FAULTS
from ..operations import Call, json_response
from ..state.request_log import RequestRecord
from .view import Row, chunk_cells, overview, request_row, upload_target, video_row

__all__ = ["stream", "whole"]

_PAUSE = 0.25
"""Seconds between two messages."""
_SILENCE = 15.0
"""Seconds without a change after which a comment is sent, so that no proxy ends the response."""
_MOST_REQUESTS = 10_000
"""Lines of the request log that a new viewer gets."""


@define(eq=False)
class _Viewer:
    """Remembers what one page was told."""

    _overview: Row = field(factory=dict)
    _videos: dict[str, Row] = field(factory=dict)
    _cells: dict[str, dict[tuple[int, int], Row]] = field(factory=dict)
    _last_request: int = 0
    _open_requests: list[RequestRecord] = field(factory=list)
    _uploads: defaultdict[str, dict[int, RequestRecord]] = field(factory=lambda: defaultdict(dict))
    """The upload requests of each video, by number."""

    def changes(self, call: Call) -> Row:
        """Return what changed since the last call; an empty dict if nothing did."""
        found: Row = {**self._changed_overview(call), **self._changed_videos(call)}
        if requests := self._changed_requests(call):
            found["requests"] = requests
        if chunks := self._changed_chunks(call):
            found["chunks"] = chunks
        return found

    def _changed_overview(self, call: Call) -> Row:
        current = overview(call.state, call.request.app[FAULTS])
        changed = {
            name: value for name, value in current.items() if value != self._overview.get(name)
        }
        self._overview = current
        return changed

    def _changed_videos(self, call: Call) -> Row:
        state = call.state
        current = {video.id: video_row(state, video) for video in state.videos.values()}
        changed = [row for name, row in current.items() if row != self._videos.get(name)]
        gone = [name for name in self._videos if name not in current]
        self._videos = current
        for name in gone:
            self._cells.pop(name, None)
        found: Row = {"videos": changed} if changed else {}
        return {**found, "gone": gone} if gone else found

    def _changed_requests(self, call: Call) -> list[Row]:
        records = call.state.log.records
        first = len(records)
        # From the end, because the log may be long, and may have been cleared.
        while first and records[first - 1].number > self._last_request:
            first -= 1
        new = records[max(first, len(records) - _MOST_REQUESTS) :]
        if new:
            self._last_request = new[-1].number
        changed = [*self._open_requests, *new]
        self._open_requests = [record for record in changed if record.ended is None]
        for record in changed:
            # The video of an upload with a token may be unknown until the request has ended.
            if (video := upload_target(record)) is not None:
                self._uploads[video][record.number] = record
        return [request_row(record) for record in changed]

    def _changed_chunks(self, call: Call) -> list[Row]:
        """Return the changed cells of uploads that go on, or that were complete a moment ago."""
        state, found = call.state, []
        for name in list(self._uploads):
            video = state.videos.get(name)
            known = self._cells.get(name)
            if video is None or (video.finished and known is None):
                del self._uploads[name]
                continue
            shown = chunk_cells(video, list(self._uploads[name].values()))
            cells = {(cell["from"], cell["to"]): cell for cell in shown["cells"]}
            changed = [cell for key, cell in cells.items() if cell != (known or {}).get(key)]
            if changed:
                found.append({**shown, "cells": changed})
            if video.finished:
                self._cells.pop(name, None)
            else:
                self._cells[name] = cells
        return found


async def whole(call: Call) -> web.StreamResponse:
    """Send everything once, for pages that cannot receive events."""
    return json_response(_Viewer().changes(call))


async def stream(call: Call) -> web.StreamResponse:
    """Send changes until the page is closed."""
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type = "text/event-stream"
    call.finish_headers(response)
    await response.prepare(call.request)
    viewer, silent = _Viewer(), 0.0
    while True:
        if changed := viewer.changes(call):
            await response.write(f"data: {_json(changed)}\n\n".encode())
            silent = 0.0
        elif silent >= _SILENCE:
            await response.write(b":\n\n")
            silent = 0.0
        silent += _PAUSE
        await asyncio.sleep(_PAUSE)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
