"""The option ``--columns``: the names of fields, and the values that they select.

A column has the name of a field in JSON. Dots select fields of nested objects, and the values of a
mapping by their keys: ``assets.player``, ``metadata.lang``. The names in Python (``mp4_support``)
and the headings of tables (``created``) are accepted, too.
"""

import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import attrs
import click
from attrs import frozen
from click.shell_completion import CompletionItem

from ...models import to_json
from ...models._convert import is_model, wire_name
from .formatting import label, value_text

__all__ = ["Column", "ColumnList", "columns_of", "named_columns", "value_of"]


@frozen
class Column:
    """A field of records: objects of the API, or dicts."""

    name: str
    """The name in JSON."""
    path: str
    """The same with the names of attributes."""
    is_mapping: bool = False

    def text(self, record: Any) -> str:
        """Return the value of the field for a table."""
        return value_text(value_of(record, self.path))

    def value(self, record: Any) -> Any:
        """Return the value of the field as JSON has it; None if it is missing."""
        return to_json(value_of(record, self.path))


def value_of(record: Any, path: str) -> Any:
    """Return the value at a path; None if it is missing. A key of a dict can contain dots."""
    while path and record is not None:
        if isinstance(record, Mapping) and path in record:
            return record[path]
        name, _, path = path.partition(".")
        record = record.get(name) if isinstance(record, Mapping) else getattr(record, name, None)
    return record


def named_columns(names: Iterable[str], mappings: Iterable[str] = ()) -> tuple[Column, ...]:
    """Return the columns of records that are dicts; ``mappings`` are those with nested dicts."""
    return tuple(Column(name, name, name in mappings) for name in names)


def columns_of(model: type, *, secrets: bool = False) -> tuple[Column, ...]:
    """Return all columns of a model, each before those of its nested fields.

    Without ``secrets``, the fields that :func:`without_secrets` removes are left out.
    """
    return tuple(_fields(model, "", "", secrets=secrets))


def _fields(model: Any, name: str, path: str, *, secrets: bool) -> Iterator[Column]:
    for field in attrs.fields(model):
        hidden = field.repr is False and field.default is None and not secrets
        if field.name == "extra" or hidden:
            continue
        inner, attribute = f"{name}{wire_name(field)}", f"{path}{field.name}"
        kinds = [field.type, *typing.get_args(field.type)]
        is_mapping = typing.get_origin(field.type) is dict
        yield Column(inner, attribute, is_mapping)
        for kind in kinds:
            if isinstance(kind, type) and is_model(kind):
                yield from _fields(kind, f"{inner}.", f"{attribute}.", secrets=secrets)


class ColumnList(click.ParamType[tuple[Column, ...]]):
    """Names of columns, separated by commas. ``known`` are those that exist."""

    name = "columns"

    def __init__(self, known: tuple[Column, ...]) -> None:
        self._known = known
        self._by_name: dict[str, Column] = {}
        # An exact name counts before a heading: the field "at" before "emitted_at".
        for spell in (_names, _headings):
            for column in known:
                for name in spell(column):
                    self._by_name.setdefault(name, column)
        if known and known[0].path.endswith("_id"):
            self._by_name.setdefault("id", known[0])

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the last name of the list."""
        head, comma, last = incomplete.rpartition(",")
        names = [column.name for column in self._known if column.name.startswith(last)]
        return [CompletionItem(f"{head}{comma}{name}") for name in names]

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Column, ...]:
        """Find the columns. Fails for an unknown name, with those that exist."""
        if not isinstance(value, str):
            return typing.cast("tuple[Column, ...]", value)
        return tuple(self._find(name.strip(), param, ctx) for name in value.split(","))

    def _find(self, name: str, param: click.Parameter | None, ctx: click.Context | None) -> Column:
        column = self._by_name.get(name)
        if column is not None:
            return column
        head, _, key = name.partition(".")
        outer = self._by_name.get(head)
        if outer is not None and outer.is_mapping and key:
            return Column(f"{outer.name}.{key}", f"{outer.path}.{key}")
        names = [column.name for column in self._known]
        similar = get_close_matches(name, [*self._by_name], n=1, cutoff=0.7)
        problem = f"unknown column {name!r}." if name else "a name is empty."
        meant = f" Did you mean {similar[0]}?" if similar else ""
        shown = [f"{each.name}.KEY" for each in self._known if each.is_mapping]
        text = f"{problem}{meant} Columns: {', '.join([*names, *shown])}"
        raise click.BadParameter(text, ctx, param)


_CAPITAL = re.compile("[A-Z]")


def _names(column: Column) -> tuple[str, ...]:
    return (
        column.name,
        column.path,
        column.path.strip("_"),
        _CAPITAL.sub(_with_underscore, column.name),
    )


def _with_underscore(match: re.Match[str]) -> str:
    return f"_{match[0].lower()}"


def _headings(column: Column) -> tuple[str, ...]:
    return () if "." in column.path else (label(column.path).replace(" ", "_"),)
