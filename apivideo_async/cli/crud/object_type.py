"""Describes a type of object (video, live stream, …) to the generic commands."""

from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import Any

import click
from attrs import frozen

from ...client import ApiVideoClient
from .formatting import fields_of, label, value_text

__all__ = ["ObjectType"]

METAVARS = {"video_id": "VIDEO_ID", "language": "LANGUAGE", "upload_token": "TOKEN"}
"""Names of arguments in help texts. Every other argument is called ``ID``."""


@frozen(kw_only=True)
class ObjectType:
    """A type of object that commands list, show and delete."""

    singular: str
    plural: str
    section: str
    """The attribute of the client that has the methods for these objects."""
    ids: tuple[str, ...] = ("id",)
    """Arguments that identify one object: its own id last, after those of the objects above it."""
    columns: tuple[str, ...]
    """Fields shown in a list, the most important first. A dot selects a field of a nested model."""
    shrinkable: tuple[str, ...] = ()
    """Columns whose texts may be shortened so that a table fits the screen."""
    fields: Callable[[Any], Iterable[tuple[str, object]]] = fields_of
    """Returns the names and values that are shown for one object."""

    def id_arguments(self) -> list[click.Argument]:
        """Make the arguments that identify one object."""
        return [click.Argument([name], metavar=METAVARS.get(name, "ID")) for name in self.ids]

    def call(self, client: ApiVideoClient, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the section."""
        return methodcaller(method, *arguments, **options)(getattr(client, self.section))

    def cells(self, model: Any) -> list[str]:
        """Return the texts of the columns for one object."""
        return [value_text(_nested_field(model, column)) for column in self.columns]

    def headings(self) -> list[str]:
        """Return the headings of the columns."""
        first, *others = self.columns
        own = "id" if first.endswith("_id") else label(first)
        return [own, *(label(column.rpartition(".")[2]) for column in others)]


def _nested_field(model: Any, path: str) -> Any:
    for name in path.split("."):
        model = getattr(model, name, None)
    return model
