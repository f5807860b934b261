"""Cut a stream of unknown length into chunks that can be sent again."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from attrs import define, field

__all__ = ["Buffer", "Piece", "cut"]

SMALL = 16 * 1024
"""Blocks below this size (bytes) are joined.

The objects of many tiny blocks would need more memory than their bytes.
"""

Block = bytes | bytearray | memoryview


class Buffer(Protocol):
    """One buffered chunk."""

    size: int
    last: bool

    async def append(self, block: memoryview, /) -> None:
        """Add bytes to the end."""
        ...

    def read(self, block: int, /) -> AsyncIterator[Block]:
        """Yield the bytes in pieces of at most ``block`` bytes. May be called repeatedly."""
        ...

    def close(self) -> None:
        """Free the memory or the file."""
        ...


@define
class Piece:
    """One chunk buffered in memory."""

    size: int = 0
    last: bool = False
    _blocks: list[Block] = field(factory=list, repr=False)

    async def append(self, block: memoryview) -> None:
        """Add bytes to the end."""
        self.size += len(block)
        tail = self._blocks[-1] if self._blocks else None
        # Extend the last block if it is small and a copy of ours, so that many tiny blocks share
        # one object.
        if isinstance(tail, bytearray) and len(tail) + len(block) <= 4 * SMALL:
            tail += block
        else:
            self._blocks.append(bytearray(block) if len(block) < SMALL else block)

    async def read(self, block: int) -> AsyncIterator[Block]:
        """Yield the bytes in pieces of at most ``block`` bytes. May be called repeatedly."""
        for held in self._blocks:
            view = memoryview(held)
            for start in range(0, len(view), block):
                yield view[start : start + block]

    def close(self) -> None:
        """Free the memory."""
        self._blocks.clear()


async def cut(
    blocks: AsyncIterator[Any], chunk_size: int, start: Callable[[], Buffer] = Piece
) -> AsyncGenerator[Buffer, None]:
    """Yield the chunks of a stream. All but the last one have ``chunk_size`` bytes.

    The caller closes every chunk that it receives. A full chunk is yielded only after the next byte
    or the end has arrived. Only then is it known whether its request must say ``part 3/*`` or
    ``part 3/3``, even if the source ends exactly at a chunk boundary.
    """
    piece = start()
    async with aclosing(blocks) as source:  # type: ignore[type-var]
        async for block in source:
            view = memoryview(block)
            while len(view):
                if piece.size == chunk_size:
                    yield piece
                    piece = start()
                taken = view[: chunk_size - piece.size]
                await piece.append(taken)
                view = view[len(taken) :]
    piece.last = True
    yield piece
