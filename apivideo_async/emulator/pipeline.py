"""The stages of every request.

In this order: the checks of ``Host`` and of web pages (``browsers``), the request log, quirks of
gateways, a fault that is due, the rate limit, the credentials, the handler, and the response
headers.
"""

import logging
from collections.abc import Mapping

from aiohttp import web
from attrs import frozen

from .browsers import PREFLIGHT_HEADERS, AllowedHosts, may_control
from .faults.fault_list import FaultList
from .operations import Access, Call, DroppedError, Operation, json_response, rate_class
from .quirks.gateway import pass_through
from .rules.problems import RefusedError, forbidden, refuse
from .state.request_log import RequestLog
from .state.state import State

__all__ = ["Pipeline"]

_log = logging.getLogger(__name__)
_FOREIGN_HOST = (
    "The Host header does not name this emulator. To reach it by another name, start it with "
    "--allow-host NAME, in Python Emulator(allowed_hosts=[NAME])."
)
_FOREIGN_PAGE = "Web pages of other origins may not control the emulator."


async def _preflight(call: Call) -> web.StreamResponse:
    return web.Response(status=204, headers=PREFLIGHT_HEADERS)


async def _keep_details(log: RequestLog, call: Call, response: web.StreamResponse) -> None:
    request = call.request
    # The body of a request that was read as a whole is read again from memory.
    whole = (
        request.content_type == "application/json"
        and call.record.body_bytes
        and request.content.at_eof()
    )
    sent = await request.read() if whole else b""
    text = isinstance(response, web.Response) and response.content_type.endswith("json")
    body = response.body if isinstance(response, web.Response) and text else b""
    answered = bytes(body) if isinstance(body, bytes | bytearray) else b""
    log.keep_details(call.record, (request.headers, sent), (response.headers, answered))


def _refusing_operation(request: web.Request, problem: RefusedError, access: Access) -> Operation:

    async def handler(call: Call) -> web.StreamResponse:
        raise problem

    # A request to the API counts against the rate limit even if its URL or method does not exist.
    rate = rate_class(request.method) if access == "open" else None
    return Operation("", request.method, request.path, handler, access, rate)


@frozen
class Pipeline:
    """Passes each request to its operation. ``operations`` are given by method and path."""

    _state: State
    _faults: FaultList
    _hosts: AllowedHosts
    _operations: Mapping[tuple[str, str], Operation]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handle one request."""
        operation = self._operation(request)
        # ``emu.requests`` does not show control requests: their records are dropped.
        log = RequestLog() if operation.access == "control" else self._state.log
        record = log.open(
            request.method,
            request.path,
            request.query_string,
            operation.name or None,
            request.headers.get("Content-Range"),
        )
        record.size = request.content_length
        call = Call(self._state, request, record, operation)
        try:
            response = await pass_through(call, self._with_fault)
        except (DroppedError, ConnectionError):
            # ``Body.read_block`` raises ConnectionError for a truncated request body.
            if request.transport is not None:
                request.transport.abort()
            record.end(None)
            # aiohttp needs a response object; it is never sent.
            return web.Response(status=499)
        call.finish_headers(response)
        # Last: the status of a dropped response stays None.
        record.end(response.status)
        await _keep_details(log, call, response)
        return response

    def _operation(self, request: web.Request) -> Operation:
        """Return the operation of a request, or one that refuses it."""
        if not self._hosts.accept(request):
            return _refusing_operation(request, forbidden(_FOREIGN_HOST), "control")
        operation = self._match_route(request)
        if operation.access == "control" and not may_control(request):
            return _refusing_operation(request, forbidden(_FOREIGN_PAGE), "control")
        return operation

    def _match_route(self, request: web.Request) -> Operation:
        control = request.path == "/" or request.path.startswith("/_emulator")
        access: Access = "control" if control else "open"
        # Routes have no OPTIONS method, so preflights are recognised here for every path.
        if request.method == "OPTIONS":
            if control:
                return _refusing_operation(request, refuse("method-not-allowed"), access)
            return Operation("", "OPTIONS", request.path, _preflight, access)
        failure = request.match_info.http_exception
        if failure is not None:
            wrong_method = failure.status == 405
            slug = "method-not-allowed" if wrong_method else "unrecognized-request-url"
            return _refusing_operation(request, refuse(slug), access)
        resource = request.match_info.route.resource
        # aiohttp routes HEAD to the GET handler; the operations list only GET.
        method = "GET" if request.method == "HEAD" else request.method
        return self._operations[method, resource.canonical if resource is not None else ""]

    async def _with_fault(self, call: Call) -> web.StreamResponse:
        # Control operations have no name, so that a test can always remove its faults.
        fault = self._faults.due(call.operation.name) if call.operation.name else None
        if fault is None:
            return await self._execute(call)
        call.record.fault = fault.action
        return await fault.execute(call, lambda: self._execute(call))

    async def _execute(self, call: Call) -> web.StreamResponse:
        """Check the request and run its handler. Convert a refusal to a response."""
        try:
            self._admit(call)
            response = await call.operation.handler(call)
        except RefusedError as problem:
            response = json_response(problem.body, problem.status)
        except web.HTTPRequestEntityTooLarge:
            too_large = refuse("invalid-payload")
            response = json_response(too_large.body, too_large.status)
        except (ConnectionError, DroppedError):
            raise
        except Exception as error:
            # The response has started, so its status cannot change: abort the connection.
            if call.response_started:
                raise DroppedError from error
            _log.exception("the emulator failed on %s %s", call.request.method, call.request.path)
            # See service.md#server-errors.
            response = json_response({"title": "Server error", "status": 500}, 500)
        # A client may still be sending. Closing the connection with unread data would reset it, and
        # the client could lose the response.
        await call.body.drain()
        return response

    def _admit(self, call: Call) -> None:
        """Count the request (service.md#rate-limits) and check access (service.md#token-checks)."""
        state, operation = call.state, call.operation
        if operation.rate is not None:
            kind = state.settings.quirks.choice("rate-window")
            call.rate_verdict = state.limiter.take(operation.rate, state.now, kind)
            if not call.rate_verdict.allowed:
                raise refuse("too-many-requests")
        if operation.access == "key":
            header = call.request.headers.get("Authorization")
            call.record.token_id = state.credentials.identify(header, state.expiry_clock)
        elif operation.access == "upload-token":
            value = call.request.query.get("token")
            if not value:
                raise refuse("authentication-missing-upload-token")
            token = state.active_upload_token(value)
            if token is None:
                raise refuse("authentication-invalid-upload-token")
            call.record.token_id = f"upload-token-{token.number}"
