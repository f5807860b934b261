"""Formats models as lines of names and values for people, and as JSON for programs."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import attrs

from ..console.formatting import printable

__all__ = [
    "field_lines",
    "fields_of",
    "label",
    "local_time",
    "value_text",
    "without_secrets",
]

MIN_NAME_WIDTH = 12


def local_time(value: datetime | None) -> str:
    """Format as local time in whole seconds; None gives an empty text."""
    if value is None:
        return ""
    # Keep the time zone if the local time would be before year 1 or after year 9999.
    with suppress(OverflowError, ValueError, OSError):
        value = value.astimezone()
    return f"{value:%Y-%m-%d %H:%M:%S}"


def value_text(value: object) -> str:
    """Format the value of any field on one line; None gives an empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={value_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(value_text, value))
    if attrs.has(type(value)):
        return " ".join(text for _, text in fields_of(value) if text)
    return f"{value:g}" if isinstance(value, float) else str(value)


def label(name: str) -> str:
    """Return the displayed name of a field, such as ``created`` for ``created_at``."""
    return name.removesuffix("_at").strip("_").replace("_", " ")


def fields_of(model: Any) -> Iterator[tuple[str, str]]:
    """Yield every field as a pair of name and text.

    Each item of a list is a pair of its own. The fields of a nested model follow in its place.
    Unknown fields that the server sent come last.
    """
    fields = [field for field in attrs.fields(type(model)) if field.name != "extra"]
    outer = {field.name for field in fields}
    for field in fields:
        value = getattr(model, field.name)
        name = "id" if field is fields[0] and field.name.endswith("_id") else label(field.name)
        if attrs.has(type(value)):
            for inner, text in fields_of(value):
                # A nested field gets a prefix only if the outer model has a field of that name.
                yield (f"{name} {inner}" if inner in outer else inner), text
        else:
            for item in value if isinstance(value, list) else [value]:
                yield name, value_text(item)
    for name, value in model.extra.items():
        yield name, value_text(value)


def field_lines(pairs: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Format pairs of name and value as aligned lines. Pairs without a value are left out."""
    shown = [(name, printable(str(value))) for name, value in pairs if value not in (None, "", [])]
    width = max([MIN_NAME_WIDTH, *(len(name) for name, _ in shown)]) + 1
    yield from (f"{name:<{width}}{value}" for name, value in shown)


def without_secrets(model: Any) -> Any:
    """Return a copy without the fields that ``repr`` hides: other people may see the screen."""
    changes: dict[str, Any] = {}
    for field in attrs.fields(type(model)):
        value = getattr(model, field.name)
        # Only optional fields can be removed: the model must stay valid.
        if field.repr is False and field.name != "extra" and field.default is None:
            changes[field.name] = None
        elif isinstance(value, list) and value and attrs.has(type(value[0])):
            changes[field.name] = [without_secrets(item) for item in value]
    return attrs.evolve(model, **changes)
