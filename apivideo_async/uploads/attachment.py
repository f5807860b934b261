"""Small files that go in one request: thumbnails and the like, from the same sources as videos."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial

from ..errors import SourceError
from ..protocol.request import FilePart
from .sources.chunker import cut
from .sources.opening import BLOCK, NAMELESS, Source, SourceLike, content_type, flow, open_source

__all__ = ["attachment"]


@asynccontextmanager
async def attachment(
    given: SourceLike, filename: str | None, largest: int, *, nameless: str = "image"
) -> AsyncIterator[FilePart]:
    """Open a source as one file part. Raises ``SourceError`` when it is empty or above ``largest`` bytes.

    ``nameless`` is the name of a source that has none; one without a suffix gets that of the image's kind, because
    the service looks at suffixes.
    """
    source = await open_source(given, filename)
    try:
        if isinstance(source, Source):
            size, blocks = source.size, partial(source.read, 0, source.size)
        else:
            async with aclosing(cut(flow(source.blocks()), largest + 1)) as pieces:
                piece = await anext(pieces)
            size, blocks = piece.size, partial(piece.read, BLOCK)
        if not 0 < size <= largest:
            raise SourceError(f"{source.name} must have 1 to {largest:,} bytes, not {size:,}")
        name = source.name
        if filename is None and name == NAMELESS:
            name = nameless if "." in nameless else nameless + await _suffix(flow(blocks()))
        yield FilePart(name, size, lambda: flow(blocks()), content_type(name))
    finally:
        if source is not given:
            await source.aclose()


async def _suffix(blocks: AsyncGenerator[bytes | bytearray | memoryview, None]) -> str:
    async with aclosing(blocks):
        head = bytes((await anext(blocks))[:12])
    if head.startswith(b"\x89PNG"):
        return ".png"
    return ".webp" if head[:4] == b"RIFF" and head[8:] == b"WEBP" else ".jpg"
