"""Calls for any number of objects, and the generic commands ``update`` and ``delete``.

A failure concerns one object: the others are still processed, and the exit code is 1. A refused
key ends the command.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import click

from ...client import ApiVideoClient
from ...config import RetryPolicy
from ...errors import ApiVideoError, AuthenticationError, NotFoundError
from ..console.messages import explain
from ..examples import examples
from ..parameters import Choice, Ids, given_options
from ..running import run
from ..session import Session, connect
from .formatting import field_lines, label, without_secrets
from .object_type import ObjectType
from .output import Output, Writer, output_options, take_output
from .selection import WHERE, Query, Selection, confirm_change, ids_argument, select

__all__ = ["call_each", "delete_command", "delete_object", "update_command", "write_object"]

FROM_INPUT = "{} - reads ids from the standard input, one at the beginning of each line."


def write_object(session: Session, kind: ObjectType, model: Any, output: Output) -> None:
    """Write one object: a response, so nothing is raised if it cannot be written."""
    terminal = session.terminal
    if not output.plain:
        Writer(terminal, output, kind.whole(), done=True).one(model)
        return
    fields = kind.fields(model)
    if output.columns is not None:
        fields = [(column.name, column.text(model)) for column in output.columns]
    for line in field_lines(fields):
        terminal.report(line)


def call_each(
    session: Session,
    kind: ObjectType,
    ids: Ids,
    call: Callable[[ApiVideoClient, str], Awaitable[Any]],
    output: Output,
    *,
    secrets: bool = False,
    done: str | None = None,
) -> int:
    """Make a call for each object and print the responses. One object raises its error.

    With ``done``, such as "updated", a table of several objects has one line for each.
    """
    cleaned: Callable[[Any], Any] = (lambda model: model) if secrets else without_secrets

    async def one() -> int:
        async with connect(session.settings) as client:
            response = await call(client, ids[0])
        write_object(session, kind, cleaned(response), output)
        return 0

    async def several() -> int:
        writer = Writer(session.terminal, output, kind.whole(), done=True)

        def write(own_id: str, model: Any) -> None:
            if not output.plain:
                writer.add(cleaned(model))
            elif done is not None:
                session.terminal.report(f"{done} {own_id}")
            else:
                write_object(session, kind, cleaned(model), output)
                session.terminal.report("")

        try:
            return await _each(session, kind, ids, call, write)
        finally:
            writer.end()

    message = f"interrupted: the {kind.plural} not named above are unchanged" if done else None
    return run(session.terminal, one() if ids.single else several(), message or "interrupted")


async def _each(
    session: Session,
    kind: ObjectType,
    ids: Iterable[str],
    call: Callable[[ApiVideoClient, str], Awaitable[Any]],
    write: Callable[[str, Any], None],
) -> int:
    failures = 0
    async with connect(session.settings) as connected:
        client = connected
        for own_id in ids:
            try:
                response = await call(client, own_id)
            except AuthenticationError:
                raise  # The key is refused for every object.
            except ApiVideoError as error:
                failures += 1
                _fail(session, kind, own_id, error)
                continue
            write(own_id, response)
            # The server has answered, so the others wait for their budget and through outages.
            client = connected.with_options(retry=RetryPolicy())
    return 1 if failures else 0


def _fail(session: Session, kind: ObjectType, own_id: str, error: ApiVideoError) -> None:
    missing = isinstance(error, NotFoundError)
    reason = f"there is no such {kind.singular}" if missing else explain(error, session.base_url)
    session.terminal.fail(reason, prefix=own_id)


def update_command(
    kind: ObjectType,
    options: Iterable[click.Parameter],
    *,
    summary: str,
    epilog: str,
    method: str = "update",
    empty_values: Mapping[str, Any] | None = None,
    query: Query | None = None,
) -> click.Command:
    """Make a command that changes fields of objects. It requires at least one option.

    ``options`` have the names of parameters of ``method``. ``empty_values`` maps the fields that
    ``--clear`` accepts to the values that remove their content.
    """
    empty = empty_values or {}

    def command(session: Session, /, yes: bool, dry_run: bool, **given: Any) -> int:
        output = take_output(given)
        parents = [given.pop(name) for name in kind.ids[:-1]]
        names = [name for name in given if name == kind.ids[-1] or name.startswith(WHERE)]
        selecting = {name: given.pop(name) for name in names}
        cleared = [name.replace("-", "_") for name in given.pop("clear", ())]
        changes = _changes(given_options(given), {name: empty[name] for name in cleared})
        selection = select(session, kind, query, selecting, sure=yes or dry_run)
        if not isinstance(selection, Selection):
            return selection
        if (
            code := _stop(session, kind, selection, "update", yes=yes, dry_run=dry_run)
        ) is not None:
            return code
        return call_each(
            session,
            kind,
            selection.ids,
            lambda client, own_id: kind.call(client, method, *parents, own_id, **changes),
            output,
            done="updated",
        )

    params = [*kind.id_arguments()[:-1], ids_argument(kind, optional=query is not None), *options]
    if empty:
        fields = Choice([name.replace("_", "-") for name in empty])
        help_text = "Remove the value of this field; repeat for more fields."
        params.append(click.Option(["--clear"], multiple=True, type=fields, help=help_text))
    return click.Command(
        "update",
        callback=click.pass_obj(command),
        params=[
            *params,
            *(query.options() if query is not None else []),
            *_safety("updated"),
            *output_options(kind.known()),
        ],
        help=f"{summary} {FROM_INPUT.format(kind.own_metavar)}",
        epilog=epilog,
    )


def _changes(changed: Mapping[str, Any], cleared: Mapping[str, Any]) -> dict[str, Any]:
    if both := sorted(set(changed) & set(cleared)):
        raise click.UsageError(f"--clear excludes the option that sets {label(both[0])}")
    if not changed and not cleared:
        raise click.UsageError("there is nothing to change: give an option")
    return {**changed, **cleared}


def _safety(done: str) -> list[click.Option]:
    return [
        click.Option(["--yes"], is_flag=True, help="Do not ask for confirmation."),
        click.Option(["--dry-run"], is_flag=True, help=f"Print what would be {done}."),
    ]


def _stop(
    session: Session, kind: ObjectType, selection: Selection, verb: str, *, yes: bool, dry_run: bool
) -> int | None:
    """Return the exit code if nothing is to be changed: no object, ``--dry-run``, or "no"."""
    if not selection.ids:
        session.terminal.say(f"no {kind.plural} match")
        return 0
    if dry_run:
        for own_id in selection.ids:
            session.terminal.report(f"would {verb} {selection.line(own_id)}")
        return 0
    sure = yes or (verb == "update" and len(selection.ids) == 1 and not selection.titles)
    if confirm_change(session, kind, selection, verb.capitalize(), yes=sure):
        return None
    session.terminal.fail(f"nothing was {verb}d")
    return 1


def delete_command(
    kind: ObjectType, *, summary: str = "", epilog: str | None = None, query: Query | None = None
) -> click.Command:
    """Make a command that asks for confirmation and deletes any number of objects."""

    def command(
        session: Session, /, yes: bool, missing_ok: bool, dry_run: bool, **given: Any
    ) -> int:
        parents = [given[name] for name in kind.ids[:-1]]
        selection = select(session, kind, query, given, sure=yes or dry_run)
        if not isinstance(selection, Selection):
            return selection
        if (
            code := _stop(session, kind, selection, "delete", yes=yes, dry_run=dry_run)
        ) is not None:
            return code

        async def work() -> int:
            failures = 0
            async with connect(session.settings) as connected:
                client = connected
                for own_id in selection.ids:
                    path = [*parents, own_id]
                    failures += not await delete_object(
                        session, client, kind, path, missing_ok=missing_ok
                    )
                    client = connected.with_options(retry=RetryPolicy())
            return 1 if failures else 0

        message = f"interrupted: the {kind.plural} not named above are still there"
        return run(session.terminal, work(), message)

    missing_ok = click.Option(
        ["--missing-ok"], is_flag=True, help="Do not fail if an object is missing."
    )
    return click.Command(
        "delete",
        callback=click.pass_obj(command),
        params=[
            *kind.id_arguments()[:-1],
            ids_argument(kind, optional=query is not None),
            *(query.options() if query is not None else []),
            *_safety("deleted"),
            missing_ok,
        ],
        help=f"{summary or f'Delete {kind.plural}.'} {FROM_INPUT.format(kind.own_metavar)}",
        epilog=epilog or examples(kind.example("delete"), kind.example("delete", "--yes")),
    )


async def delete_object(
    session: Session,
    client: ApiVideoClient,
    kind: ObjectType,
    path: list[str],
    *,
    missing_ok: bool,
    quiet: bool = False,
) -> bool:
    """Delete one object, report it unless ``quiet``, and return True on success.

    ``path`` are the ids that identify the object.
    """
    try:
        await kind.call(client, "delete", *path)
    except AuthenticationError:
        raise  # The key is refused for every object, so stop.
    except ApiVideoError as error:
        missing = isinstance(error, NotFoundError)
        if not (missing and missing_ok):
            _fail(session, kind, path[-1], error)
        return missing and missing_ok
    if not quiet:
        session.terminal.report(f"deleted {path[-1]}")
    return True
