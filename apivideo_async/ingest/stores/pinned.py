"""Opened items (pinned sources), and the comparison of versions.

ETags are normalised to the strong, quoted form, so that the ETag in a listing and in a response are
equal for the same content: Azure and some S3 servers list ``0x1D`` and respond with ``"0x1D"`` to
GET, and servers that compress add ``W/``.
"""

from attrs import define, evolve

from ...errors import SourceError
from ...uploads.sources.types import Source
from ..items import LARGEST_INTEGER, Item, key_of_version
from ..uris import shown

__all__ = [
    "NewVersionError",
    "PinnedSource",
    "changed_error",
    "check_version",
    "given_version",
    "is_weak",
    "normalise_etag",
    "same_version",
]


class NewVersionError(SourceError):
    """The source has another content than when it was listed. ``item`` is the source as it is."""

    def __init__(self, message: str, item: Item) -> None:
        super().__init__(message, cause="changed")
        self.item = item


@define(slots=False, eq=False)
class PinnedSource:
    """An opened item, pinned to its current content."""

    source: Source
    """The bytes: concurrent ranged reads."""
    version: str | None

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.source.size

    def check_size(self, item: Item, largest: int) -> None:
        """Raise ``SourceError`` for a size that api.video does not accept."""
        if 0 < self.size <= largest:
            return
        possible = 0 <= self.size <= LARGEST_INTEGER
        size = f"{self.size:,} bytes" if possible else "no possible number of bytes"
        raise SourceError(
            f"{item.shown} has {size}; api.video accepts 1 to {largest:,}", cause="unsupported"
        )

    async def sample(self) -> str | None:
        """Return a digest of the content for a local file, else None: stores have versions.

        Raises ``SourceError`` if the file cannot be read or has changed.
        """
        return None

    async def pull_url(self, seconds: float) -> str | None:
        """Return a URL that api.video can GET for ``seconds``; None if there is none.

        Raises ``SourceError`` if the URL exists but does not work.
        """
        return None

    async def aclose(self) -> None:
        """Close the source."""
        await self.source.aclose()


def check_version(item: Item, size: int, versions: tuple[str | None, ...]) -> str | None:
    """Compare an opened source with its item; return the version to store.

    ``versions`` are all versions that the store reports for the current content. Any match counts,
    because an item may have been listed with its ETag and opened with its version. Raises
    ``SourceError`` with the cause empty or changed, the latter for a listed item as
    ``NewVersionError``.
    """
    difference = _difference(item, size, versions)
    if difference and item.size is None:  # The version was given by a person.
        raise changed_error(item.uri, difference)
    if difference:
        version = next(filter(None, versions), None)
        key = key_of_version(item.uri, size, version)
        current = evolve(item, key=key, size=size, version=version)
        raise NewVersionError(f"{item.shown} changed since it was listed ({difference})", current)
    if size == 0:
        text = f"{item.shown} is empty (0 bytes): there is nothing to upload"
        raise SourceError(text, cause="empty")
    return item.version or next(filter(None, versions), None)


def _difference(item: Item, size: int, versions: tuple[str | None, ...]) -> str:
    if item.size is not None and item.size != size:
        return f"its size was {item.size:,} bytes and is {size:,} now"
    known = item.version
    if known is not None and not any(same_version(known, version) for version in versions):
        return "its version is different"
    return ""


def changed_error(uri: str, reason: str) -> SourceError:
    """Return the error for content that differs from the listed or opened content."""
    return SourceError(
        f"{shown(uri)} changed since it was listed ({reason}): run the ingestion again to list it",
        cause="changed",
    )


def normalise_etag(text: str | None) -> str | None:
    """Return the strong, quoted form of an ETag; None if it is missing or empty."""
    opaque = _opaque(text or "")
    return f'"{opaque}"' if opaque else None


def given_version(text: str | None) -> str | None:
    """Normalise a version from the caller: quoted text as an ETag, other text unchanged."""
    return normalise_etag(text) if text is not None and text.endswith('"') else text


def same_version(first: str | None, second: str | None) -> bool:
    """Return True if two versions are equal apart from quotes and the weak prefix."""
    return first is not None and second is not None and _opaque(first) == _opaque(second)


def is_weak(etag: str) -> bool:
    """Return True for a weak ETag, which never matches in ``If-Match`` (RFC 9110 §13.1.1)."""
    return etag.startswith("W/")


def _opaque(text: str) -> str:
    """Return the text of an ETag without the weak prefix and the quotes."""
    text = text.removeprefix("W/")
    return text[1:-1] if len(text) >= 2 and text.startswith('"') and text.endswith('"') else text
