"""Pages of a bucket's listing, also if the bucket has keys that obstore cannot address.

obstore fails for a whole page if it cannot address one of the page's keys (``unusual_keys``). It
does not return the other keys and cannot continue after the page. The listing then continues after
the last complete page with the package's own requests (``exact_listing``).

A slash at the beginning of a key causes no error: obstore removes it, and the listing would name
another object. For the listing of a whole bucket, one additional request therefore looks for such
keys.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ...errors import SourceError
from ..stores.object_errors import explain
from ..stores.objects import ObjectStores
from ..stores.runtime_exit import answer_of
from ..uris import Place
from .exact_listing import ExactListing, UnlistedError

__all__ = ["object_pages"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")


async def object_pages(
    stores: ObjectStores, place: Place, prefix: str
) -> AsyncGenerator[list[Any], None]:
    """Yield pages of the objects below a prefix; each object is an ``ObjectMeta``.

    ``prefix`` has no slash at its end. Keys that obstore cannot address are included. Raises
    ``SourceError``, also if there is such a key and the store does not answer the package's own
    requests.
    """
    last, failure = "", None
    async with ExactListing(stores, place) as exact:
        try:
            pages = stores.pages(place, prefix or None)
            while (page := await answer_of(anext(pages, None))) is not None:
                # Check before the first page is yielded, because a page may already contain wrong
                # names.
                if not last and not prefix and await _slash_first(exact):
                    break
                last = page[-1]["path"] if page else last
                yield page
            else:
                return
        except Exception as error:
            # obstore is optional, so its error classes are recognised by name.
            if type(error).__name__ != "InvalidPathError":
                raise explain(error, place) from None
            failure = explain(error, place)
        try:
            async with aclosing(exact.pages(f"{prefix}/" if prefix else "", last)) as others:
                async for other in others:
                    yield other
        except UnlistedError as error:
            raise _stopped(place, failure, error) from None


async def _slash_first(exact: ExactListing) -> bool:
    """Return True if a key of the bucket begins with a slash; False if this is unknown."""
    try:
        async with aclosing(exact.pages("/", "", limit=1)) as pages:
            return any([page async for page in pages])
    except UnlistedError as error:
        log.debug("keys that begin with a slash cannot be looked for: %s", error)
        return False


def _stopped(place: Place, failure: SourceError | None, error: UnlistedError) -> SourceError:
    """Return the error for a listing that cannot continue."""
    if failure is None or error.retryable:
        return SourceError(
            f"the listing of {place.store} broke off: {error}", cause="unreachable", retryable=True
        )
    return SourceError(
        f"{failure}; the listing cannot go on behind it ({error})", cause="unsupported"
    )
