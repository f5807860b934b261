"""Items of sources that the caller describes: a line of a manifest, a request to a web backend.

No store or server is asked, so a million items are created quickly. A missing object or web file is
found when the item is opened.

Field names are those of ``videos.create``, in the spelling of Python or of the API (``player_id``,
``playerId``, ``player``). In CSV, an empty cell means that the field is not set, lists are
separated by ``;``, and a column ``metadata.X`` sets the metadata pair ``X``.
"""

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from attrs import evolve, field, frozen

from ...errors import ConfigurationError
from ...text import check_all_sendable, check_sendable, clean
from ...uploads.sources.threads import in_thread
from ..items import INGEST_KEY, INGEST_LEDGER, Item, Strategy
from ..stores.local import list_file
from ..uris import parse_uri
from .sources import web_item

__all__ = ["Description", "described_item", "field_name", "make_item", "parse_fields"]

_ALIASES: Final = {"path": "uri", "url": "uri", "player": "player_id"}
_TEXT: Final = "a text"
_BOOLEAN: Final = "true or false"
_LIST: Final = "a list of texts"
_PAIRS: Final = "an object whose values are texts"
_KINDS: Final = {
    "uri": _TEXT,
    "version": _TEXT,
    "title": _TEXT,
    "description": _TEXT,
    "language": _TEXT,
    "player_id": _TEXT,
    "public": _BOOLEAN,
    "panoramic": _BOOLEAN,
    "mp4_support": _BOOLEAN,
    "transcript": _BOOLEAN,
    "transcript_summary": _BOOLEAN,
    "tags": _LIST,
    "transcript_summary_attributes": _LIST,
    "metadata": _PAIRS,
}
_IS_VALID: Final[dict[str, Callable[[Any], bool]]] = {
    _TEXT: lambda value: isinstance(value, str) and value != "",
    _BOOLEAN: lambda value: isinstance(value, bool),
    _LIST: lambda value: isinstance(value, list) and _are_texts(value),
    _PAIRS: lambda value: isinstance(value, Mapping) and _are_texts(value.values()),
}


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


@frozen
class Description:
    """The description of a source."""

    uri: str = ""
    """The address of the source; empty if it is missing."""
    version: str | None = None
    fields: dict[str, Any] = field(factory=dict)
    """Arguments of ``videos.create``."""
    problems: list[str] = field(factory=list)
    """Empty for a valid description."""


async def make_item(
    uri: str, *, version: str | None = None, strategy: Strategy = "stream", **fields: Any
) -> Item:
    """Create the item of one source.

    ``fields`` are those of a manifest, such as ``title``. ``version`` distinguishes one content of
    an object or URL from the next; without it, an address is ingested only once. Raises
    ``ConfigurationError`` for unknown or invalid fields, and ``SourceError`` for an address that
    cannot be a source or a local file that is missing. Both are subclasses of ``ValueError``.
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


@functools.lru_cache(maxsize=256)
def field_name(name: str) -> str | None:
    """Return the Python name of a field, or ``metadata.X`` unchanged; None if there is none."""
    if name.startswith("metadata.") and len(name) > len("metadata."):
        return name
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    snake = _ALIASES.get(snake, snake)
    return snake if snake in _KINDS else None


def parse_fields(given: Iterable[tuple[str, Any]], *, from_csv: bool) -> Description:
    """Read the fields of a source (CSV cells with ``from_csv``), and collect their problems."""
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
    kind = _KINDS.get(name, _TEXT)
    if from_csv and name in _KINDS:
        value = _convert_cell(kind, value.strip())
    if not _IS_VALID[kind](value):
        text = repr(value)
        if not isinstance(value, str):
            text = json.dumps(value, ensure_ascii=False, default=repr)
        text = clean(text, 60)
        raise ValueError(f"{given_name} must be {kind}, not {text}")
    if name != "uri":
        # A local path may contain any character; other addresses are checked by ``parse_uri``.
        check_sendable("a name", given_name)
        check_all_sendable(value, given_name)
    if name in _KINDS:
        values[name] = dict(value) if kind == _PAIRS else value
    else:
        values.setdefault("metadata", {})[name.removeprefix("metadata.")] = value


def _convert_cell(kind: str, cell: str) -> Any:
    """Convert a CSV cell to a value of this kind. Invalid text is returned unchanged."""
    if kind == _BOOLEAN:
        if cell.lower() in ("true", "yes", "1"):
            return True
        return False if cell.lower() in ("false", "no", "0") else cell
    if kind == _LIST:
        return [part.strip() for part in cell.split(";") if part.strip()]
    if kind == _PAIRS:
        with suppress(ValueError):
            return json.loads(cell)
    return cell
