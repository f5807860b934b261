"""The command ``apivideo api``: any request, also one for which there is no command."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ...config import UNSET
from ..examples import examples
from ..parameters import METADATA_PAIR, Choice
from ..running import run
from ..session import Session, connect

__all__ = ["command"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _parse_json(text: str) -> Any:
    """Return the value of ``--data``: JSON, ``@FILE``, or ``-`` for the standard input."""
    try:
        if text == "-":
            text = "" if sys.stdin is None else sys.stdin.read()
        elif text.startswith("@"):
            text = Path(text[1:]).read_text("utf-8")
        return json.loads(text)
    except OSError as error:
        raise click.BadParameter(f"{text[1:]} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"this is not JSON: {error}") from None


@click.command(
    name="api",
    epilog=examples(
        "apivideo api GET /videos -q title=holiday -q pageSize=5",
        """apivideo api PATCH /videos/vi123 -d '{"title": "New"}'""",
        "apivideo api POST /players -d @theme.json",
    ),
)
@click.argument("method", type=Choice(METHODS, case_sensitive=False))
@click.argument("path")
@click.option(
    "-q",
    "--query",
    multiple=True,
    type=METADATA_PAIR,
    metavar="NAME=VALUE",
    help="Query parameter; repeat a name for several values.",
)
@click.option(
    "-d",
    "--data",
    metavar="JSON",
    help="Body of the request: JSON, @FILE, or - for the standard input.",
)
@click.option("-i", "--include", is_flag=True, help="Print the status and the headers first.")
@click.pass_obj
def command(
    session: Session,
    /,
    method: str,
    path: str,
    query: tuple[tuple[str, str], ...],
    data: str | None,
    include: bool,
) -> int:
    """Send a request to any path of the API and print the response.

    The request is authenticated, limited and retried like those of all other commands. PATH is that
    of the API reference, such as /videos. A body of JSON is printed with indentation, any other
    body as it is. Exit code 1 for a status other than 2xx.
    """
    values: dict[str, Any] = {}
    for name, value in query:
        earlier = values.get(name)
        several = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        values[name] = value if earlier is None else several
    body = UNSET if data is None else _parse_json(data)
    terminal = session.terminal

    async def work() -> int:
        async with connect(session.settings) as client:
            response = await client.request(
                method.upper(), f"/{path.removeprefix('/')}", query=values, json=body
            )
        if include:
            terminal.report(f"{response.status}")
            for name, value in response.headers.items():
                terminal.report(f"{name}: {value}")
        if response.body:
            try:
                terminal.report_json(json.loads(response.body))
            except ValueError:
                terminal.report(response.body.decode("utf-8", "replace"))
        return 0

    return run(terminal, work())
