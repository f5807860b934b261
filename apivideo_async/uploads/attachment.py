"""Small files that go in one request: thumbnails and the like, from the same sources as videos."""

import mimetypes
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from ..errors import SourceError
from ..protocol.request import FilePart
from .cutter import cut
from .sources import BLOCK, Source, SourceLike, open_source

__all__ = ["attachment"]


@asynccontextmanager
async def attachment(given: SourceLike, filename: str | None, largest: int) -> AsyncIterator[FilePart]:
    """Open a source as one file part. Raises ``SourceError`` when it is empty or above ``largest`` bytes."""
    source = await open_source(given, filename)
    try:
        if isinstance(source, Source):
            size, read = source.size, lambda: source.read(0, source.size)
        else:
            async with aclosing(cut(source.blocks(), largest + 1)) as pieces:
                piece = await anext(pieces)
            size, read = piece.size, lambda: piece.read(BLOCK)
        if not 0 < size <= largest:
            raise SourceError(f"{source.name} must have 1 to {largest:,} bytes, not {size:,}")
        kind = mimetypes.guess_type(source.name)[0] or "application/octet-stream"
        yield FilePart(source.name, size, read, kind)
    finally:
        if source is not given:
            await source.aclose()
