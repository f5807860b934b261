"""The order in which the chunks of one upload start (see ``ChunkOrder``)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field

from .adaptation import Adaptation
from .ledger import Ledger
from .plan import Chunk

__all__ = ["ChunkGate", "ReplanError"]

TAIL = 0.75
"""A chunk below this share of the chunk size is a tail: another size may be allowed for it."""


class ReplanError(Exception):
    """The source must be divided into other chunks. It never leaves the upload engine."""


@define(eq=False)
class ChunkGate:
    """Lets a chunk start when the order of the adaptation allows it."""

    _ledger: Ledger
    _adaptation: Adaptation
    _size_is_proven: bool
    """True if the service has accepted chunks of this size: the tail need not wait."""
    _active: set[int] = field(factory=set, init=False)
    _crowded: set[int] = field(factory=set, init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)
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

    async def close(self) -> None:
        """Let no further chunk start, and wait for those in progress."""
        self.closed = True
        self.wake()
        while self._active:
            await self._changed.wait()

    def _may_start(self, chunk: Chunk) -> bool:
        order, first = self._adaptation.order, self._ledger.lowest_open
        if order == "sequential" or chunk.number in self._adaptation.careful:
            return not self._active and chunk.number == first
        if self._ledger.any_accepted or chunk.number == first:
            return True
        if order == "first_alone":
            return False
        # If the service allows other sizes than ours, an accepted tail would stay behind when the
        # rest is divided again.
        tail = chunk.size < TAIL * self._ledger.chunk_size
        return self._size_is_proven or not tail
