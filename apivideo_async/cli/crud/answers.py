"""Commands that make one call and print its response: ``show``, ``create``, ``update``."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import click

from ...client import ApiVideoClient
from ..running import run
from ..session import Session, connect
from .noun import Noun
from .shown import as_json, facts, label, without_secrets

__all__ = ["AS_JSON", "changes", "chosen", "json_option", "show_command", "tell", "tell_done"]

AS_JSON = click.Option(["--json", "as_document"], is_flag=True, help="As the API writes it.")
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
