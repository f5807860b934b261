"""Help texts: examples that parse, whole summaries, and suggestions for misspelt words."""

import io
import re
import shlex
import sys
from collections.abc import Iterator

import click
import pytest

from apivideo_async.cli.app import COMMANDS, LazyGroup, app
from apivideo_async.cli.session import Session

from .conftest import Cli, unchanged_logging
from .test_completion import commands

ALL = [(path, command) for path, command in commands(app)]
GROUPS = [(path, command) for path, command in ALL if isinstance(command, click.Group)]


def example_lines(command: click.Command) -> list[str]:
    return re.findall(r"^  (\S.*)$", command.epilog or "", re.MULTILINE)


def command_lines(line: str) -> Iterator[list[str]]:
    """Split a line of a shell into its commands."""
    line = re.sub(r'^eval "\$\((.*)\)"', r"\1", line)
    words = shlex.shlex(line, posix=True, punctuation_chars="|&")
    words.whitespace_split = True
    found: list[str] = []
    for word in words:
        if set(word) <= {*"|&"}:
            yield found
            found = []
        else:
            found.append(word)
    yield found


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Commands that are called end after they have parsed their words; this lists their paths."""
    called: list[str] = []
    invoke = click.Command.invoke

    def record(self: click.Command, ctx: click.Context) -> object:
        if isinstance(self, click.Group):
            return invoke(self, ctx)
        called.append(ctx.command_path)
        return 0

    monkeypatch.setattr(click.Command, "invoke", record)
    monkeypatch.setenv("APIVIDEO_DATABASE_URL", "postgresql://host/name")
    with unchanged_logging():
        yield called


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*each, id=" ".join(each[0]) or "apivideo") for each in ALL]
)
def test_every_help_text_has_examples_that_parse(
    monkeypatch: pytest.MonkeyPatch,
    parsed: list[str],
    path: tuple[str, ...],
    command: click.Command,
) -> None:
    lines = example_lines(command)
    assert lines
    for line in lines:
        assert len(line) <= 76, "it would be wrapped on a terminal of 80 columns"
        for words in command_lines(line):
            if words[0] != "apivideo":
                continue
            monkeypatch.setattr(sys, "stdin", io.StringIO("vi1\n"))
            app.main(words[1:], prog_name="apivideo", standalone_mode=False, obj=Session())
    own = " ".join(("apivideo", *path))
    assert any(each == own or each.startswith(f"{own} ") for each in parsed), "of another command"


@pytest.mark.parametrize(
    ("path", "group"), [pytest.param(*each, id=" ".join(each[0])) for each in GROUPS]
)
def test_summaries_are_never_cut(cli: Cli, path: tuple[str, ...], group: click.Group) -> None:
    text = cli(*path, "--help").out
    assert "..." not in re.sub(r"[A-Z\]]\.\.\.", "", text)
    shown = " ".join(text.split())
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        first = re.split(r"(?<=\.)(?:\s|$)", " ".join((command.help or "").split()))[0]
        if isinstance(group, LazyGroup):  # It has summaries of its own, and imports no command.
            first = group.modules[name][1]
        assert f"{name} {first.removesuffix('.')}" in shown


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in ALL]
)
def test_no_line_of_a_help_text_is_wider_than_80_columns(
    cli: Cli, path: tuple[str, ...], command: click.Command
) -> None:
    cli.env["COLUMNS"] = "80"
    lines = cli(*path, "--help").out.splitlines()
    assert max(map(len, lines)) <= 80, command.name


def test_the_commands_are_shown_below_headings(cli: Cli) -> None:
    lines = cli("--help").out.splitlines()
    for heading, modules in COMMANDS.items():
        at = lines.index(f"{heading}:")
        rows = lines[at + 1 : at + 1 + len(modules)]
        assert [row.split()[0] for row in rows] == list(modules), "one line for each"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("uplaod",), "upload"),
        (("videos", "delet"), "delete"),
        (("distributed", "wroker"), "worker"),
        (("videos", "list", "--tga", "x"), "--tag"),
        (("videos", "list", "--sort-by", "titel"), "title"),
        (("videos", "update", "vi1", "--clear", "tag"), "tags"),
        (("--enviroment", "sandbox", "doctor"), "--environment"),
        (("--environment", "sandbx", "doctor"), "sandbox"),
        (("analytics", "over-time", "plai"), "play"),
        (("analytics", "aggregate", "view", "count", "--filter", "contry", "FR"), "country"),
        (("upload", "a.mp4", "--mode", "parts"), "part"),
        (("webhooks", "create", "http://x", "--event", "video.source.record"), "recorded"),
        (("api", "PACTH", "/videos"), "PATCH"),
        (("completion", "zhs"), "zsh"),
    ],
)
def test_a_similar_word_is_suggested(cli: Cli, given: tuple[str, ...], meant: str) -> None:
    result = cli(*given)
    assert result.code == 2
    assert re.search(rf"Did you mean .*{meant}", result.error_line)
