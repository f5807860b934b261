"""The generic commands that call one method: ``show``, ``create``, ``update``, ``delete``."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from ...client import ApiVideoClient
from ...errors import ApiVideoError, AuthenticationError, NotFoundError
from ...models import to_json
from ..console.messages import explain
from ..console.terminal import Terminal
from ..parameters import JSON, given_options, read_ids
from ..running import run
from ..session import Session, connect
from .formatting import field_lines, label, without_secrets
from .object_type import ObjectType

__all__ = [
    "FILE",
    "action_command",
    "call_and_print",
    "call_command",
    "confirm_deletion",
    "delete_command",
    "delete_object",
    "show_command",
    "update_command",
]

FILE: click.Argument = click.Argument(["source"], type=click.Path(path_type=Path), metavar="FILE")


def call_and_print(
    session: Session,
    kind: ObjectType,
    call: Callable[[ApiVideoClient], Awaitable[Any]],
    *,
    as_json: bool,
    secrets: bool = False,
) -> int:
    """Make a call and print its response, without secret fields unless ``secrets`` is set."""

    async def work() -> int:
        async with connect(session.settings) as client:
            response = await call(client)
        model = response if secrets else without_secrets(response)
        # These methods do not fail: the server has already made the change.
        if as_json:
            session.terminal.report_json(to_json(model))
        else:
            for line in field_lines(kind.fields(model)):
                session.terminal.report(line)
        return 0

    return run(session.terminal, work())


def show_command(kind: ObjectType, *, method: str = "get", summary: str = "") -> click.Command:
    """Make a command that shows one object, including its secret fields."""
    return call_command(
        kind,
        "show",
        kind.id_arguments(),
        method=method,
        secrets=True,
        summary=summary or f"Show one {kind.singular}.",
    )


def call_command(
    kind: ObjectType,
    name: str,
    params: Iterable[click.Parameter],
    *,
    summary: str,
    method: str | None = None,
    secrets: bool = False,
    epilog: str | None = None,
) -> click.Command:
    """Make a command that calls one method of the section and prints its response.

    ``method`` is ``name`` with underscores by default. The ids of ``kind`` are passed by position.
    Each other parameter has the name of a parameter of the method and is passed if it is given.
    """
    called = method or name.replace("-", "_")

    def command(session: Session, /, as_json: bool, **given: Any) -> int:
        ids = [given.pop(each) for each in kind.ids if each in given]
        options = given_options(given)
        return call_and_print(
            session,
            kind,
            lambda client: kind.call(client, called, *ids, **options),
            as_json=as_json,
            secrets=secrets,
        )

    return click.Command(
        name,
        callback=click.pass_obj(command),
        params=[*params, JSON],
        help=summary,
        epilog=epilog,
    )


def action_command(kind: ObjectType, name: str, *, done: str, summary: str) -> click.Command:
    """Make a command that calls a method without a response, and prints ``done`` and the id."""

    def command(session: Session, /, **given: str) -> int:
        ids = [given[each] for each in kind.ids]

        async def work() -> int:
            async with connect(session.settings) as client:
                await kind.call(client, name.replace("-", "_"), *ids)
            session.terminal.report(f"{done} {ids[-1]}")
            return 0

        return run(session.terminal, work())

    callback = click.pass_obj(command)
    return click.Command(name, callback=callback, params=[*kind.id_arguments()], help=summary)


def update_command(
    kind: ObjectType,
    options: Iterable[click.Parameter],
    *,
    summary: str,
    method: str = "update",
    empty_values: Mapping[str, Any] | None = None,
) -> click.Command:
    """Make a command that changes fields of one object. It requires at least one option.

    ``options`` have the names of parameters of ``method``. ``empty_values`` maps the fields that
    ``--clear`` accepts to the values that remove their content.
    """
    empty = empty_values or {}
    params = [*kind.id_arguments(), *options]
    if empty:
        fields = click.Choice([name.replace("_", "-") for name in empty])
        help_text = "Remove the value of this field; repeat for more fields."
        params.append(click.Option(["--clear"], multiple=True, type=fields, help=help_text))

    def command(session: Session, /, as_json: bool, **given: Any) -> int:
        ids = [given.pop(name) for name in kind.ids]
        cleared = [name.replace("-", "_") for name in given.pop("clear", ())]
        changes = _changes(given_options(given), {name: empty[name] for name in cleared})
        return call_and_print(
            session,
            kind,
            lambda client: kind.call(client, method, *ids, **changes),
            as_json=as_json,
        )

    callback = click.pass_obj(command)
    return click.Command("update", callback=callback, params=[*params, JSON], help=summary)


def _changes(changed: Mapping[str, Any], cleared: Mapping[str, Any]) -> dict[str, Any]:
    if both := sorted(set(changed) & set(cleared)):
        raise click.UsageError(f"--clear excludes the option that sets {label(both[0])}")
    if not changed and not cleared:
        raise click.UsageError("there is nothing to change: give an option")
    return {**changed, **cleared}


def delete_command(kind: ObjectType, *, summary: str = "") -> click.Command:
    """Make a command that asks for confirmation and deletes any number of objects."""
    *parents, own = kind.id_arguments()
    names = click.Argument(
        [kind.ids[-1]], nargs=-1, required=True, metavar=f"{own.metavar}...", callback=read_ids
    )

    def command(
        session: Session, /, yes: bool, missing_ok: bool, dry_run: bool, **given: Any
    ) -> int:
        *parent_ids, ids = (given[name] for name in kind.ids)
        if dry_run:
            for own_id in ids:
                session.terminal.report(f"would delete {own_id}")
            return 0
        count = f"{len(ids)} {kind.plural}"
        objects = f"the {kind.singular} {ids[0]}" if len(ids) == 1 else count
        if not yes and not confirm_deletion(session.terminal, objects):
            session.terminal.fail("nothing was deleted")
            return 1

        async def work() -> int:
            failures = 0
            async with connect(session.settings) as client:
                for own_id in ids:
                    path = [*parent_ids, own_id]
                    failures += not await delete_object(
                        session, client, kind, path, missing_ok=missing_ok
                    )
            return 1 if failures else 0

        message = f"interrupted: the {kind.plural} not named above are still there"
        return run(session.terminal, work(), message)

    flags = [
        click.Option(["--yes"], is_flag=True, help="Do not ask for confirmation."),
        click.Option(["--missing-ok"], is_flag=True, help="Do not fail if an object is missing."),
        click.Option(["--dry-run"], is_flag=True, help="Print what would be deleted."),
    ]
    return click.Command(
        "delete",
        callback=click.pass_obj(command),
        params=[*parents, names, *flags],
        help=(summary or f"Delete {kind.plural}.")
        + f" {own.metavar} - reads ids from the standard input, one at the beginning of each line.",
    )


def confirm_deletion(terminal: Terminal, objects: str) -> bool:
    """Ask whether to delete the objects. Raises ``UsageError`` if no user can answer."""
    confirmed = terminal.confirm(f"Delete {objects}?")
    if confirmed is None:
        raise click.UsageError(
            "deletion needs a confirmation, but the standard input is not a terminal: add --yes"
        )
    return confirmed


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
    except NotFoundError:
        if not missing_ok:
            session.terminal.fail(f"there is no such {kind.singular}", prefix=path[-1])
        return missing_ok
    except AuthenticationError:
        raise  # The key is refused for every object, so stop.
    except ApiVideoError as error:
        session.terminal.fail(explain(error, session.base_url), prefix=path[-1])
        return False
    if not quiet:
        session.terminal.report(f"deleted {path[-1]}")
    return True
