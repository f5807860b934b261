"""Cuts a stream of unknown length into chunks that can be sent again."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from attrs import define, field

__all__ = ["Buffer", "Piece", "cut"]

SMALL = 16 * 1024
"""Blocks below this are joined, because a buffer of many tiny objects would cost more than their bytes."""

Block = bytes | bytearray | memoryview


class Buffer(Protocol):
    """One buffered chunk."""

    size: int
    last: bool

    async def append(self, block: memoryview, /) -> None:
        """Add bytes to the end."""
        ...

    def read(self, block: int, /) -> AsyncIterator[Block]:
        """Give the bytes, as often as asked, in pieces of at most ``block``."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
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
        if isinstance(tail, bytearray) and len(tail) + len(block) <= 4 * SMALL:
            tail += block
        else:
            self._blocks.append(bytearray(block) if len(block) < SMALL else block)

    async def read(self, block: int) -> AsyncIterator[Block]:
        """Give the bytes, as often as asked, in pieces of at most ``block``."""
        for held in self._blocks:
            view = memoryview(held)
            for start in range(0, len(view), block):
                yield view[start : start + block]

    def close(self) -> None:
        """Drop the bytes."""
        self._blocks.clear()


async def cut(
    blocks: AsyncIterator[Any], chunk_size: int, start: Callable[[], Buffer] = Piece
) -> AsyncGenerator[Buffer, None]:
    """Give full chunks and then the last one, which is known to be the last; who takes one closes it.

    A full chunk is held back until one more byte or the end has come: only then is it clear whether its request
    must say ``part 3/*`` or ``part 3/3``, also when the source ends exactly on a boundary.
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
