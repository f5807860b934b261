"""What applies to all sources of an ingestion: fields of their videos, and a filter."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import PurePosixPath
from string import Formatter
from typing import Any, Final

from attrs import evolve, field, frozen

from ...errors import ConfigurationError
from ...iteration import iterate
from ...uploads.sources.types import valid_name
from ..batching import Items
from ..items import Item
from ..uris import parse_uri
from .selection import matcher

__all__ = ["Defaults", "Filter"]

PARTS: Final = ("stem", "name", "folder")
"""The names in a template: the name without extension, the name, and the folder of the source."""


def _check_template(_: object, __: object, template: str | None) -> None:
    try:
        names = {name for _, name, _, _ in Formatter().parse(template or "") if name is not None}
    except ValueError as error:
        raise ConfigurationError(f"the template of titles is not valid: {error}") from None
    if unknown := names - {*PARTS}:
        known = ", ".join(f"{{{name}}}" for name in PARTS)
        shown = ", ".join(sorted(f"{{{name}}}" for name in unknown))
        raise ConfigurationError(f"a template of titles has {known}, not {shown}")


@frozen(kw_only=True)
class Defaults:
    """Fields for the videos of all sources. Those that a manifest gives take precedence.

    - ``fields``: arguments of ``videos.create``. Metadata is combined with that of a manifest.
    - ``title``: a template with ``{stem}``, ``{name}`` and ``{folder}`` of the source.

    Raises ``ConfigurationError`` for another template.
    """

    fields: dict[str, Any] = field(factory=dict)
    title: str | None = field(default=None, validator=_check_template)

    async def over(self, items: Items) -> AsyncGenerator[Item, None]:
        """Yield the items with these fields."""
        async with aclosing(iterate(items)) as source:
            async for item in source:
                yield self.of(item)

    def of(self, item: Item) -> Item:
        """Return the item with these fields."""
        given = dict(self.fields)
        path = PurePosixPath(parse_uri(item.uri).path.partition("?")[0])
        name = parse_uri(item.uri).name
        if self.title is not None:
            stem = PurePosixPath(name).stem or name
            title = self.title.format(stem=stem, name=name, folder=path.parent.name)
            given["title"] = valid_name(title)
        if not given:
            return item
        own = dict(item.fields)
        # A listing sets the name as the title.
        if "title" in given and own.get("title") == valid_name(name):
            del own["title"]
        if "metadata" in given and "metadata" in own:
            own["metadata"] = {**given["metadata"], **own["metadata"]}
        # ``described`` stays False for a listed file: a manifest may describe it, too.
        return evolve(item, fields={**given, **own})


@frozen(kw_only=True)
class Filter:
    """Which of the listed sources are ingested.

    - ``exclude``: patterns as those of ``list_sources``; a source that matches one is left out.
    - ``min_size``, ``max_size``: bytes. A source of unknown size is not left out.
    """

    exclude: Sequence[str] = ()
    min_size: int | None = None
    max_size: int | None = None

    async def over(self, items: Items) -> AsyncGenerator[Item, None]:
        """Yield the items that are wanted."""
        is_excluded = matcher(self.exclude)
        async with aclosing(iterate(items)) as source:
            async for item in source:
                if self._has_size(item.size) and not is_excluded(parse_uri(item.uri).path):
                    yield item

    def _has_size(self, size: int | None) -> bool:
        if size is None:
            return True
        largest = size if self.max_size is None else self.max_size
        return (self.min_size or 0) <= size <= largest
