"""Sources of which somebody says what they are: a line of a manifest, a request to a web backend.

Stores and servers are not asked about them, so a million can be described quickly; what is wrong with them shows when
they are opened.
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


async def make_item(uri: str, *, version: str | None = None, strategy: Strategy = "stream", **fields: Any) -> Item:
    """Describe one source; ``fields`` are what a line of a manifest may say of its video, such as ``title``.

    ``version`` tells one content of an object or URL from the next; without it, an address is ingested once. Raises
    ``ConfigurationError`` for unknown or wrong fields, and ``SourceError`` for an address that cannot be read from, or
    a local file that is missing; both are a ``ValueError``.
    """
    line = parse({"uri": uri, "version": version, **fields}.items(), text=False)
    if line.problems:
        raise ConfigurationError("; ".join(line.problems))
    return await in_thread(described, line, Path(), strategy)


def described(line: Line, folder: Path, strategy: Strategy) -> Item:
    """Make the item of a line; local files are looked at (blocking). Raises as ``make_item`` does."""
    place = locate(line.uri)
    if place.scheme != "file":
        item = web_item(line.uri, version=line.version, strategy=strategy)
    elif line.version is None:
        item = list_file(folder / place.path, strategy)
    else:
        raise ConfigurationError("version is for objects and URLs: a file's are its size and time")
    return evolve(item, fields={**item.fields, **line.fields})
