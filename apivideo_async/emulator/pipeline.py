"""The stages of every request, from the request log to the response headers.

A request passes the host and page checks, the log, a fault that is due, the rate limit, the
credentials and the handler. To add a stage for every request, change ``Pipeline``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from aiohttp import web

from .browsers import AllowedHosts, may_control
from .cors import PREFLIGHT_HEADERS
from .faults.actions import ACTIONS
from .operations import Call, DroppedError, Handler, Operation, answer
from .rules.problems import (
    RefusedError,
    forbidden,
    invalid_payload,
    method_not_allowed,
    server_error,
    too_many_requests,
    unrecognized_url,
)
from .rules.rate_windows import RateClass
from .state.request_log import RequestLog
from .state.state import State

_log = logging.getLogger(__name__)


async def _unrecognized(call: Call) -> web.StreamResponse:
    raise unrecognized_url()


async def _wrong_method(call: Call) -> web.StreamResponse:
    raise method_not_allowed()


async def _foreign_host(call: Call) -> web.StreamResponse:
    raise forbidden(
        "The Host header does not name this emulator. To reach it by another name, start it with --allow-host NAME, "
        "in Python Emulator(allowed_hosts=[NAME])."
    )


async def _foreign_page(call: Call) -> web.StreamResponse:
    raise forbidden("Web pages of other origins may not control the emulator.")


def _unrouted(request: web.Request, handler: Handler) -> Operation:
    """Return an operation for a request without a route.

    A request to the API counts against the rate limit even if its URL or method does not exist.
    """
    if request.path == "/" or request.path.startswith("/_emulator"):
        return Operation("", request.method, request.path, handler, None, "control")
    rate: RateClass = "reads" if request.method in {"GET", "HEAD"} else "writes"
    return Operation("", request.method, request.path, handler, rate, "open")


class Pipeline:
    """Passes the requests of the server to the handlers of the operations."""

    def __init__(
        self, state: State, hosts: AllowedHosts, operations: Mapping[tuple[str, str], Operation]
    ) -> None:
        self._state = state
        self._hosts = hosts
        self._operations = operations

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handle one request. CORS preflight requests skip credentials and rate limits."""
        operation = self._admitted(request)
        # Control requests skip faults too, so that a test can always remove its faults.
        if not operation.logged:
            return await self._unlogged(request, operation)
        record = self._state.log.open(
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
            # A truncated request body (``TruncatedBodyError``) is a ConnectionError too.
            return self._gone(request)
        call.finish_headers(response)
        # Set last: the status of a dropped response stays None.
        record.status = response.status
        return response

    def _admitted(self, request: web.Request) -> Operation:
        """Return the operation, or one that refuses a web page (see ``browsers``)."""
        if not self._hosts.accept(request):
            return Operation("", request.method, request.path, _foreign_host, None, "control")
        operation = self._operation(request)
        if operation.access == "control" and not may_control(request):
            return Operation("", request.method, request.path, _foreign_page, None, "control")
        return operation

    def _operation(self, request: web.Request) -> Operation:
        failure = request.match_info.http_exception
        # Routes have no OPTIONS method, so preflights are recognised here for every path.
        if request.method == "OPTIONS":
            operation = _unrouted(request, _wrong_method)
            return (
                operation
                if operation.access == "control"
                else Operation("", "OPTIONS", request.path, _preflight, None, "open")
            )
        if failure is not None:
            return _unrouted(request, _wrong_method if failure.status == 405 else _unrecognized)
        resource = request.match_info.route.resource
        # aiohttp routes HEAD to the GET handler; the operations list only GET.
        method = "GET" if request.method == "HEAD" else request.method
        return self._operations[method, resource.canonical if resource is not None else ""]

    async def _unlogged(self, request: web.Request, operation: Operation) -> web.StreamResponse:
        # The record belongs to a temporary log: ``Call`` needs one, and ``emu.requests`` must not
        # show it.
        record = RequestLog().open(request.method, request.path, "", None, None)
        call = Call(self._state, request, record, operation)
        response = await self._execute(call)
        call.finish_headers(response)
        return response

    async def _with_fault(self, call: Call) -> web.StreamResponse:
        fault = self._state.faults.due(call.operation.name) if call.operation.name else None
        if fault is None:
            return await self._execute(call)
        call.record.fault = fault.action
        return await ACTIONS[fault.action](call, fault, lambda: self._execute(call))

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
            if call.answering:
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
        """Count the request, then check its credentials.

        A request with wrong credentials counts too. See service.md#authentication,
        service.md#rate-limits.
        """
        state, operation = call.state, call.operation
        if operation.rate is not None:
            call.verdict = state.limiter.take(operation.rate, state.now)
            if call.verdict is not None and not call.verdict.allowed:
                raise too_many_requests()
        if operation.access == "key":
            header = call.request.headers.get("Authorization")
            call.record.token_id = state.credentials.identify(header, state.expiry_clock)
        elif operation.access == "upload-token":
            token = state.admit_upload(call.request.query.get("token"))
            call.record.token_id = f"upload-token-{token.number}"

    @staticmethod
    def _gone(request: web.Request) -> web.Response:
        """Abort the connection of a request that gets no response."""
        if request.transport is not None:
            request.transport.abort()
        # aiohttp needs a response object; it is never sent.
        return web.Response(status=499)


async def _preflight(call: Call) -> web.StreamResponse:
    return web.Response(status=204, headers=PREFLIGHT_HEADERS)
