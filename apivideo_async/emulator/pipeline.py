"""The stages of every request, from the request log to the response headers.

A request passes the host and page checks, the log, a fault that is due, the rate limit, the
credentials and the handler. To add a stage for every request, change ``Pipeline``.
"""

import logging
from collections.abc import Mapping
from functools import partial

from aiohttp import web
from attrs import frozen

from .browsers import PREFLIGHT_HEADERS, AllowedHosts, may_control
from .faults.fault_list import FaultList
from .operations import Access, Call, DroppedError, Operation, answer, rate_class
from .rules.problems import (
    RefusedError,
    forbidden,
    invalid_payload,
    refuse,
    server_error,
)
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


async def _refuse(problem: RefusedError, call: Call) -> web.StreamResponse:
    raise problem


def _refusing(request: web.Request, problem: RefusedError, access: Access) -> Operation:
    """Return an operation without a route that refuses the request."""
    # A request to the API counts against the rate limit even if its URL or method does not exist.
    rate = rate_class(request.method) if access == "open" else None
    return Operation(
        "", request.method, request.path, partial(_refuse, problem), access=access, rate=rate
    )


@frozen
class Pipeline:
    """Passes requests to the handlers of the operations, which are given by method and path."""

    _state: State
    _faults: FaultList
    _hosts: AllowedHosts
    _operations: Mapping[tuple[str, str], Operation]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handle one request. CORS preflight requests skip credentials and rate limits."""
        operation = self._operation(request)
        # The records of control requests are dropped: ``emu.requests`` does not show them.
        log = self._state.log if operation.logged else RequestLog()
        record = log.open(
            request.method,
            request.path,
            request.query_string,
            operation.name or None,
            request.headers.get("Content-Range"),
        )
        call = Call(self._state, request, record, operation)
        try:
            response = await self._with_fault(call)
        except (DroppedError, ConnectionError):
            # ``Body.block`` raises ConnectionError for a truncated request body.
            if request.transport is not None:
                request.transport.abort()
            # aiohttp needs a response object; it is never sent.
            return web.Response(status=499)
        call.finish_headers(response)
        # Set last: the status of a dropped response stays None.
        record.status = response.status
        return response

    def _operation(self, request: web.Request) -> Operation:
        """Return the operation of a request, or one that refuses it."""
        if not self._hosts.accept(request):
            return _refusing(request, forbidden(_FOREIGN_HOST), "control")
        operation = self._routed(request)
        if operation.access == "control" and not may_control(request):
            return _refusing(request, forbidden(_FOREIGN_PAGE), "control")
        return operation

    def _routed(self, request: web.Request) -> Operation:
        control = request.path == "/" or request.path.startswith("/_emulator")
        access: Access = "control" if control else "open"
        # Routes have no OPTIONS method, so preflights are recognised here for every path.
        if request.method == "OPTIONS":
            if control:
                return _refusing(request, refuse("method-not-allowed"), access)
            return Operation("", "OPTIONS", request.path, _preflight, access)
        failure = request.match_info.http_exception
        if failure is not None:
            wrong_method = failure.status == 405
            slug = "method-not-allowed" if wrong_method else "unrecognized-request-url"
            return _refusing(request, refuse(slug), access)
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
        """Run the handler, and convert a refusal to a response after the body has been read."""
        try:
            self._admit(call)
            response = await call.operation.handler(call)
        except RefusedError as refused:
            problem = refused
        except web.HTTPRequestEntityTooLarge:
            problem = invalid_payload()
        except (ConnectionError, DroppedError):
            raise
        except Exception as error:
            # The response has started, so its status cannot change: abort the connection.
            if call.response_started:
                raise DroppedError from error
            _log.exception("the emulator failed on %s %s", call.request.method, call.request.path)
            problem = server_error()
        else:
            # A client may still be sending. Closing the connection with unread data would reset
            # it, and the client could lose the response.
            await call.body.drain()
            return response
        await call.body.drain()
        return answer(problem.body, problem.status)

    def _admit(self, call: Call) -> None:
        """Count the request (service.md#rate-limits), then check its credentials."""
        state, operation = call.state, call.operation
        if operation.rate is not None:
            call.verdict = state.limiter.take(operation.rate, state.now)
            if call.verdict is not None and not call.verdict.allowed:
                raise refuse("too-many-requests")
        if operation.access == "key":
            header = call.request.headers.get("Authorization")
            call.record.token_id = state.credentials.identify(header, state.expiry_clock)
        elif operation.access == "upload-token":
            token = state.admit_upload(call.request.query.get("token"))
            call.record.token_id = f"upload-token-{token.number}"
