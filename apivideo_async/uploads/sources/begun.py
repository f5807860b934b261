"""Starts to read a stream before anything is requested for it, and checks its length."""

from collections.abc import AsyncGenerator

from ...errors import SourceError
from .types import Block, Stream, guarded_blocks

__all__ = ["BegunStream", "begin"]


class BegunStream:
    """A stream whose first bytes have been read. Errors of the stream are ``SourceError``."""

    def __init__(self, name: str, first: Block, rest: AsyncGenerator[Block, None]) -> None:
        self.name = name
        self._first = first
        self._rest = rest

    async def blocks(self) -> AsyncGenerator[Block, None]:
        """Yield all bytes. Called once."""
        first, self._first = self._first, b""
        yield first
        del first  # It may be large.
        async for block in self._rest:
            yield block

    async def aclose(self) -> None:
        """End the iteration of the stream."""
        await self._rest.aclose()


async def begin(stream: Stream, size: int | None = None) -> BegunStream:
    """Wait for the first bytes of a stream.

    ``size`` is the number of bytes that it must have; None: the one that it announces itself, if
    any. Raises ``SourceError`` if the stream is empty or fails at once. The iteration raises it
    before the last bytes are yielded completely, if their number is wrong.
    """
    size = stream.size if size is None else size
    blocks = guarded_blocks(stream.blocks(), stream.name)
    if size is not None:
        blocks = _counted(blocks, stream.name, size)
    async for first in blocks:
        if len(first):
            return BegunStream(stream.name, first, blocks)
    raise SourceError(
        f"{stream.name}: the source is empty (0 bytes): there is nothing to upload. If it was read "
        "before, call seek(0) first",
        cause="empty",
    )


async def _counted(
    blocks: AsyncGenerator[Block, None], name: str, size: int
) -> AsyncGenerator[Block, None]:
    """Yield the blocks. Raises ``SourceError`` if they have more or fewer than ``size`` bytes."""
    count = 0
    try:
        async for block in blocks:
            count += memoryview(block).nbytes
            if count > size:
                raise SourceError(
                    f"{name} has more than the expected {size:,} bytes: the upload was not "
                    "completed"
                )
            yield block
    finally:
        await blocks.aclose()
    if 0 < count < size:
        raise SourceError(
            f"{name} ended after {count:,} of {size:,} bytes, for example because its connection "
            "was lost: the upload was not completed"
        )
