"""Operations: the name, route, handler, rate class and access of each API operation."""

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
from .state.state import State

ItemT = TypeVar("ItemT")
Access: TypeAlias = Literal["key", "upload-token", "open", "control"]
"""Access that a request needs.

``"key"`` and ``"upload-token"`` need credentials, ``"open"`` needs none. ``"control"`` needs none
either; it is for other processes and refuses web pages.
"""


class DroppedError(Exception):
    """The connection must be aborted without a response."""


@dataclass(slots=True)
class Call:
    """One request and its context while the emulator handles it."""

    state: State
    request: web.Request
    record: RequestRecord
    operation: Operation
    # None before the rate limit was checked, and for operations without a limit.
    verdict: Verdict | None = None
    # True once the response has started; its status and headers are final then.
    answering: bool = False
    # Faults replace it (``faults.actions``).
    body: Body = field(init=False)

    def __post_init__(self) -> None:
        self.body = Body(self.request, self.record)

    def finish_headers(self, response: web.StreamResponse) -> None:
        """Add the headers that every response has, unless the response was already started.

        These are the rate limit headers (service.md#rate-limit-headers) and the headers for
        browsers.
        """
        self.answering = True
        if not response.prepared:
            response.headers.update(
                CONTROL_HEADERS if self.operation.access == "control" else CORS_HEADERS
            )
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
        """Return the JSON object in the body, whatever the content type is.

        See service.md#access-tokens. Raises the refusal ``invalid-payload`` if the body is no JSON
        object.
        """
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
    """One operation of the emulator.

    ``name`` is the method name in the SDK. ``rate`` is the class of its rate limit
    (service.md#request-classes), None if the operation has no limit.
    """

    name: str
    method: str
    path: str
    handler: Handler
    rate: RateClass | None
    access: Access = "key"

    @property
    def logged(self) -> bool:
        """Whether requests appear in the request log. Control requests do not."""
        return self.access != "control"


def api(
    name: str, method: str, path: str, handler: Handler, rate: RateClass | None = None
) -> Operation:
    """Declare an API operation. GET is a read and other methods are writes by default.

    See service.md#request-classes.
    """
    return Operation(
        name, method, path, handler, rate or ("reads" if method == "GET" else "writes")
    )


def open_asset(name: str, path: str, handler: Handler) -> Operation:
    """Declare a URL of the delivery hosts: no credentials, no rate limit (service.md#assets)."""
    return Operation(name, "GET", path, handler, None, "open")


def asset(name: str, root: str, end: str, handler: Handler) -> tuple[Operation, ...]:
    """Declare an asset at its public URL and at its URL with a private token.

    See service.md#private-videos.
    """
    return tuple(
        open_asset(name, f"{base}/{end}", handler) for base in (root, f"{root}/token/{{token}}")
    )


def answer(payload: Any, status: int = 200) -> web.Response:
    """Return a JSON response with the content type ``application/json`` and no charset.

    See service.md#content-types.
    """
    body = json.dumps(payload, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def answer_page(call: Call, items: Sequence[ItemT], show: Callable[[ItemT], Any]) -> web.Response:
    """Return one page of a list. ``show`` is called for the items of that page only.

    See service.md#page-numbers.
    """
    # Showing an item can create a private token, so items of other pages must not be shown.
    page, pagination = paginate(call.request.path, call.query, items)
    return answer({"data": [show(item) for item in page], "pagination": pagination})


def no_content(status: int = 204) -> web.Response:
    """Return a response without body and content type (service.md#content-types)."""
    return web.Response(status=status)
