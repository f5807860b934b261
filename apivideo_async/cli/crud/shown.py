"""Formats models as facts (name and value) for people and as JSON for programs."""

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
    """Format a model, or a list of models, as JSON with the field names of the API."""
    return json.dumps(to_json(model), indent=indent, ensure_ascii=False)


def moment(value: datetime | None) -> str:
    """Format as local time in whole seconds.

    A time that has no local equivalent is formatted in its own time zone. None gives "".
    """
    if value is None:
        return ""
    # The local time is before year 1 or after year 9999.
    with suppress(OverflowError, ValueError, OSError):
        value = value.astimezone()
    return f"{value:%Y-%m-%d %H:%M:%S}"


def text_of(value: object) -> str:
    """Format the value of any field on one line; None gives an empty text."""
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
    """Return the displayed name of a field, such as ``created`` for ``created_at``."""
    return name.removesuffix("_at").strip("_").replace("_", " ")


def facts_of(model: Any) -> Iterator[tuple[str, str]]:
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
            # A nested field gets a prefix only if the outer model has a field of the same name.
            yield from (
                (f"{name} {inner}" if inner in outer else inner, text)
                for inner, text in facts_of(value)
            )
        else:
            yield from (
                (name, text_of(item)) for item in (value if isinstance(value, list) else [value])
            )
    yield from ((name, text_of(value)) for name, value in model.extra.items())


def facts(pairs: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Format pairs of name and value as aligned lines. Pairs without a value are left out."""
    told = [(name, printable(str(value))) for name, value in pairs if value not in (None, "", [])]
    width = max([NARROWEST, *(len(name) for name, _ in told)]) + 1
    yield from (f"{name:<{width}}{value}" for name, value in told)


def without_secrets(model: Any) -> Any:
    """Return a copy without the fields that ``repr`` hides, such as keys and tokens.

    Lists must not show secrets to other people who see the screen.
    """
    changes: dict[str, Any] = {}
    for field in attrs.fields(type(model)):
        value = getattr(model, field.name)
        # Only optional fields can be removed: the model must stay valid.
        if field.repr is False and field.name != "extra" and field.default is None:
            changes[field.name] = None
        elif isinstance(value, list) and value and attrs.has(type(value[0])):
            changes[field.name] = [without_secrets(item) for item in value]
    return attrs.evolve(model, **changes)
