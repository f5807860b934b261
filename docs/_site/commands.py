"""The reference of the command line, generated from the commands themselves."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import click

from apivideo_async.cli.app import app

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "show_default": True}


def commands(
    command: click.Command = app, context: click.Context | None = None
) -> Iterator[tuple[click.Context, click.Command]]:
    """Yield each command with its context: groups before their commands."""
    here = click.Context(
        command, parent=context, info_name=command.name if context else "apivideo", **SETTINGS
    )
    yield here, command
    if isinstance(command, click.Group):
        for name in command.list_commands(here):
            member = command.get_command(here, name)
            if member is not None:
                member.name = name
                yield from commands(member, here)


def markdown() -> str:
    """Return the sections of all commands, with arguments, options and examples."""
    return "\n".join(_section(context, command) for context, command in commands())


def anchor(context: click.Context) -> str:
    """Return the anchor of a command: ``videos-list``."""
    return "-".join(context.command_path.split()[1:]) or "global-options"


def _section(context: click.Context, command: click.Command) -> str:
    path = context.command_path
    title = path if context.parent else "Global options"
    parts = [
        f"{'#' * max(2, len(path.split()))} {title} {{ #{anchor(context)} }}\n",
        _prose(command.help or command.short_help or ""),
        f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n",
        _options(context, command),
        _epilog(command.epilog),
    ]
    return "\n".join(part for part in parts if part)


def _prose(text: str) -> str:
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return (
        "\n\n".join(
            f"```text\n{part[2:].strip(chr(10))}\n```" if part.startswith("\b") else _escape(part)
            for part in paragraphs
        )
        + "\n"
    )


def _epilog(text: str | None) -> str:
    return _prose(text) if text else ""


def _options(context: click.Context, command: click.Command) -> str:
    records = [
        record
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context)) and parameter.name != "help"
    ]
    if not records:
        return ""
    rows = [f"| {_code(names)} | {_escape(text)} |" for names, text in records]
    return "| option | means |\n|---|---|\n" + "\n".join(rows) + "\n"


def _code(names: str) -> str:
    return f"`{names}`"


def _escape(text: str) -> str:
    # Metavariables such as <FILE> and patterns such as *.mp4 are text.
    escaped = re.sub(r"([*_<>`\[\]|])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<![\w-])(--?[a-z][\w-]*)", r"`\1`", escaped).replace("\\_", "_")
