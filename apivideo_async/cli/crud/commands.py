"""The generic commands that call one method: ``show``, ``create`` and others."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import click

from ...client import ApiVideoClient
from ..examples import examples
from ..parameters import given_options
from ..running import run
from ..session import Session, connect
from .bulk import call_each, write_object
from .formatting import without_secrets
from .object_type import ObjectType
from .output import Output, output_options, take_output
from .selection import ids_argument

__all__ = [
    "FILE",
    "action_command",
    "call_and_print",
    "call_command",
    "show_command",
]

FILE: click.Argument = click.Argument(["source"], type=click.Path(path_type=Path), metavar="FILE")


def call_and_print(
    session: Session,
    kind: ObjectType,
    call: Callable[[ApiVideoClient], Awaitable[Any]],
    output: Output,
    *,
    secrets: bool = False,
) -> int:
    """Make a call and print its response, without secret fields unless ``secrets`` is set."""

    async def work() -> int:
        async with connect(session.settings) as client:
            response = await call(client)
        write_object(session, kind, response if secrets else without_secrets(response), output)
        return 0

    return run(session.terminal, work())


def show_command(
    kind: ObjectType, *, method: str = "get", summary: str = "", epilog: str | None = None
) -> click.Command:
    """Make a command that shows objects, including their secret fields."""

    def command(session: Session, /, **given: Any) -> int:
        output = take_output(given)
        *parents, ids = (given[name] for name in kind.ids)
        return call_each(
            session,
            kind,
            ids,
            lambda client, own_id: kind.call(client, method, *parents, own_id),
            output,
            secrets=True,
        )

    *parents, _ = kind.id_arguments()
    return click.Command(
        "show",
        callback=click.pass_obj(command),
        params=[*parents, ids_argument(kind), *output_options(kind.known(secrets=True))],
        help=summary or f"Show {kind.plural}.",
        epilog=epilog or examples(kind.example("show"), kind.example("show", "--json")),
    )


def call_command(
    kind: ObjectType,
    name: str,
    params: Iterable[click.Parameter],
    *,
    summary: str,
    epilog: str,
    method: str | None = None,
    secrets: bool = False,
) -> click.Command:
    """Make a command that calls one method of the section and prints its response.

    ``method`` is ``name`` with underscores by default. The ids of ``kind`` are passed by position.
    Each other parameter has the name of a parameter of the method and is passed if it is given.
    """
    called = method or name.replace("-", "_")

    def command(session: Session, /, **given: Any) -> int:
        output = take_output(given)
        ids = [given.pop(each) for each in kind.ids if each in given]
        options = given_options(given)
        return call_and_print(
            session,
            kind,
            lambda client: kind.call(client, called, *ids, **options),
            output,
            secrets=secrets,
        )

    return click.Command(
        name,
        callback=click.pass_obj(command),
        params=[*params, *output_options(kind.known(secrets=secrets))],
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

    return click.Command(
        name,
        callback=click.pass_obj(command),
        params=[*kind.id_arguments()],
        help=summary,
        epilog=examples(kind.example(name)),
    )
