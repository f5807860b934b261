"""The aiohttp sessions of a client. Connections that may be dead are not used again.

A pooled connection can be dead without notice: the machine was suspended, a router forgot it, or
the server closed it at this moment. After one of them has failed, no other idle connection is
trusted. aiohttp cannot close only its idle connections, so the session is replaced. The old one is
closed when its last request has ended.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from attrs import define, field

__all__ = ["Sessions"]


@define(eq=False)
class Sessions:
    """The sessions that ``create`` returns; the argument is True for unpooled connections."""

    _create: Callable[[bool], aiohttp.ClientSession]
    _current: dict[bool, aiohttp.ClientSession] = field(factory=dict, init=False)
    """The session with pooled connections (False), and that with a new one for each (True)."""
    _in_use: Counter[aiohttp.ClientSession] = field(factory=Counter, init=False)
    """The number of requests of each session."""

    @asynccontextmanager
    async def use(self, *, alone: bool) -> AsyncIterator[aiohttp.ClientSession]:
        """Open a session for one request. ``alone``: its connection was never used before."""
        session = self._current.get(alone)
        if session is None:
            session = self._current[alone] = self._create(alone)
        self._in_use[session] += 1
        try:
            yield session
        finally:
            self._in_use[session] -= 1
            if not self._in_use[session]:
                del self._in_use[session]
                if session is not self._current.get(alone):
                    await session.close()

    async def discard_idle(self) -> None:
        """Use none of the connections again that are open now. Requests under way continue."""
        session = self._current.pop(False, None)
        if session is not None and not self._in_use[session]:
            await session.close()

    async def aclose(self) -> None:
        """Close all sessions."""
        for session in {*self._current.values(), *self._in_use}:
            await session.close()
