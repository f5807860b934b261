"""An opened item (the pinned source), and its comparison with the listed item."""

from abc import ABC, abstractmethod

from ...errors import SourceError
from ...uploads.sources.types import Source
from ..items import Item
from ..uris import shown
from .versions import same_version

__all__ = ["PinnedSource", "changed", "compare"]


class PinnedSource(ABC):
    """An opened item, pinned to its current content."""

    source: Source
    """The bytes: concurrent ranged reads."""
    version: str | None = None
    """The version of the current content."""

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.source.size

    @abstractmethod
    async def address(self, seconds: float) -> str | None:
        """Return a URL that api.video can GET for ``seconds``; None if there is none.

        Raises ``SourceError`` if the URL exists but does not work.
        """

    async def aclose(self) -> None:
        """Close the source."""
        await self.source.aclose()


def compare(item: Item, size: int, versions: tuple[str | None, ...]) -> str | None:
    """Compare an opened source with its item; return the version to store.

    ``versions`` are all versions that the store reports for the current content. An object may have
    been listed with its ETag and opened with its version, so any match counts. Raises
    ``SourceError`` with the cause empty or changed.
    """
    if item.size is not None and item.size != size:
        raise changed(
            item.uri, f"it had {item.size:,} bytes when it was listed and has {size:,} now"
        )
    if item.version is not None and not any(
        same_version(item.version, version) for version in versions
    ):
        raise changed(item.uri, "it is not the version that was listed")
    if size == 0:
        raise SourceError(
            f"{shown(item.uri)} is empty (0 bytes): there is nothing to upload", cause="empty"
        )
    return item.version or next((version for version in versions if version), None)


def changed(uri: str, how: str) -> SourceError:
    """Return the error for content that differs from the listed or opened content."""
    return SourceError(
        f"{shown(uri)} changed since it was listed ({how}): run the ingestion again, which lists it anew",
        cause="changed",
    )
