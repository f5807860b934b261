"""The order in which the chunks of one upload start (see ``ChunkOrder``)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field

from .adaptation import Adaptation
from .ledger import Ledger
from .plan import Chunk

__all__ = ["ChunkGate", "ReplanError"]

TRUSTED = 4
"""No service is assumed to require chunks of more than this multiple of the documented minimum."""
ALIKE = 0.99
"""The last chunk of equal chunks has at least this share of the size of the others."""


class ReplanError(Exception):
    """The source must be divided into other chunks. It never leaves the upload engine."""


@define(eq=False)
class ChunkGate:
    """Lets a chunk start when the order of the adaptation allows it."""

    _ledger: Ledger
    _adaptation: Adaptation
    _size_is_proven: bool
    """True if the service has accepted chunks of this size: the last one need not wait."""
    _active: set[int] = field(factory=set, init=False)
    _crowded: set[int] = field(factory=set, init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)
    _closing: int = field(default=0, init=False)
    """Number of calls of ``close`` that wait for the chunks in progress."""
    closed: bool = field(default=False, init=False)
    """True if no further chunk may start."""

    @asynccontextmanager
    async def turn(self, chunk: Chunk) -> AsyncIterator[None]:
        """Wait until the chunk may start. It is in progress during the block.

        Raises ``ReplanError`` if the source is to be divided again.
        """
        while not self.closed and not self._may_start(chunk):
            await self._changed.wait()
        if self.closed:
            raise ReplanError
        self._crowded.discard(chunk.number)
        if self._active or chunk.number != self._ledger.lowest_open:
            self._crowded.update(self._active, (chunk.number,))
        self._active.add(chunk.number)
        try:
            yield
        finally:
            self._active.discard(chunk.number)
            self.wake()

    def was_alone(self, chunk: Chunk) -> bool:
        """Return True if the last attempt met no other chunk, and those before were accepted."""
        return chunk.number not in self._crowded

    def wake(self) -> None:
        """Let the waiting chunks look again: a chunk has ended, or the order has changed."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def close(self) -> bool:
        """Let no further chunk start, and wait for those in progress.

        If one of them was accepted, the gate opens again, and False is returned: the source can no
        longer be divided into other chunks.
        """
        self._closing += 1
        try:
            while self._active:
                await self._changed.wait()
            self.closed = self.closed or not self._ledger.any_accepted
        finally:
            self._closing -= 1
            self.wake()
        return self.closed

    def _may_start(self, chunk: Chunk) -> bool:
        if self._closing:
            return False
        order, first = self._adaptation.order, self._ledger.lowest_open
        if order == "sequential" or chunk.number in self._adaptation.careful:
            return not self._active and chunk.number == first
        if self._ledger.any_accepted or chunk.number == first:
            return True
        if order == "first_alone":
            return False
        # The last chunk may have any size, so it may be accepted although the others are too small
        # or too large. Then the source can no longer be divided into other chunks.
        if self._size_is_proven or chunk.stop != self._ledger.total:
            return True
        size = self._ledger.chunk_size
        trusted = size >= TRUSTED * self._adaptation.limits.smallest_chunk
        return trusted and chunk.size >= ALIKE * size
