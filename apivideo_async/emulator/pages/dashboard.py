"""The page of the dashboard and its files, and what the page loads or orders when it is used."""

import shlex
from collections.abc import Callable
from typing import Any

import attrs
from aiohttp import web

from ...pages.rendering import BASE_STYLE, read_text
from ..faults.actions import ACTIONS
from ..faults.fault_list import FAULTS, Fault
from ..operations import Call, Handler, empty_response, json_response
from ..quirks.catalogue import CATALOGUE
from ..rules.problems import not_found
from ..serving.assets import asset_urls
from ..serving.delivery import thumbnail_response
from ..state.request_log import RequestDetails, RequestRecord
from . import samples, updates
from .rendering import html_response
from .view import chunk_cells, request_row, upload_target

__all__ = ["ROUTES"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FILES = {
    "base.css": BASE_STYLE,
    **{
        name: (__package__, f"static/{name}")
        for name in ("dashboard.css", "dashboard.js", "player.css", "player.js")
    },
}
"""Name of each file in the URL, and its package and name there."""
_LONGEST_CURL_BODY = 1000
"""Characters of a body that the equivalent curl command repeats."""


async def _index(call: Call) -> web.StreamResponse:
    """Send the page. Its content arrives with the first update."""
    names = call.request.app[OPERATION_NAMES]
    response = html_response(
        "dashboard.html",
        _POLICY,
        url=str(call.request.url.origin()),
        quirks=list(CATALOGUE.values()),
        actions={name: action.parameters for name, action in sorted(ACTIONS.items())},
        defaults={entry.name: entry.default for entry in attrs.fields(Fault) if entry.init},
        operations=sorted(names),
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


OPERATION_NAMES: web.AppKey[tuple[str, ...]] = web.AppKey("operation names", tuple)
"""Key of the names of all operations in the aiohttp application."""


def _file(package: str, name: str) -> Handler:
    content_type = "text/css" if name.endswith(".css") else "text/javascript"

    async def handler(call: Call) -> web.StreamResponse:
        headers = {"Cache-Control": "no-cache"}
        text = read_text(package, name)
        return web.Response(text=text, content_type=content_type, headers=headers)

    return handler


async def _request_details(call: Call) -> web.StreamResponse:
    """Send everything that is known about one request, with an equivalent curl command."""
    number, log = call.parameter("number"), call.state.log
    record = next((each for each in log.records if str(each.number) == number), None)
    if record is None:
        raise not_found("number")
    details = log.details(record.number)
    shown: dict[str, Any] = {**request_row(record), "token_id": record.token_id}
    if details is not None:
        shown |= attrs.asdict(details)
        shown["curl"] = _curl(str(call.request.url.origin()), record, details)
    return json_response(shown)


def _curl(origin: str, record: RequestRecord, details: RequestDetails) -> str:
    """Return a command that sends the same request. Secrets are shell variables."""
    address = f"{origin}{record.path}"
    if record.query:
        address += f"?{record.query}"
    words = ["curl", "-X", record.method, shlex.quote(address)]
    names = {name.lower(): value for name, value in details.headers.items()}
    if "authorization" in names:
        words += ["-H", '"Authorization: Bearer $ACCESS_TOKEN"']
    if record.content_range:
        words += ["-H", shlex.quote(f"Content-Range: {record.content_range}")]
    if names.get("content-type", "").startswith("multipart/"):
        words += ["-F", "file=@FILE"]
    elif details.body:
        words += ["-H", "'Content-Type: application/json'", "-d"]
        words.append(shlex.quote(details.body[:_LONGEST_CURL_BODY]))
    return " ".join(words)


async def _chunks(call: Call) -> web.StreamResponse:
    """Send the chunk map of one video."""
    video = call.state.videos.find(call.parameter("videoId"))
    requests = [each for each in call.state.log.records if upload_target(each) == video.id]
    return json_response(chunk_cells(video, requests))


async def _player(call: Call) -> web.StreamResponse:
    """Lead to the player. A private video gets a new token for it."""
    video = call.state.videos.find(call.parameter("videoId"))
    return web.Response(status=302, headers={"Location": asset_urls(call, video)["player"]})


async def _thumbnail(call: Call) -> web.StreamResponse:
    video = call.state.videos.find(call.parameter("videoId"))
    return thumbnail_response(video.thumbnail, video.timecode)


def _order(act: Callable[[Call], None]) -> Handler:
    async def handler(call: Call) -> web.StreamResponse:
        act(call)
        return empty_response()

    return handler


def _reset(call: Call) -> None:
    call.state.reset()
    call.request.app[FAULTS].clear()
    call.state.settings.quirks.clear()


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", _index),
    *(("GET", f"/_emulator/files/{name}", _file(*file)) for name, file in _FILES.items()),
    ("GET", "/_emulator/updates", updates.stream),
    ("GET", "/_emulator/state", updates.whole),
    ("GET", "/_emulator/requests/{number}", _request_details),
    ("GET", "/_emulator/videos/{videoId}/chunks", _chunks),
    ("GET", "/_emulator/videos/{videoId}/player", _player),
    ("GET", "/_emulator/videos/{videoId}/thumbnail", _thumbnail),
    ("POST", "/_emulator/reset", _order(_reset)),
    ("POST", "/_emulator/seed", _order(lambda call: samples.add(call.state))),
)
"""Method, path and handler of each operation of the dashboard."""
