"""Opens what is ingested."""

from typing import Protocol

from ..errors import SourceError
from ..uploads.sources import Source, open_source
from .items import Item

__all__ = ["Original", "Stores"]


class Original(Protocol):
    """An opened item."""

    source: Source
    size: int
    version: str | None

    async def address(self, seconds: float) -> str | None:
        """A URL that api.video can get for that long; None when there is none."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds."""
        ...


class _Local:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.size = source.size
        self.version: str | None = None

    async def address(self, seconds: float) -> str | None:
        return None

    async def aclose(self) -> None:
        await self.source.aclose()


class Stores:
    """Everything that can be opened."""

    async def open(self, item: Item) -> Original:
        """Open an item."""
        source = await open_source(item.uri)
        if not isinstance(source, Source):
            raise SourceError(f"{item.uri} is no regular file")
        return _Local(source)

    async def aclose(self) -> None:
        """Close."""
