"""Listing a bucket: a stream of pages, of which one is in memory."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from ...errors import SourceError
from ..items import Item, Strategy, ingest_key
from .addresses import Place, locate
from .object_errors import explain
from .objects import content_versions
from .selection import Selection
from .stores import Stores

__all__ = ["list_objects", "object_item"]


async def list_objects(
    url: str, *, stores: Stores, patterns: Sequence[str] = (), strategy: Strategy = "stream"
) -> AsyncGenerator[Item, None]:
    """List the objects below ``s3://bucket/prefix``, in the order of the store.

    A prefix is whole parts of the key: ``s3://bucket/a`` lists ``a/b.mp4`` and not ``ab.mp4``. Patterns are compared
    with the key below the prefix; see :mod:`.selection`. Empty objects without an extension stand for folders and are
    left out. Raises ``SourceError``: bucket, credentials, unreachable (``retryable``), or unsupported for a key that
    obstore cannot name.
    """
    place = locate(url)
    prefix = place.path.strip("/")
    selection = Selection(patterns)
    try:
        async for page in stores.objects.pages(place, prefix or None):
            for meta in page:
                if _wanted(meta, prefix, selection):
                    yield object_item(place, meta, strategy)
    except SourceError:
        raise
    except Exception as error:
        raise explain(error, place) from None


def _wanted(meta: Any, prefix: str, selection: Selection) -> bool:
    key: str = meta["path"]
    if meta["size"] == 0 and "." not in key.rpartition("/")[2]:
        return False
    return selection.takes_key(key.removeprefix(f"{prefix}/") if prefix else key)


def object_item(place: Place, meta: Any, strategy: Strategy = "stream") -> Item:
    """Describe an object; its content is known by its version, which for most stores is the ETag."""
    key: str = meta["path"]
    version = next((text for text in content_versions(meta) if text), None)
    return Item(
        key=ingest_key(place.store, key, version),
        uri=f"{place.store}/{key}",
        size=meta["size"],
        version=version,
        fields={"title": key.rpartition("/")[2]},
        strategy=strategy,
    )
