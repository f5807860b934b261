"""Describes a type of object (video, live stream, …) to the generic commands."""

from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import Any

import click
from attrs import frozen

from ...client import ApiVideoClient
from .columns import Column, columns_of, value_of
from .formatting import fields_of, label, value_text

__all__ = ["ObjectType"]

METAVARS = {"video_id": "VIDEO_ID", "language": "LANGUAGE", "upload_token": "TOKEN"}
"""Names of arguments in help texts. Every other argument is called ``ID``."""


@frozen(kw_only=True)
class ObjectType:
    """A type of object that commands list, show and delete."""

    singular: str
    plural: str
    model: type
    """The class of the objects."""
    section: str
    """The attribute of the client that has the methods for these objects."""
    group: str
    """The name of the command group."""
    example_ids: str = ""
    """The arguments that identify an object, in examples."""
    ids: tuple[str, ...] = ("id",)
    """Arguments that identify one object: its own id last, after those of the objects above it."""
    columns: tuple[str, ...]
    """Fields shown in a list, the most important first. A dot selects a field of a nested model."""
    shrinkable: tuple[str, ...] = ()
    """Columns whose texts may be shortened so that a table fits the screen."""
    names: tuple[str, ...] = ()
    """Headings of the columns; by default they are made of the names of the fields."""
    fields: Callable[[Any], Iterable[tuple[str, object]]] = fields_of
    """Returns the names and values that are shown for one object."""

    def id_arguments(self) -> list[click.Argument]:
        """Make the arguments that identify one object."""
        return [click.Argument([name], metavar=METAVARS.get(name, "ID")) for name in self.ids]

    def call(self, client: ApiVideoClient, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the section."""
        return methodcaller(method, *arguments, **options)(getattr(client, self.section))

    def known(self, *, secrets: bool = False) -> tuple[Column, ...]:
        """Return all columns of the objects; without ``secrets`` only those that lists show."""
        return columns_of(self.model, secrets=secrets)

    def whole(self) -> tuple[Column, ...]:
        """Return a column for each field, with nested objects as one value."""
        return tuple(column for column in self.known(secrets=True) if "." not in column.path)

    @property
    def own_metavar(self) -> str:
        """The name of an id in help texts."""
        return METAVARS.get(self.ids[-1], "ID")

    def example(self, command: str, options: str = "") -> str:
        """Return the line of a command for one object."""
        words = ("apivideo", self.group, command, self.example_ids, options)
        return " ".join(word for word in words if word)

    def listed(self) -> tuple[Column, ...]:
        """Return the columns of a list."""
        by_path = {column.path: column for column in self.known()}
        return tuple(by_path[path] for path in self.columns)

    def cells(self, model: Any) -> list[str]:
        """Return the texts of the columns for one object."""
        return [value_text(value_of(model, column)) for column in self.columns]

    def headings(self) -> list[str]:
        """Return the headings of the columns."""
        if self.names:
            return list(self.names)
        first, *others = self.columns
        own = "id" if first.endswith("_id") else label(first)
        return [own, *(label(column.rpartition(".")[2]) for column in others)]
