"""The fields of a line of a manifest, and the conversion of text to values.

Field names are those of ``videos.create``, in the spelling of Python or of the API (``player_id``,
``playerId``, ``player``). In CSV, an empty cell means that the field is not set, lists are
separated by ``;``, and a column ``metadata.X`` sets the metadata pair ``X``.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from ..items import INGEST_KEY, INGEST_LEDGER

__all__ = ["Line", "column", "parse"]

_TEXTS: Final = ("uri", "version", "title", "description", "language", "player_id")
"""Fields whose value is text."""
_SWITCHES: Final = ("public", "panoramic", "mp4_support", "transcript", "transcript_summary")
"""Fields whose value is true or false."""
_LISTS: Final = ("tags", "transcript_summary_attributes")
"""Fields whose value is a list of texts."""
_OTHER_NAMES: Final = {"path": "uri", "url": "uri", "player": "player_id"}
"""Accepted alternative names."""
_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
"""Values of switches in CSV."""


@frozen
class Line:
    """The content of a line."""

    uri: str = ""
    """The address of the source; empty if it is missing."""
    version: str | None = None
    """The version of the content, if the line has one."""
    fields: dict[str, Any] = field(factory=dict)
    """Arguments of ``videos.create``."""
    problems: list[str] = field(factory=list)
    """The problems of the line; empty for a valid one."""


def column(name: str) -> str | None:
    """Return the canonical name of a field; None if the field does not exist.

    ``metadata.X`` is returned unchanged.
    """
    if name.startswith("metadata.") and len(name) > len("metadata."):
        return name
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    snake = _OTHER_NAMES.get(snake, snake)
    return snake if snake in _READERS else None


def parse(given: Iterable[tuple[str, Any]], *, text: bool) -> Line:
    """Read the fields of a line. ``text``: the values are cells of a CSV file.

    Problems are collected in the result; nothing is raised.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in given:
        if value is None or (text and not value.strip()):
            continue
        try:
            _take(values, name, value, text=text)
        except ValueError as error:
            problems.append(str(error))
    metadata = values.get("metadata", {})
    reserved = [name for name in (INGEST_KEY, INGEST_LEDGER) if name in metadata]
    problems += [f"metadata.{name} is taken: the ingestion writes it" for name in reserved]
    if not values.get("uri") and not any(problem.startswith("uri ") for problem in problems):
        problems.append("no uri")
    return Line(values.pop("uri", ""), values.pop("version", None), values, problems)


def _take(values: dict[str, Any], name: str, value: Any, *, text: bool) -> None:
    """Add one field to ``values``. Raises ``ValueError`` with the problem."""
    ours = column(name)
    if ours is None:
        raise ValueError(f"unknown field {name!r}")
    if ours.startswith("metadata."):
        values.setdefault("metadata", {})[ours.removeprefix("metadata.")] = _text(value)
    elif ours in values:
        raise ValueError(f"{name} is given twice")
    else:
        try:
            # The readers validate the type, also for cells that could not be converted.
            values[ours] = _READERS[ours](_from_cell(ours, value) if text else value)
        except ValueError as error:
            raise ValueError(f"{name} {error}, not {_short(value)}") from None


def _from_cell(name: str, cell: str) -> Any:
    """Convert a CSV cell to the type of its field. Invalid text is returned unchanged."""
    cell = cell.strip()
    if name in _SWITCHES:
        return _WORDS.get(cell.lower(), cell)
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
        raise ValueError("is a text")
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is true or false")  # noqa: TRY004  The value comes from a manifest line.
    return value


def _list(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError("is a list of texts")
    return value


def _pairs(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for part in value.values()):
        raise ValueError("is an object whose values are texts")
    return dict(value)


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_SWITCHES, _switch),
    **dict.fromkeys(_LISTS, _list),
    "metadata": _pairs,
}


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
