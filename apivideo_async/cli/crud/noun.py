"""Describes a kind of object (video, live stream, …) to the generic commands."""

from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import Any

from attrs import frozen

from ...client import ApiVideoClient
from .shown import facts_of, label, text_of

__all__ = ["Noun"]

METAVARS = {"video_id": "VIDEO_ID", "language": "LANGUAGE", "upload_token": "TOKEN"}
"""Names of arguments in help texts. Every other argument is called ``ID``."""


@frozen(kw_only=True)
class Noun:
    """A kind of object that commands list, show and delete."""

    one: str
    many: str
    resource: str
    """The attribute of the client that has the methods for this kind of object."""
    names: tuple[str, ...] = ("id",)
    """Arguments that identify one object.

    The last one names the object itself; those before name the object that it belongs to.
    """
    columns: tuple[str, ...]
    """Fields shown in a list, the most important first. A dot selects a field of a nested model."""
    cut: tuple[str, ...] = ()
    """Columns whose texts may be shortened so that a table fits the screen."""
    facts: Callable[[Any], Iterable[tuple[str, object]]] = facts_of

    def metavars(self) -> tuple[str, ...]:
        """Return the names of the arguments in help texts."""
        return tuple(METAVARS.get(name, "ID") for name in self.names)

    def call(self, client: ApiVideoClient, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the section."""
        return methodcaller(method, *arguments, **options)(getattr(client, self.resource))

    def cells(self, model: Any) -> list[str]:
        """Return the texts of the columns for one object."""
        return [text_of(_reach(model, column)) for column in self.columns]

    def heads(self) -> list[str]:
        """Return the headings of the columns."""
        own = "id" if self.columns[0].endswith("_id") else label(self.columns[0])
        return [own, *(label(column.rpartition(".")[2]) for column in self.columns[1:])]


def _reach(model: Any, path: str) -> Any:
    for name in path.split("."):
        model = getattr(model, name, None)
    return model
