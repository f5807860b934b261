"""Models as facts for people and as JSON for programs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import attrs

from ...models import to_json
from ..console.formatting import printable

__all__ = ["as_json", "facts", "facts_of", "label", "moment", "text_of", "without_secrets"]

NARROWEST = 12


def as_json(model: Any, indent: int | None = 2) -> str:
    """Write a model, or a list of them, as the API writes it."""
    return json.dumps(to_json(model), indent=indent, ensure_ascii=False)


def moment(value: datetime | None) -> str:
    """Return local time without fractions; the time as given where there is no local one."""
    if value is None:
        return ""
    with suppress(OverflowError, ValueError, OSError):  # The local time is before the year 1 or after 9999.
        value = value.astimezone()
    return f"{value:%Y-%m-%d %H:%M:%S}"


def text_of(value: object) -> str:
    """Write the value of any field on one line; nothing for what is not there."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={text_of(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    if attrs.has(type(value)):
        return " ".join(text for _, text in facts_of(value) if text)
    return f"{value:g}" if isinstance(value, float) else str(value)


def label(name: str) -> str:
    """Name a field as people do: ``created_at`` is ``created``."""
    return name.removesuffix("_at").strip("_").replace("_", " ")


def facts_of(model: Any) -> Iterator[tuple[str, str]]:
    """Give every field, and every item of a list, as a fact of its own; what a model holds follows in its place."""
    fields = [field for field in attrs.fields(type(model)) if field.name != "extra"]
    outer = {field.name for field in fields}
    for field in fields:
        value = getattr(model, field.name)
        name = "id" if field is fields[0] and field.name.endswith("_id") else label(field.name)
        if attrs.has(type(value)):
            yield from ((f"{name} {inner}" if inner in outer else inner, text) for inner, text in facts_of(value))
        else:
            yield from ((name, text_of(item)) for item in (value if isinstance(value, list) else [value]))
    yield from ((name, text_of(value)) for name, value in model.extra.items())


def facts(pairs: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Align names and values; what has no value is left out."""
    told = [(name, printable(str(value))) for name, value in pairs if value not in (None, "", [])]
    width = max([NARROWEST, *(len(name) for name, _ in told)]) + 1
    yield from (f"{name:<{width}}{value}" for name, value in told)


def without_secrets(model: Any) -> Any:
    """Leave out what must not be read over somebody's shoulder: the fields that ``repr`` leaves out, too."""
    changes: dict[str, Any] = {}
    for field in attrs.fields(type(model)):
        value = getattr(model, field.name)
        if field.repr is False and field.name != "extra" and field.default is None:
            changes[field.name] = None
        elif isinstance(value, list) and value and attrs.has(type(value[0])):
            changes[field.name] = [without_secrets(item) for item in value]
    return attrs.evolve(model, **changes)
