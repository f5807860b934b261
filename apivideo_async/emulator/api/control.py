"""``/_emulator/*``: control the emulator, without credentials."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs
from aiohttp import web

from ..background import sources
from ..faults.fault_list import FAULTS, FaultList, fault_from_json
from ..operations import Call, Handler, empty_response, json_response
from ..quirks.catalogue import CATALOGUE
from ..quirks.quirk_set import QuirkSet
from ..rules.problems import not_found, refuse
from ..state.play import Play, play_from_json
from ..state.request_log import RequestLog

__all__ = ["ROUTES"]

ItemT = TypeVar("ItemT")


def _faults(call: Call) -> FaultList:
    return call.request.app[FAULTS]


def _quirks(call: Call) -> QuirkSet:
    return call.state.settings.quirks


def _show_quirks(call: Call) -> dict[str, Any]:
    known = [
        {"name": quirk.name, "usage": quirk.usage, "summary": quirk.summary}
        for quirk in CATALOGUE.values()
    ]
    return {"quirks": dict(_quirks(call)), "catalogue": known}


def _health(call: Call) -> dict[str, Any]:
    return {"status": "ok", "videos": len(call.state.videos)}


def _send(read: Callable[[Call], Any]) -> Handler:
    """Return a handler that sends the JSON value of ``read``."""

    async def handler(call: Call) -> web.StreamResponse:
        return json_response(read(call))

    return handler


def _send_all(read: Callable[[Call], Iterable[Any]]) -> Handler:
    return _send(lambda call: [attrs.asdict(each) for each in read(call)])


def _clear(find: Callable[[Call], RequestLog | FaultList | QuirkSet | dict[str, Play]]) -> Handler:
    async def handler(call: Call) -> web.StreamResponse:
        find(call).clear()
        return empty_response()

    return handler


async def _read_list(call: Call, read: Callable[[Any], ItemT]) -> list[ItemT]:
    """Read an array, or one object."""
    with _explained():
        given: Any = await call.request.json()
        return [read(item) for item in (given if isinstance(given, list) else [given])]


@contextmanager
def _explained() -> Iterator[None]:
    """Convert errors to a refusal with a detail, for the developer who wrote the body.

    The service itself sends no detail.
    """
    try:
        yield
    except (TypeError, ValueError, AttributeError) as error:
        raise refuse("invalid-payload", str(error)) from error


async def _add_faults(call: Call) -> web.StreamResponse:
    faults = _faults(call)
    given = await _read_list(call, fault_from_json)
    with _explained():
        faults.add(*given)
    return json_response({"faults": len(faults)}, 201)


def _set_quirks(*, replace: bool) -> Handler:
    """Return a handler that sets quirks, given as an object or as a list of texts."""

    async def handler(call: Call) -> web.StreamResponse:
        with _explained():
            given = QuirkSet(await call.request.json())
        if replace:
            _quirks(call).clear()
        _quirks(call).update(given)
        return json_response({"quirks": dict(_quirks(call))})

    return handler


async def _remove_quirk(call: Call) -> web.StreamResponse:
    if _quirks(call).pop(call.parameter("name"), None) is None:
        raise not_found("name")
    return empty_response()


async def _add_plays(call: Call) -> web.StreamResponse:
    plays = await _read_list(call, play_from_json)
    return json_response([call.state.add_play(play) for play in plays], 201)


async def _repeat_delivery(call: Call) -> web.StreamResponse:
    """Send a webhook delivery once more, to test how a subscriber handles duplicates."""
    number, deliveries = call.parameter("number"), call.state.deliveries
    delivery = next((each for each in deliveries.log if str(each.number) == number), None)
    if delivery is None:
        raise not_found("number")
    webhook = call.state.webhooks.find(delivery.webhook_id)
    deliveries.send(webhook, delivery.event, delivery.subject)
    return empty_response()


async def _start_broadcast(call: Call) -> web.StreamResponse:
    """Start a broadcast. The request body is the content of the recording."""
    live = call.state.live_streams.find(call.parameter("liveStreamId"))
    sources.start_broadcast(call.state, live, await call.request.read())
    return empty_response()


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/_emulator/health", _send(_health)),
    ("GET", "/_emulator/requests", _send_all(lambda call: call.state.log.records)),
    ("DELETE", "/_emulator/requests", _clear(lambda call: call.state.log)),
    ("GET", "/_emulator/faults", _send_all(_faults)),
    ("POST", "/_emulator/faults", _add_faults),
    ("DELETE", "/_emulator/faults", _clear(_faults)),
    ("GET", "/_emulator/quirks", _send(_show_quirks)),
    ("PUT", "/_emulator/quirks", _set_quirks(replace=True)),
    ("POST", "/_emulator/quirks", _set_quirks(replace=False)),
    ("DELETE", "/_emulator/quirks", _clear(_quirks)),
    ("DELETE", "/_emulator/quirks/{name}", _remove_quirk),
    ("POST", "/_emulator/plays", _add_plays),
    ("DELETE", "/_emulator/plays", _clear(lambda call: call.state.plays)),
    ("GET", "/_emulator/events", _send(lambda call: call.state.events)),
    ("GET", "/_emulator/deliveries", _send_all(lambda call: call.state.deliveries.log)),
    ("POST", "/_emulator/deliveries/{number}", _repeat_delivery),
    ("POST", "/_emulator/live-streams/{liveStreamId}/broadcast", _start_broadcast),
)
"""Method, path and handler of each operation that controls the emulator."""
