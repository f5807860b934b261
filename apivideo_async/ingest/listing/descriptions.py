"""Items of sources that the caller describes: a line of a manifest, a request to a web backend.

Stores and servers are not asked about these sources, so a million of them can be described quickly.
Errors in a description appear when the source is opened.

Field names are those of ``videos.create``, in the spelling of Python or of the API (``player_id``,
``playerId``, ``player``). In CSV, an empty cell means that the field is not set, lists are
separated by ``;``, and a column ``metadata.X`` sets the metadata pair ``X``.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import evolve, field, frozen

from ...errors import ConfigurationError
from ...uploads.sources.threads import in_thread
from ..items import INGEST_KEY, INGEST_LEDGER, Item, Strategy
from ..stores.local import list_file
from ..uris import parse_uri
from .sources import web_item

__all__ = ["Description", "described_item", "field_name", "make_item", "parse_fields"]

_TEXTS: Final = ("uri", "version", "title", "description", "language", "player_id")
"""Fields whose value is text."""
_BOOLEANS: Final = ("public", "panoramic", "mp4_support", "transcript", "transcript_summary")
"""Fields whose value is true or false."""
_LISTS: Final = ("tags", "transcript_summary_attributes")
"""Fields whose value is a list of texts."""
_ALIASES: Final = {"path": "uri", "url": "uri", "player": "player_id"}
"""Accepted alternative names."""
_CELL_BOOLEANS: Final = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}
"""Values of boolean fields in CSV."""


@frozen
class Description:
    """The description of a source."""

    uri: str = ""
    """The address of the source; empty if it is missing."""
    version: str | None = None
    """The version of the content, if one is given."""
    fields: dict[str, Any] = field(factory=dict)
    """Arguments of ``videos.create``."""
    problems: list[str] = field(factory=list)
    """The problems of the description; empty for a valid one."""


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
    given = {"uri": uri, "version": version, **fields}
    description = parse_fields(given.items(), from_csv=False)
    if description.problems:
        raise ConfigurationError("; ".join(description.problems))
    return await in_thread(described_item, description, Path(), strategy)


def described_item(description: Description, folder: Path, strategy: Strategy) -> Item:
    """Return the item of a valid description (blocking, because local files are checked).

    ``folder`` is the base of relative paths. Raises the errors of ``make_item``.
    """
    location = parse_uri(description.uri)
    if location.scheme != "file":
        item = web_item(description.uri, version=description.version, strategy=strategy)
    elif description.version is None:
        item = list_file(folder / location.path, strategy)
    else:
        raise ConfigurationError(
            "version is only for objects and URLs: the version of a file is its size and time"
        )
    return evolve(item, fields={**item.fields, **description.fields})


def field_name(name: str) -> str | None:
    """Return the canonical name of a field; None if the field does not exist.

    ``metadata.X`` is returned unchanged.
    """
    if name.startswith("metadata.") and len(name) > len("metadata."):
        return name
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    snake = _ALIASES.get(snake, snake)
    return snake if snake in _READERS else None


def parse_fields(given: Iterable[tuple[str, Any]], *, from_csv: bool) -> Description:
    """Read the fields of a source. ``from_csv``: the values are cells of a CSV file.

    Problems are collected in the result; nothing is raised.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    names: set[str | None] = set()
    for name, value in given:
        if value is None or (from_csv and not value.strip()):
            continue
        names.add(field_name(name))
        try:
            _set_field(values, name, value, from_csv=from_csv)
        except ValueError as error:
            problems.append(str(error))
    metadata = values.get("metadata", {})
    problems += [
        f"metadata.{name} is reserved: the ingestion sets it"
        for name in (INGEST_KEY, INGEST_LEDGER)
        if name in metadata
    ]
    if "uri" not in names:
        problems.append("no uri")
    return Description(values.pop("uri", ""), values.pop("version", None), values, problems)


def _set_field(values: dict[str, Any], given_name: str, value: Any, *, from_csv: bool) -> None:
    """Add one field to ``values``. Raises ``ValueError`` with the problem."""
    name = field_name(given_name)
    if name is None:
        raise ValueError(f"unknown field {given_name!r}")
    if name in values:
        raise ValueError(f"{given_name} is given twice")
    try:
        if name.startswith("metadata."):
            values.setdefault("metadata", {})[name.removeprefix("metadata.")] = _text(value)
        else:
            # The readers validate the type, also for cells that could not be converted.
            values[name] = _READERS[name](_convert_cell(name, value) if from_csv else value)
    except ValueError as error:
        text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        text = text if len(text) <= 60 else f"{text[:57]}…"
        raise ValueError(f"{given_name} must be {error}, not {text}") from None


def _convert_cell(name: str, cell: str) -> Any:
    """Convert a CSV cell to the type of its field. Invalid text is returned unchanged."""
    cell = cell.strip()
    if name in _BOOLEANS:
        return _CELL_BOOLEANS.get(cell.lower(), cell)
    if name in _LISTS:
        return [part.strip() for part in cell.split(";") if part.strip()]
    if name == "metadata":
        try:
            return json.loads(cell)
        except ValueError:
            return cell
    return cell


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004  The value comes from a manifest line.
    return value


def _list(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError("a list of texts")
    return value


def _pairs(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for part in value.values()):
        raise ValueError("an object whose values are texts")
    return dict(value)


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_BOOLEANS, _boolean),
    **dict.fromkeys(_LISTS, _list),
    "metadata": _pairs,
}
