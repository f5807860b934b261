"""Operations, the calls that their handlers receive, and the responses that handlers return."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

from aiohttp import web
from attrs import Factory, define, field, frozen

from .body import Body
from .browsers import CONTROL_HEADERS, CORS_HEADERS
from .rules.paging import paginate
from .rules.problems import not_found, refuse
from .rules.rate_headers import rate_headers
from .rules.rate_windows import RateClass, Verdict
from .state.request_log import RequestRecord
from .state.state import State
from .state.video import Video

__all__ = [
    "Access",
    "Call",
    "DroppedError",
    "Handler",
    "Operation",
    "empty_response",
    "json_response",
    "page_response",
    "rate_class",
]

ItemT = TypeVar("ItemT")
# The credentials that a request needs. "open" and "control" need none. "control" is for other
# processes and refuses web pages.
Access: TypeAlias = Literal["key", "upload-token", "open", "control"]
Handler: TypeAlias = Callable[["Call"], Awaitable[web.StreamResponse]]


class DroppedError(Exception):
    """The connection must be aborted without a response."""


def rate_class(method: str) -> RateClass:
    """Return the class of a request other than an upload (service.md#request-classes)."""
    return "reads" if method in {"GET", "HEAD"} else "writes"


@frozen
class Operation:
    """One operation. ``name`` is the method of the SDK, ``rate`` the class of the rate limit."""

    name: str
    method: str
    path: str
    handler: Handler
    access: Access = "key"
    rate: RateClass | None = Factory(
        lambda self: rate_class(self.method) if self.access == "key" else None, takes_self=True
    )


@define(eq=False)
class Call:
    """One request and its context while the emulator handles it."""

    state: State
    request: web.Request
    record: RequestRecord
    operation: Operation
    # The decision of the rate limiter. None before it, and for operations without a limit.
    rate_verdict: Verdict | None = None
    # Status and headers of a response that has started are final.
    response_started: bool = False
    # Faults replace it (``faults.actions``).
    body: Body = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.body = Body(self.request, self.record)

    def finish_headers(self, response: web.StreamResponse) -> None:
        """Add rate limit headers and headers for browsers, unless the response has started."""
        self.response_started = True
        if not response.prepared:
            control = self.operation.access == "control"
            response.headers.update(CONTROL_HEADERS if control else CORS_HEADERS)
            if self.rate_verdict is not None:
                style = self.state.settings.quirks.choice("rate-headers")
                now = self.state.utc_now
                response.headers.update(rate_headers(self.rate_verdict, style, now))

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query parameters in order."""
        return list(self.request.query.items())

    def parameter(self, name: str) -> str:
        """Return a path parameter."""
        return self.request.match_info[name]

    def video(self) -> Video:
        """Return the video that the path names. Raises a refusal (404) if there is none."""
        video = self.state.videos.find(self.parameter("videoId"))
        self.record.video_id = video.id
        self.check_readable(video)
        return video

    def check_readable(self, video: Video) -> None:
        """Raise a refusal (404) if the API does not show the video yet (``new-video-delay``)."""
        delay = self.state.settings.quirks.number("new-video-delay")
        reads = self.operation.access == "key" and self.operation.rate == "reads"
        if delay and reads and self.state.now - video.opened_at < delay:
            raise not_found("videoId")

    async def json(self) -> dict[str, Any]:
        """Return the JSON object in the body of any content type, or refuse other bodies."""
        body = await self.request.read()
        self.record.body_bytes = len(body)
        try:
            payload = json.loads(body)
        except ValueError:
            raise refuse("invalid-payload") from None
        if not isinstance(payload, dict):
            raise refuse("invalid-payload")
        return payload


def json_response(payload: Any, status: int = 200) -> web.Response:
    """Return a JSON response. Its content type has no charset (service.md#content-types)."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def page_response(
    call: Call, items: Sequence[ItemT], as_json: Callable[[ItemT], Any]
) -> web.Response:
    """Return one page of a list (service.md#page-numbers)."""
    # ``as_json`` can create a private token, so it is not called for items of other pages.
    page, pagination = paginate(call.request.path, call.query, items)
    return json_response({"data": [as_json(item) for item in page], "pagination": pagination})


def empty_response(status: int = 204) -> web.Response:
    """Return a response without body and content type (service.md#content-types)."""
    return web.Response(status=status)
