"""Pages of a listing, also where a key stops obstore.

obstore fails for a whole page if it cannot address one of its keys (``unusual_keys``), tells nothing about the
others, and cannot go on behind it. So the listing continues with requests of our own (``exact_listing``), from the
last page on. A slash at the beginning of a key does not fail but disappears, so that the listing would name another
object: for a whole bucket one more request looks for such keys.
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


async def object_pages(stores: ObjectStores, place: Place, prefix: str) -> AsyncGenerator[list[Any], None]:
    """List what is below a prefix, without the slash at its end; each page holds obstore's ``ObjectMeta``.

    Keys that obstore cannot address are among them. Raises ``SourceError``, also if there is such a key and the store
    does not answer our own requests.
    """
    last, failure = "", None
    async with ExactListing(stores, place) as exact:
        try:
            pages = stores.pages(place, prefix or None)
            while (page := await answer_of(anext(pages, None))) is not None:
                if not last and not prefix and await _slash_first(exact):
                    break
                last = page[-1]["path"] if page else last
                yield page
            else:
                return
        except Exception as error:
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
    """Return True if some key of the bucket begins with a slash; False if the store does not tell."""
    try:
        async with aclosing(exact.pages("/", "", limit=1)) as pages:
            return any([page async for page in pages])
    except UnlistedError as error:
        log.debug("keys that begin with a slash cannot be looked for: %s", error)
        return False


def _stopped(place: Place, failure: SourceError | None, error: UnlistedError) -> SourceError:
    if failure is None or error.retryable:
        return SourceError(f"the listing of {place.store} broke off: {error}", cause="unreachable", retryable=True)
    return SourceError(f"{failure}; the listing cannot go on behind it ({error})", cause="unsupported")
