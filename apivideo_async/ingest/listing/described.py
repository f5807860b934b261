"""Items of sources that the caller describes: a line of a manifest, a request to a web backend.

Stores and servers are not asked about these sources, so a million of them can be described quickly.
Errors in a description appear when the source is opened.
"""

from pathlib import Path
from typing import Any

from attrs import evolve

from ...errors import ConfigurationError
from ...uploads.sources.threads import in_thread
from ..items import Item, Strategy
from ..stores.local import list_file
from ..uris import locate
from .manifest_fields import Line, parse
from .sources import web_item

__all__ = ["described", "make_item"]


async def make_item(
    uri: str, *, version: str | None = None, strategy: Strategy = "stream", **fields: Any
) -> Item:
    """Create the item of one source.

    ``fields`` are the fields that a line of a manifest may have, such as ``title``. ``version``
    distinguishes one content of an object or URL from the next. Without it, an address is ingested
    only once. Raises ``ConfigurationError`` for unknown or invalid fields. Raises ``SourceError``
    for an address that cannot be a source, or a local file that is missing. Both are subclasses of
    ``ValueError``.
    """
    line = parse({"uri": uri, "version": version, **fields}.items(), text=False)
    if line.problems:
        raise ConfigurationError("; ".join(line.problems))
    return await in_thread(described, line, Path(), strategy)


def described(line: Line, folder: Path, strategy: Strategy) -> Item:
    """Return the item of a line (blocking, because local files are checked).

    ``folder`` is the base of relative paths. Raises the errors of ``make_item``.
    """
    place = locate(line.uri)
    if place.scheme != "file":
        item = web_item(line.uri, version=line.version, strategy=strategy)
    elif line.version is None:
        item = list_file(folder / place.path, strategy)
    else:
        raise ConfigurationError("version is for objects and URLs: a file's are its size and time")
    return evolve(item, fields={**item.fields, **line.fields})
