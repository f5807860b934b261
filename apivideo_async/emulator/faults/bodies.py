"""Request bodies as faults see them: one that stops flowing, one that can be read twice."""

from __future__ import annotations

import asyncio

from ..body import Body
from ..operations import Call, DroppedError
from .fault_list import Fault


class StallingBody(Body):
    """Nobody reads on after `after_bytes`, for `seconds`; then it flows again, or the connection is reset."""

    def __init__(self, call: Call, fault: Fault) -> None:
        super().__init__(call.request, call.record)
        self._fault = fault
        self._stalled = False

    async def block(self) -> bytes:
        """Return what has come, after the stall when its place is reached."""
        if not self._stalled and self.record.body_bytes >= self._fault.after_bytes:
            self._stalled = True
            await stall(self.request.transport, self._fault)
        return await super().block()


class RepeatableBody(Body):
    """Kept in memory while it is read, so that the same request can be executed again."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.request, call.record)
        self._kept: list[bytes] = []
        self._replay: list[bytes] | None = None

    def rewind(self) -> None:
        """Begin again; what was read comes from memory from now on."""
        self._replay = list(self._kept)

    async def block(self) -> bytes:
        """Return what has come, or came the first time."""
        if self._replay is not None:
            return self._replay.pop(0) if self._replay else b""
        block = await super().block()
        self._kept.append(block)
        return block


async def stall(transport: asyncio.Transport | None, fault: Fault) -> None:
    """Do nothing for `seconds`, then return, or cut the connection when the rule `resets`."""
    await asyncio.sleep(fault.seconds)
    if fault.resets:
        if transport is not None:
            transport.abort()
        raise DroppedError
