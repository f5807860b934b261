"""Uploads of small files, such as thumbnails, in one request, from the same sources as videos."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial

from ..errors import SourceError
from ..protocol.request import FilePart
from .sources.chunker import StreamFeed
from .sources.opening import open_source
from .sources.types import (
    BLOCK,
    DEFAULT_NAME,
    Block,
    Source,
    SourceLike,
    content_type,
    guarded_blocks,
)

__all__ = ["attachment"]


@asynccontextmanager
async def attachment(
    given: SourceLike, filename: str | None, largest: int, *, default_name: str = "image"
) -> AsyncIterator[FilePart]:
    """Open a source and yield it as one file part of at most ``largest`` bytes.

    A source without a name gets ``default_name``. If that has no suffix, the suffix of the detected
    image type is added, because the service checks suffixes. Raises ``SourceError`` if the source
    is empty, too large or not readable.
    """
    source = await open_source(given, filename)
    try:
        if isinstance(source, Source):
            size, blocks = source.size, partial(source.read, 0, source.size)
        else:
            # A stream has no size in advance. Buffer it, and stop one byte above the limit.
            stream = guarded_blocks(source.blocks(), source.name)
            async with (
                aclosing(stream),
                aclosing(StreamFeed(source.name, stream).cut(largest + 1)) as buffers,
            ):
                buffer = await anext(buffers)
            size, blocks = buffer.size, partial(buffer.read, BLOCK)
        if not 0 < size <= largest:
            raise SourceError(f"{source.name} must have 1 to {largest:,} bytes, not {size:,}")
        name = source.name
        if filename is None and name == DEFAULT_NAME:
            known = "." in default_name
            name = (
                default_name
                if known
                else default_name + await _suffix(guarded_blocks(blocks(), name))
            )
        yield FilePart(name, size, lambda: guarded_blocks(blocks(), name), content_type(name))
    finally:
        # The caller closes a ``Source`` or ``Stream`` that it passed in.
        if source is not given:
            await source.aclose()


async def _suffix(blocks: AsyncGenerator[Block, None]) -> str:
    """Detect the image type from its first bytes. JPEG is the default."""
    async with aclosing(blocks):
        head = bytes((await anext(blocks))[:12])
    if head.startswith(b"\x89PNG"):
        return ".png"
    return ".webp" if head[:4] == b"RIFF" and head[8:] == b"WEBP" else ".jpg"
