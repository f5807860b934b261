"""Listening sockets that can stop accepting for a while (fault ``refuse``)."""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Any

from aiohttp import web
from attrs import Factory, define

__all__ = ["Listener"]


@define(eq=False)
class Listener:
    """The listening sockets. They can be closed for some seconds and reopened on the same port."""

    _runner: web.AppRunner
    _ssl_context: ssl.SSLContext | None
    _servers: list[asyncio.Server] = Factory(list)
    _reopening: asyncio.Task[None] | None = None
    _refusing: bool = False
    _closed: bool = False

    async def open(self, host: str, port: int) -> int:
        """Start to listen and return the port."""
        await self._listen(host=host, port=port)
        # With port 0 the system has chosen the port.
        return int(self._servers[0].sockets[0].getsockname()[1])

    async def _listen(self, **address: Any) -> None:
        handlers = self._runner.server
        assert handlers is not None  # noqa: S101 - set up before
        loop = asyncio.get_running_loop()
        self._servers.append(
            await loop.create_server(handlers, ssl=self._ssl_context, backlog=128, **address)
        )

    async def refuse(self, seconds: float) -> None:
        """Abort all connections and refuse new ones for ``seconds``, unless that is already so."""
        if self._refusing:
            return
        # Set before the first ``await``, so that a concurrent call returns at once.
        self._refusing = True
        addresses = [
            listening.getsockname() for server in self._servers for listening in server.sockets
        ]
        await self._stop_listening()
        # ``close`` may have been called during the ``await``; then nothing is reopened.
        if self._closed:
            return
        # Sockets that are bound but do not listen keep the port: the system gives it to no other
        # process, and it refuses connections.
        bound = [_bound_socket(address) for address in addresses]
        self._reopening = asyncio.create_task(self._reopen(bound, seconds))
        handlers = self._runner.server
        for connection in handlers.connections if handlers is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def _stop_listening(self) -> None:
        """Accept connections that are already in the backlog, then close the sockets.

        If a server is closed right after it accepted a connection, asyncio loses that connection.
        """
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for listening in server.sockets:
                # Event loops without readers (Windows) raise NotImplementedError.
                with suppress(NotImplementedError):
                    loop.remove_reader(listening.fileno())
        # Two passes of the event loop let asyncio create the transports of accepted connections.
        for _ in range(2):
            await asyncio.sleep(0)
        while self._servers:
            self._servers.pop().close()

    async def _reopen(self, bound: list[socket.socket], seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
            for each in bound:
                await self._listen(sock=each)
            self._refusing = False
        except BaseException:
            for each in bound:
                each.close()
            raise

    async def close(self) -> None:
        """Close the sockets and do not reopen them."""
        self._closed = True
        if self._reopening is not None:
            self._reopening.cancel()
            await asyncio.gather(self._reopening, return_exceptions=True)
        await self._stop_listening()


def _bound_socket(address: Any) -> socket.socket:
    family = socket.AF_INET6 if len(address) == 4 else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    # Connections in TIME_WAIT would otherwise prevent binding to the port.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        # An IPv4 socket of the same listener uses the same port.
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bound.bind(address)
    return bound
