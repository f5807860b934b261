"""Lists the objects of a bucket, with one page in memory at a time."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from ...errors import SourceError
from ..items import Item, Strategy, ingest_key
from ..stores.objects import content_versions
from ..stores.stores import Stores
from ..stores.unusual_keys import fault_of, printable, usual
from ..uris import Place, locate
from .object_pages import object_pages
from .problems import OnProblem, log_problem
from .selection import Selection

__all__ = ["list_objects", "object_item"]


async def list_objects(
    url: str,
    *,
    stores: Stores,
    patterns: Sequence[str] = (),
    strategy: Strategy = "stream",
    on_problem: OnProblem | None = None,
) -> AsyncGenerator[Item, None]:
    """List the objects below ``s3://bucket/prefix``, in the order of the store.

    A prefix consists of whole parts of the key: ``s3://bucket/a`` includes ``a/b.mp4`` and excludes
    ``ab.mp4``. Patterns are compared with the key below the prefix; see ``selection``. Empty
    objects without an extension represent folders and are left out. ``on_problem`` is called for
    each wanted object whose key obstore cannot address (``unusual_keys``); such objects are left
    out. Without ``on_problem``, they are logged.

    Raises ``SourceError`` with the cause bucket, credentials, unreachable (``retryable``), or
    unsupported. The last one is for an invalid prefix, or for a key after which the listing cannot
    continue.
    """
    place = locate(url)
    prefix = place.path.strip("/")
    if fault := prefix and fault_of(prefix):
        raise SourceError(f"{printable(url)} cannot be listed: {fault}", cause="unsupported")
    selection, report = Selection(patterns), on_problem or log_problem
    async with aclosing(object_pages(stores.objects, place, prefix)) as pages:
        async for page in pages:
            for meta in page:
                if not _wanted(meta, prefix, selection):
                    continue
                if fault := fault_of(meta["path"]):
                    report(
                        f"{place.store}/{printable(meta['path'])} is left out: {fault}, rename it"
                    )
                else:
                    yield object_item(place, meta, strategy)


def _wanted(meta: Any, prefix: str, selection: Selection) -> bool:
    """Return True if an object is wanted and does not represent a folder."""
    key: str = meta["path"]
    if meta["size"] == 0 and "." not in key.rpartition("/")[2]:
        return False
    return selection.takes_key(usual(key.removeprefix(f"{prefix}/") if prefix else key))


def object_item(place: Place, meta: Any, strategy: Strategy = "stream") -> Item:
    """Return the item of an object, identified by its version: for most stores, the ETag."""
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
