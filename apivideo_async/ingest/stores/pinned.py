"""An opened item, and the comparison with what was listed."""

from abc import ABC, abstractmethod

from ...errors import SourceError
from ...uploads.sources.opening import Source
from ..items import Item
from ..uris import shown
from .versions import same_version

__all__ = ["Original", "changed", "compare"]


class Original(ABC):
    """An opened item."""

    source: Source
    """Its bytes: ranged reads, many at once."""
    version: str | None = None
    """What tells this content from a later one, as found now."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.source.size

    @abstractmethod
    async def address(self, seconds: float) -> str | None:
        """Give a URL that api.video can GET for that long; None: there is none.

        Raises ``SourceError`` when there is one that does not work.
        """

    async def aclose(self) -> None:
        """Give back what it holds."""
        await self.source.aclose()


def compare(item: Item, size: int, versions: tuple[str | None, ...]) -> str | None:
    """Check what was found against what was listed; the version that counts.

    ``versions`` are the names that the store has for the content now: an object may be listed with its ETag and opened
    with its version. Raises ``SourceError``: empty or changed.
    """
    if item.size is not None and item.size != size:
        raise changed(item.uri, f"it had {item.size:,} bytes when it was listed and has {size:,} now")
    if item.version is not None and not any(same_version(item.version, version) for version in versions):
        raise changed(item.uri, "it is not the version that was listed")
    if size == 0:
        raise SourceError(f"{shown(item.uri)} is empty (0 bytes): there is nothing to upload", cause="empty")
    return item.version or next((version for version in versions if version), None)


def changed(uri: str, how: str) -> SourceError:
    """Make the error for content that is not what was listed or opened."""
    return SourceError(
        f"{shown(uri)} changed since it was listed ({how}): run the ingestion again, which lists it anew",
        cause="changed",
    )
