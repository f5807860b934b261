"""Commands that ask once and tell what came back: ``show``, and whatever creates or changes one thing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import click

from ...client import ApiVideoClient
from ..connection import connect
from ..running import run
from ..session import Session
from .noun import Noun
from .shown import as_json, facts, label, without_secrets

__all__ = ["AS_JSON", "changes", "chosen", "json_option", "show_command", "tell", "tell_done"]

AS_JSON = click.Option(["--json", "as_document"], is_flag=True, help="As the API writes it.")
json_option: Callable[[Any], Any] = click.option("--json", "as_document", is_flag=True, help="As the API writes it.")


def chosen(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the options that were given, False included."""
    return {name: value for name, value in given.items() if value is not None and value not in ((), [], {})}


def changes(given: Mapping[str, Any], cleared: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Keep what shall be changed. Raises ``UsageError`` when that is nothing, or one thing in two ways."""
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
    """Ask, and write the answer as facts or JSON; without ``secrets``, keys that it holds are left out."""

    async def work() -> int:
        async with connect(session.settings) as client:
            answer = await ask(client)
        shown = answer if secrets else without_secrets(answer)
        for text in [as_json(shown)] if as_document else facts(noun.facts(shown)):
            session.terminal.report(text)
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


def tell_done(session: Session, ask: Callable[[ApiVideoClient], Awaitable[object]], done: str) -> int:
    """Ask for what has no answer worth telling, and say that it is done."""

    async def work() -> int:
        async with connect(session.settings) as client:
            await ask(client)
        session.terminal.report(done)
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


def show_command(noun: Noun, *, method: str = "get", summary: str = "") -> click.Command:
    """Make a command that shows one, with the secrets that it has."""

    def command(session: Session, /, as_document: bool, **names: str) -> int:
        wanted = [names[name] for name in noun.names]
        return tell(
            session, noun, lambda client: noun.call(client, method, *wanted), as_document=as_document, secrets=True
        )

    arguments = [click.Argument([name], metavar=meta) for name, meta in zip(noun.names, noun.metavars(), strict=True)]
    help_text = summary or f"Show one {noun.one}."
    return click.Command("show", callback=click.pass_obj(command), params=[*arguments, AS_JSON], help=help_text)
