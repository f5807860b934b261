"""Recognises an address given by the user: folder, file, pattern, prefix, object or URL."""

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from ...errors import SourceError
from ...uploads.sources.threads import in_thread
from ...uploads.sources.types import valid_name
from ..items import Item, Strategy, ingest_key
from ..stores.local import list_file
from ..stores.object_errors import escape_key, key_fault
from ..stores.pinned import given_version
from ..stores.stores import Stores
from ..uris import OBJECT_SCHEMES, WEB_SCHEMES, Location, identity, parse_uri
from .buckets import list_objects, object_item
from .folders import list_folder
from .selection import OnProblem, has_wildcard, split_wildcard

__all__ = ["list_sources", "web_item"]


async def list_sources(
    spec: str | os.PathLike[str],
    *,
    stores: Stores,
    patterns: Sequence[str] = (),
    settle: float = 0,
    strategy: Strategy = "stream",
    on_problem: OnProblem | None = None,
) -> AsyncGenerator[Item, None]:
    """List the sources that ``spec`` refers to, in constant memory.

    - A folder, or ``s3://bucket/prefix``: every video below it, or the files that match
      ``patterns`` (``selection``).
    - A path or object address with ``*``, ``?`` or ``[``: the files that match it.
    - A file, an object or an ``http(s)`` URL: this source, whatever its extension is.

    ``settle`` and ``on_problem`` are those of ``list_folder``. Raises ``SourceError`` when nothing
    exists at this address.
    """
    location = parse_uri(os.fspath(spec))
    if location.scheme in WEB_SCHEMES:
        yield web_item(os.fspath(spec), strategy=strategy)
        return
    if location.scheme in OBJECT_SCHEMES:
        items = _objects(location, patterns, strategy, stores, on_problem)
    else:
        items = _files(Path(location.path), patterns, settle, strategy, on_problem)
    async with aclosing(items):
        async for item in items:
            yield item


async def _files(
    path: Path,
    patterns: Sequence[str],
    settle: float,
    strategy: Strategy,
    on_problem: OnProblem | None,
) -> AsyncGenerator[Item, None]:
    # A name that contains wildcard characters and exists is a file or folder.
    if not await in_thread(os.path.lexists, path) and has_wildcard(str(path)):
        folder, pattern = split_wildcard(path.as_posix())
        path, patterns = Path(folder or "."), [pattern]
    elif not await in_thread(path.is_dir):
        yield await in_thread(list_file, path, strategy)
        return
    items = list_folder(
        path, patterns=patterns, settle=settle, strategy=strategy, on_problem=on_problem
    )
    async with aclosing(items):
        async for item in items:
            yield item


async def _objects(
    location: Location,
    patterns: Sequence[str],
    strategy: Strategy,
    stores: Stores,
    on_problem: OnProblem | None,
) -> AsyncGenerator[Item, None]:
    url = f"{location.store}/{location.path}"
    may_be_empty = not location.path or location.path.endswith("/")
    if not may_be_empty:
        if fault := key_fault(location.path):
            text = f"{escape_key(url)} cannot be read: {fault}: rename it"
            raise SourceError(text, cause="unsupported")
        # An address without a slash at the end may be an object, a pattern or a prefix. An existing
        # object has precedence.
        meta = await stores.objects.find(location)
        if meta is not None:
            yield object_item(location, meta, strategy)
            return
        if has_wildcard(location.path):
            folder, pattern = split_wildcard(location.path)
            url, patterns, may_be_empty = f"{location.store}/{folder}", [pattern], True
    is_empty = True
    items = list_objects(
        url, stores=stores, patterns=patterns, strategy=strategy, on_problem=on_problem
    )
    async with aclosing(items):
        async for item in items:
            is_empty = False
            yield item
    # An empty prefix is no error if its address is clearly a prefix or a pattern.
    if is_empty and not may_be_empty:
        text = f"there is no object {url}, and no video below this prefix"
        raise SourceError(text, cause="missing")


def web_item(uri: str, *, version: str | None = None, strategy: Strategy = "stream") -> Item:
    """Return the item of a URL, without a request to its server."""
    location, version = parse_uri(uri), given_version(version)
    return Item(
        key=ingest_key(*identity(location), version),
        uri=uri,
        version=version,
        fields={"title": valid_name(location.name)},
        strategy=strategy,
    )
