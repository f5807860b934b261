"""What the commands of one section of the API have in common: a noun, and how it is told."""

from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import Any

from attrs import frozen

from ...client import ApiVideoClient
from .shown import facts_of, label, text_of

__all__ = ["Noun"]

METAVARS = {"video_id": "VIDEO_ID", "language": "LANGUAGE", "upload_token": "TOKEN"}
"""What help calls an argument; any other id is ``ID``."""


@frozen(kw_only=True)
class Noun:
    """A kind of thing that commands list, show and delete."""

    one: str
    many: str
    resource: str
    """The member of the client that has its methods."""
    names: tuple[str, ...] = ("id",)
    """What identifies one: its own name last, before it the name of what it belongs to."""
    columns: tuple[str, ...]
    """Fields that a list shows, the most important first; a dot leads into a model."""
    cut: tuple[str, ...] = ()
    """Columns that may be cut so that a table fits the screen."""
    facts: Callable[[Any], Iterable[tuple[str, object]]] = facts_of

    def metavars(self) -> tuple[str, ...]:
        """Name the arguments in help."""
        return tuple(METAVARS.get(name, "ID") for name in self.names)

    def call(self, client: ApiVideoClient, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the section."""
        return methodcaller(method, *arguments, **options)(getattr(client, self.resource))

    def cells(self, model: Any) -> list[str]:
        """Give the texts of the columns."""
        return [text_of(_reach(model, column)) for column in self.columns]

    def heads(self) -> list[str]:
        """Name the columns."""
        own = "id" if self.columns[0].endswith("_id") else label(self.columns[0])
        return [own, *(label(column.rpartition(".")[2]) for column in self.columns[1:])]


def _reach(model: Any, path: str) -> Any:
    for name in path.split("."):
        model = getattr(model, name, None)
    return model
