"""What a line of a manifest may say about a source, and how text becomes values.

Names are those of ``videos.create``, as Python or as the API spells them (``player_id``, ``playerId``, ``player``). In
CSV an empty cell says nothing, lists are separated by ``;``, and a column ``metadata.X`` is the pair ``X``.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from ..items import INGEST_KEY, INGEST_LEDGER

__all__ = ["Line", "column", "parse"]

_TEXTS: Final = ("uri", "version", "title", "description", "language", "player_id")
_SWITCHES: Final = ("public", "panoramic", "mp4_support", "transcript", "transcript_summary")
_LISTS: Final = ("tags", "transcript_summary_attributes")
_OTHER_NAMES: Final = {"path": "uri", "url": "uri", "player": "player_id"}
_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@frozen
class Line:
    """What a line says."""

    uri: str = ""
    version: str | None = None
    fields: dict[str, Any] = field(factory=dict)
    problems: list[str] = field(factory=list)
    """What is wrong with it."""


def column(name: str) -> str | None:
    """Give our name of a field, ``metadata.X`` as it stands; None: there is no such field."""
    if name.startswith("metadata.") and len(name) > len("metadata."):
        return name
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    snake = _OTHER_NAMES.get(snake, snake)
    return snake if snake in _READERS else None


def parse(given: Iterable[tuple[str, Any]], *, text: bool) -> Line:
    """Read the fields of a line; ``text``: the values are the cells of a CSV file."""
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
    ours = column(name)
    if ours is None:
        raise ValueError(f"unknown field {name!r}")
    if ours.startswith("metadata."):
        values.setdefault("metadata", {})[ours.removeprefix("metadata.")] = _text(value)
    elif ours in values:
        raise ValueError(f"{name} is given twice")
    else:
        try:
            values[ours] = _READERS[ours](_from_cell(ours, value) if text else value)
        except ValueError as error:
            raise ValueError(f"{name} {error}, not {_short(value)}") from None


def _from_cell(name: str, cell: str) -> Any:
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
        raise ValueError("is true or false")  # noqa: TRY004  what a line says, not what a caller gave
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
