"""Small files that go in one request: thumbnails and the like, from the same sources as videos."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from ..errors import SourceError
from ..protocol.request import FilePart
from .cutter import cut
from .sources import BLOCK, Source, SourceLike, content_type, flow, open_source

__all__ = ["attachment"]


@asynccontextmanager
async def attachment(given: SourceLike, filename: str | None, largest: int) -> AsyncIterator[FilePart]:
    """Open a source as one file part. Raises ``SourceError`` when it is empty or above ``largest`` bytes."""
    source = await open_source(given, filename)
    try:
        if isinstance(source, Source):
            size, read = source.size, lambda: flow(source.read(0, source.size))
        else:
            async with aclosing(cut(flow(source.blocks()), largest + 1)) as pieces:
                piece = await anext(pieces)
            size, read = piece.size, lambda: flow(piece.read(BLOCK))
        if not 0 < size <= largest:
            raise SourceError(f"{source.name} must have 1 to {largest:,} bytes, not {size:,}")
        yield FilePart(source.name, size, read, content_type(source.name))
    finally:
        if source is not given:
            await source.aclose()
