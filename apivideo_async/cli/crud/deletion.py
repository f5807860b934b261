"""The generic ``delete`` command: asks for confirmation and continues after failures."""

import sys
from typing import Any

import click

from ...client import ApiVideoClient
from ...errors import ApiVideoError, AuthenticationError, NotFoundError
from ..console.messages import explain
from ..running import run
from ..session import Session, connect
from .noun import Noun

__all__ = ["delete_command"]


def delete_command(noun: Noun, *, summary: str = "") -> click.Command:
    """Make a command that deletes any number of objects."""

    def command(session: Session, /, yes: bool, missing_ok: bool, **given: Any) -> int:
        parents, names = [given[name] for name in noun.names[:-1]], given[noun.names[-1]]
        if not yes and not _confirmed(noun, names):
            session.terminal.fail("nothing was deleted")
            return 1

        async def work() -> int:
            failures = 0
            async with connect(session.settings) as client:
                # `dict.fromkeys` removes names that are given twice and keeps the order.
                for name in dict.fromkeys(names):
                    failures += not await _delete(
                        session, client, noun, [*parents, name], missing_ok=missing_ok
                    )
            return 1 if failures else 0

        return run(
            session.terminal,
            work(),
            lambda: f"interrupted: the {noun.many} not named above are still there",
        )

    help_text = summary or f"Delete {noun.many}."
    return click.Command(
        "delete", callback=click.pass_obj(command), params=_params(noun), help=help_text
    )


def _params(noun: Noun) -> list[click.Parameter]:
    *outer, (own, metavar) = zip(noun.names, noun.metavars(), strict=True)
    return [
        *(click.Argument([name], metavar=shown) for name, shown in outer),
        click.Argument([own], nargs=-1, required=True, metavar=f"{metavar}..."),
        click.Option(["--yes"], is_flag=True, help="Do not ask."),
        click.Option(["--missing-ok"], is_flag=True, help="What does not exist is no failure."),
    ]


def _confirmed(noun: Noun, names: tuple[str, ...]) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError(
            "nobody can be asked here, as the input is no terminal: add --yes to delete"
        )
    what = f"the {noun.one} {names[0]}" if len(names) == 1 else f"{len(names)} {noun.many}"
    # Ask on the standard error, because the standard output is for results.
    return click.confirm(f"Delete {what}?", err=True)


async def _delete(
    session: Session, client: ApiVideoClient, noun: Noun, names: list[str], *, missing_ok: bool
) -> bool:
    """Delete one object and return True on success.

    A missing object counts as success if ``missing_ok`` is set.
    """
    try:
        await noun.call(client, "delete", *names)
    except NotFoundError:
        if not missing_ok:
            session.terminal.fail(f"there is no such {noun.one}", prefix=names[-1])
        return missing_ok
    except AuthenticationError:
        raise  # The key is refused for every object, so stop.
    except ApiVideoError as error:
        session.terminal.fail(explain(error, session.base_url), prefix=names[-1])
        return False
    session.terminal.report(f"deleted {names[-1]}")
    return True
