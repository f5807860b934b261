"""What an operation is to the server: a name, a route, a handler, and the rules of its section."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from aiohttp import web

from .body import Body
from .browsers import CONTROL_HEADERS
from .cors import CORS_HEADERS
from .rules.paging import paginate
from .rules.problems import invalid_payload
from .rules.rate_windows import RateClass, Verdict
from .state.request_log import RequestRecord
from .state.state import World

ItemT = TypeVar("ItemT")
Access: TypeAlias = Literal["key", "upload-token", "open", "control"]
"""What a request needs: credentials, or nothing ("open"). "control" is for other processes and not for web pages."""


class DroppedError(Exception):
    """The connection has to go; there is no answer."""


@dataclass(slots=True)
class Call:
    """One request on its way through the emulator."""

    world: World
    request: web.Request
    record: RequestRecord
    operation: Operation
    verdict: Verdict | None = None
    answering: bool = False
    body: Body = field(init=False)

    def __post_init__(self) -> None:
        self.body = Body(self.request, self.record)

    def finish_headers(self, response: web.StreamResponse) -> None:
        """Add what every answer carries, unless it is on its way already (service.md#rate-limit-headers)."""
        self.answering = True
        if not response.prepared:
            response.headers.update(CONTROL_HEADERS if self.operation.access == "control" else CORS_HEADERS)
            if self.verdict is not None:
                response.headers.update(self.verdict.headers())

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query parameters in order."""
        return list(self.request.query.items())

    def path(self, name: str) -> str:
        """Return a path parameter."""
        return self.request.match_info[name]

    async def json(self) -> dict[str, Any]:
        """Return the JSON object in the body whatever its content type, or refuse (service.md#access-tokens)."""
        body = await self.request.read()
        self.record.body_bytes = len(body)
        try:
            payload = json.loads(body)
        except ValueError:
            raise invalid_payload() from None
        if not isinstance(payload, dict):
            raise invalid_payload()
        return payload


Handler: TypeAlias = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `name` is the SDK's method name, `rate` its class of the rate limit.

    See service.md#request-classes.
    """

    name: str
    method: str
    path: str
    handler: Handler
    rate: RateClass | None
    access: Access = "key"

    @property
    def logged(self) -> bool:
        """Whether requests appear in the log: all but those that read and steer the emulator."""
        return self.access != "control"


def api(name: str, method: str, path: str, handler: Handler, rate: RateClass | None = None) -> Operation:
    """Declare an operation of the API; GET is a read, the rest are writes by default (service.md#request-classes)."""
    return Operation(name, method, path, handler, rate or ("reads" if method == "GET" else "writes"))


def open_asset(name: str, path: str, handler: Handler) -> Operation:
    """Declare an URL of the delivery hosts: no credentials, no rate limit (service.md#assets)."""
    return Operation(name, "GET", path, handler, None, "open")


def asset(name: str, root: str, end: str, handler: Handler) -> tuple[Operation, ...]:
    """Declare an asset at its public address and at the one with a private token (service.md#private-videos)."""
    return tuple(open_asset(name, f"{base}/{end}", handler) for base in (root, f"{root}/token/{{token}}"))


def answer(payload: Any, status: int = 200) -> web.Response:
    """Answer JSON as bare `application/json`, without a charset (service.md#content-types)."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def answer_page(call: Call, items: Sequence[ItemT], show: Callable[[ItemT], Any]) -> web.Response:
    """Answer one page of a list; only what is on it is shown (service.md#page-numbers)."""
    page, pagination = paginate(call.request.path, call.query, items)
    return answer({"data": [show(item) for item in page], "pagination": pagination})


def no_content(status: int = 204) -> web.Response:
    """Answer without a body and without a content type (service.md#content-types)."""
    return web.Response(status=status)
