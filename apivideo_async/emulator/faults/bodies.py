"""Request bodies for faults: a body that stalls, and a body that can be read twice."""

from __future__ import annotations

import asyncio

from ..body import Body
from ..operations import Call, DroppedError
from .fault_list import Fault


class StallingBody(Body):
    """A body that the server stops reading after ``after_bytes``, for ``seconds``.

    Afterwards reading continues, or the connection is aborted if the rule ``resets``.
    """

    def __init__(self, call: Call, fault: Fault) -> None:
        super().__init__(call.request, call.record)
        self._fault = fault
        self._stalled = False

    async def block(self) -> bytes:
        """Return the next block. Stall first when ``after_bytes`` bytes were read."""
        if not self._stalled and self.record.body_bytes >= self._fault.after_bytes:
            self._stalled = True
            await stall(self.request.transport, self._fault)
        return await super().block()


class RepeatableBody(Body):
    """A body that is kept in memory while it is read, so that the request can be executed twice."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.request, call.record)
        self._kept: list[bytes] = []
        self._replay: list[bytes] | None = None

    def rewind(self) -> None:
        """Start from the beginning. From now on the blocks come from memory."""
        self._replay = list(self._kept)

    async def block(self) -> bytes:
        """Return the next block, from the connection or after ``rewind`` from memory."""
        if self._replay is not None:
            return self._replay.pop(0) if self._replay else b""
        block = await super().block()
        self._kept.append(block)
        return block


async def stall(transport: asyncio.Transport | None, fault: Fault) -> None:
    """Wait for ``seconds``, then return, or abort the connection if the rule ``resets``.

    Raises ``DroppedError`` in the second case.
    """
    await asyncio.sleep(fault.seconds)
    if fault.resets:
        if transport is not None:
            transport.abort()
        raise DroppedError
