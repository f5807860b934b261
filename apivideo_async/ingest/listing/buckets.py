"""Lists the objects of a bucket, with one page in memory at a time.

obstore fails for a whole page if it cannot address one of the page's keys (``object_errors``), and
cannot continue after it. The listing then continues after the last complete page with the package's
own requests (``exact_listing``).

A slash at the beginning of a key causes no error: obstore removes it, and would name another
object. One additional request therefore looks for such keys when a whole bucket is listed.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from ...errors import SourceError
from ...uploads.sources.types import valid_name
from ..items import Item, Strategy, ingest_key
from ..stores.object_errors import escape_key, key_fault, plain_key, source_error
from ..stores.objects import ObjectStores, content_versions
from ..stores.runtime_exit import await_obstore
from ..stores.stores import Stores
from ..uris import Location, parse_uri
from .exact_listing import ExactListing, ListingError
from .selection import OnProblem, Selection, log, log_problem

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
    each wanted object whose key obstore cannot address (``object_errors``); such objects are left
    out. Without ``on_problem``, they are logged.

    Raises ``SourceError`` with the cause bucket, credentials, unreachable (``retryable``), or
    unsupported: an invalid prefix, or a key after which the listing cannot continue.
    """
    location = parse_uri(url)
    prefix = location.path.strip("/")
    if fault := prefix and key_fault(prefix):
        raise SourceError(f"{escape_key(url)} cannot be listed: {fault}", cause="unsupported")
    selection, report = Selection(patterns), on_problem or log_problem
    async with aclosing(_pages(stores.objects, location, prefix)) as pages:
        async for page in pages:
            for meta in page:
                if not _is_wanted(meta, prefix, selection):
                    continue
                if fault := key_fault(meta["path"]):
                    key = escape_key(meta["path"])
                    report(f"{location.store}/{key} is left out: {fault}, rename it")
                else:
                    yield object_item(location, meta, strategy)


def _is_wanted(meta: Any, prefix: str, selection: Selection) -> bool:
    key: str = meta["path"]
    if meta["size"] == 0 and "." not in key.rpartition("/")[2]:
        return False
    return selection.matches_key(plain_key(key.removeprefix(f"{prefix}/") if prefix else key))


def object_item(location: Location, meta: Any, strategy: Strategy = "stream") -> Item:
    """Return the item of an object, identified by its version: for most stores, the ETag."""
    key: str = meta["path"]
    version = next(filter(None, content_versions(meta)), None)
    return Item(
        key=ingest_key(location.store, key, version),
        uri=f"{location.store}/{key}",
        size=meta["size"],
        version=version,
        fields={"title": valid_name(key.rpartition("/")[2])},
        strategy=strategy,
    )


async def _pages(
    stores: ObjectStores, location: Location, prefix: str
) -> AsyncGenerator[list[Any], None]:
    """Yield pages of the objects below a prefix; each object is an ``ObjectMeta``.

    ``prefix`` has no slash at its end. Keys that obstore cannot address are included. Raises
    ``SourceError``, also if there is such a key and the store does not answer the package's own
    requests.
    """
    # The last key of the pages that obstore listed, and the reason why it stopped.
    last, failure = "", None
    async with ExactListing(stores, location) as exact:
        try:
            pages = stores.list_pages(location, prefix or None)
            while (page := await await_obstore(anext(pages, None))) is not None:
                # Check before the first page is yielded, because it may contain wrong names.
                if not last and not prefix and await _has_leading_slash(exact):
                    break
                last = page[-1]["path"] if page else last
                yield page
            else:
                return
        except Exception as error:
            failure = source_error(error, location)
            # Keys that obstore cannot address have this cause. All other failures are final.
            if failure.cause != "unsupported":
                raise failure from None
        try:
            async with aclosing(exact.pages(f"{prefix}/" if prefix else "", last)) as others:
                async for other in others:
                    yield other
        except ListingError as error:
            if failure is None or error.retryable:
                text = f"the listing of {location.store} was interrupted: {error}"
                raise SourceError(text, cause="unreachable", retryable=True) from None
            text = f"{failure}; the listing cannot continue after this key ({error})"
            raise SourceError(text, cause="unsupported") from None


async def _has_leading_slash(exact: ExactListing) -> bool:
    """Return True if a key of the bucket begins with a slash; False if this is unknown."""
    try:
        async with aclosing(exact.pages("/", "", limit=1)) as pages:
            return any([page async for page in pages])
    except ListingError as error:
        log.debug("keys that begin with a slash cannot be found: %s", error)
        return False
