"""Commands that make one call and print its response: ``show``, ``create``, ``update``."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from ...client import ApiVideoClient
from ..running import run
from ..session import Session, connect
from .noun import Noun
from .shown import as_json, facts, label, without_secrets

__all__ = [
    "AS_JSON",
    "FILE",
    "call_command",
    "changes",
    "chosen",
    "json_option",
    "show_command",
    "tell",
    "tell_done",
    "update_command",
]

AS_JSON = click.Option(["--json", "as_document"], is_flag=True, help="As the API writes it.")
FILE = click.Argument(["source"], type=click.Path(path_type=Path), metavar="FILE")
json_option: Callable[[Any], Any] = click.option(
    "--json", "as_document", is_flag=True, help="As the API writes it."
)


def chosen(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given. False counts as given; None and empty values do not."""
    return {
        name: value
        for name, value in given.items()
        if value is not None and value not in ((), [], {})
    }


def changes(given: Mapping[str, Any], cleared: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the changes to send, with ``cleared`` merged into the options that were given.

    Raises ``UsageError`` if there is no change, or if an option is both set and cleared.
    """
    found = chosen(given)
    if twice := sorted(set(found) & set(cleared or {})):
        raise click.UsageError(f"--clear excludes the option that sets {label(twice[0])}")
    if not found and not cleared:
        raise click.UsageError("there is nothing to change: give an option")
    return {**found, **(cleared or {})}


def tell(
    session: Session,
    noun: Noun,
    ask: Callable[[ApiVideoClient], Awaitable[Any]],
    *,
    as_document: bool,
    secrets: bool = False,
) -> int:
    """Make a call, print its response as facts or JSON, and return the exit code.

    The response is printed without secret fields (such as stream keys) unless ``secrets`` is set.
    """

    async def work() -> int:
        async with connect(session.settings) as client:
            answer = await ask(client)
        shown = answer if secrets else without_secrets(answer)
        for text in [as_json(shown)] if as_document else facts(noun.facts(shown)):
            # `report` does not fail: the server has already made the change.
            session.terminal.report(text)
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


def tell_done(
    session: Session, ask: Callable[[ApiVideoClient], Awaitable[object]], done: str
) -> int:
    """Make a call whose response is not shown, print ``done``, and return the exit code."""

    async def work() -> int:
        async with connect(session.settings) as client:
            await ask(client)
        session.terminal.report(done)
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


def show_command(noun: Noun, *, method: str = "get", summary: str = "") -> click.Command:
    """Make a command that shows one object, including its secret fields.

    ``method`` is the method of the section that fetches the object.
    """

    def command(session: Session, /, as_document: bool, **names: str) -> int:
        wanted = [names[name] for name in noun.names]
        return tell(
            session,
            noun,
            lambda client: noun.call(client, method, *wanted),
            as_document=as_document,
            secrets=True,
        )

    arguments = [
        click.Argument([name], metavar=meta)
        for name, meta in zip(noun.names, noun.metavars(), strict=True)
    ]
    help_text = summary or f"Show one {noun.one}."
    return click.Command(
        "show", callback=click.pass_obj(command), params=[*arguments, AS_JSON], help=help_text
    )


def call_command(
    noun: Noun,
    name: str,
    params: Iterable[click.Parameter],
    *,
    summary: str,
    method: str | None = None,
    secrets: bool = False,
    epilog: str | None = None,
) -> click.Command:
    """Make a command that calls one method of the section and prints its response.

    ``method`` is ``name`` with underscores by default. Each of ``params`` has the name of one of
    its parameters. Options that are not given are not passed.
    """
    called = method or name.replace("-", "_")

    def command(session: Session, /, as_document: bool, **given: Any) -> int:
        options = chosen(given)
        return tell(
            session,
            noun,
            lambda client: noun.call(client, called, **options),
            as_document=as_document,
            secrets=secrets,
        )

    return click.Command(
        name,
        callback=click.pass_obj(command),
        params=[*params, AS_JSON],
        help=summary,
        epilog=epilog,
    )


def update_command(
    noun: Noun,
    identifier: str,
    options: Iterable[click.Parameter],
    *,
    summary: str,
    method: str = "update",
    empty_values: Mapping[str, Any] | None = None,
) -> click.Command:
    """Make a command that changes fields of one object. It requires at least one option.

    ``identifier`` and ``options`` have the names of parameters of ``method``. ``empty_values`` maps
    the fields that ``--clear`` accepts to the values that remove their content.
    """
    empty = {} if empty_values is None else empty_values
    clear = click.Option(
        ["--clear"],
        multiple=True,
        type=click.Choice([name.replace("_", "-") for name in empty]),
        help="Remove the value of this field; repeat for more fields.",
    )

    def command(session: Session, /, as_document: bool, **given: Any) -> int:
        names = {identifier: given.pop(identifier)}
        cleared = [name.replace("-", "_") for name in given.pop("clear", ())]
        fields = changes(given, {name: empty[name] for name in cleared})
        return tell(
            session,
            noun,
            lambda client: noun.call(client, method, **names, **fields),
            as_document=as_document,
        )

    argument = click.Argument([identifier], metavar="ID")
    return click.Command(
        "update",
        callback=click.pass_obj(command),
        params=[argument, *options, *([clear] if empty else []), AS_JSON],
        help=summary,
    )
