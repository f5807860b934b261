"""The objects of a bulk command: named by ids, or found by the filters of a list.

A filter without a value would select everything, so it is refused. Each object that the server
lists is compared with the filters again, because a server that ignores a parameter would list all
objects.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import click
from attrs import frozen

from ...client import ApiVideoClient
from ..console.terminal import Terminal, columns
from ..parameters import Ids, given_options, read_ids
from ..running import run
from ..session import Session, connect
from .object_type import ObjectType

__all__ = ["WHERE", "Query", "Selection", "confirm", "confirm_change", "ids_argument", "select"]

PREVIEW = 5
"""Number of objects that are shown before a question."""
WHERE: str = "where_"
"""Beginning of the names of parameters that select objects."""

Matches: TypeAlias = Callable[[Any, Mapping[str, Any]], bool]


@frozen
class Query:
    """The filters with which a command selects objects.

    ``prefix`` precedes the names of the options if the command has other options of these names.
    """

    filters: tuple[click.Option, ...]
    matches: Matches
    prefix: str = ""

    def options(self) -> list[click.Parameter]:
        """Return the options of the command."""
        return [self._option(option) for option in self.filters]

    def _option(self, option: click.Option) -> click.Option:
        own = copy.copy(option)
        own.opts = [f"--{self.prefix}{name.removeprefix('--')}" for name in option.opts]
        own.name = f"{WHERE}{option.name}"
        own.help = f"Instead of ids: {(option.help or '')[:1].lower()}{(option.help or '')[1:]}"
        return own

    def take(self, given: dict[str, Any]) -> dict[str, Any]:
        """Remove the filters from ``given``. Raises ``UsageError`` for one without a value."""
        names = [f"{WHERE}{option.name}" for option in self.filters]
        filters = given_options({name.removeprefix(WHERE): given.pop(name) for name in names})
        for option in self.filters:
            value = filters.get(option.name or "", ("x",))
            texts = value.values() if isinstance(value, Mapping) else value
            if not all(text.strip() for text in ([texts] if isinstance(texts, str) else texts)):
                raise click.UsageError(
                    f"{self._option(option).opts[0]} is empty, which would select everything"
                )
        return filters


@frozen
class Selection:
    """The chosen objects."""

    ids: Ids
    titles: Mapping[str, str]
    """The titles by id; empty if the ids were given."""

    def line(self, own_id: str) -> str:
        """Return the id with the title of the object, if it is known."""
        return columns(own_id, self.titles[own_id]) if own_id in self.titles else own_id


def ids_argument(kind: ObjectType, *, optional: bool = False) -> click.Argument:
    """Make the argument for the ids of any number of objects."""
    metavar = f"{kind.own_metavar}..."
    return click.Argument(
        [kind.ids[-1]],
        nargs=-1,
        required=not optional,
        metavar=f"[{metavar}]" if optional else metavar,
        callback=read_ids,
    )


def select(
    session: Session, kind: ObjectType, query: Query | None, given: dict[str, Any], *, sure: bool
) -> Selection | int:
    """Return the selected objects, or the exit code if they could not be listed.

    Without ``sure``, a question will follow; a selection by filters is then refused without a
    terminal, before anything is sent. Raises ``UsageError``.
    """
    ids = given.pop(kind.ids[-1])
    filters = query.take(given) if query is not None else {}
    if query is None or not filters:
        if not ids:
            options = ", ".join(option.opts[0] for option in (query.options() if query else []))
            raise click.UsageError(f"name an ID, or what to select: {options}")
        return Selection(ids, {})
    if ids:
        raise click.UsageError("an ID and a filter exclude each other")
    if not sure and not session.terminal.interactive:
        raise click.UsageError(_UNANSWERABLE.format(what="a change of what a filter selects"))
    found: dict[str, str] = {}
    work = _find(session, kind, query.matches, filters, found)
    code = run(session.terminal, work, "interrupted; nothing was changed")
    return code or Selection(Ids(found), found)


async def _find(
    session: Session,
    kind: ObjectType,
    matches: Matches,
    filters: Mapping[str, Any],
    found: dict[str, str],
) -> int:
    left_out = 0
    client: ApiVideoClient
    async with connect(session.settings) as client:
        async for each in kind.call(client, "list", page_size=100, **filters):
            if matches(each, filters):
                own_id, title = kind.cells(each)[:2]
                found[own_id] = title
            else:
                left_out += 1
    if left_out:
        session.terminal.note(
            f"the server also listed {left_out} {kind.plural} that do not match; they are left out"
        )
    return 0


_UNANSWERABLE = "{what} needs a confirmation, but the standard input is not a terminal: add --yes"


def confirm_change(
    session: Session, kind: ObjectType, selection: Selection, verb: str, *, yes: bool
) -> bool:
    """Show the selected objects and ask. Raises ``UsageError`` if no user can answer."""
    terminal, count = session.terminal, len(selection.ids)
    if selection.titles:
        terminal.say(f"{count} {kind.singular if count == 1 else kind.plural}:")
        for own_id in selection.ids[:PREVIEW]:
            terminal.say(f"  {selection.line(own_id)}".replace("\t", "  "))
        if count > PREVIEW:
            terminal.say(f"  and {count - PREVIEW} more")
    if yes:
        return True
    one = f"the {kind.singular} {selection.ids[0]}"
    question = f"{verb} {one if count == 1 else f'{count} {kind.plural}'}?"
    what = "deletion" if verb == "Delete" else "a change of several objects"
    return confirm(terminal, question, what)


def confirm(terminal: Terminal, question: str, what: str) -> bool:
    """Ask a question about ``what``. Raises ``UsageError`` if no user can answer."""
    confirmed = terminal.confirm(question)
    if confirmed is None:
        raise click.UsageError(_UNANSWERABLE.format(what=what))
    return confirmed
