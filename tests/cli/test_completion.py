"""Shell completion offers commands, options and values. Every command has a help text."""

import shutil
import subprocess
from collections.abc import Iterator

import click
import pytest

from apivideo_async.cli.app import app

from .conftest import Cli


def completed(cli: Cli, words: str) -> list[str]:
    """Ask as the script for bash does."""
    cli.env |= {
        "_APIVIDEO_COMPLETE": "bash_complete",
        "COMP_WORDS": f"apivideo {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    with cli.start() as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    return [line.partition(",")[2] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("live", ["live-streams"]),
        ("w", ["watermarks", "webhooks"]),
        ("webhooks l", ["list", "listen"]),
        ("webhooks create --event video.s", ["video.source.recorded", "video.summary.generated"]),
        ("analytics aggregate i", ["impression", "impression-time"]),
        ("tokens create --t", ["--ttl"]),
        ("videos list --columns title,pub", ["title,publishedAt", "title,public"]),
    ],
)
def test_commands_options_and_values_are_offered(cli: Cli, words: str, offered: list[str]) -> None:
    assert completed(cli, words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_takes(cli: Cli, shell: str) -> None:
    result = cli("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert "_APIVIDEO_COMPLETE" in result.out
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=result.out, text=True, check=True)


def commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command with its path."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            assert inner.name == name
            yield from commands(inner, (*path, name))


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in commands(app)]
)
def test_every_command_and_option_says_what_it_does(
    cli: Cli, path: tuple[str, ...], command: click.Command
) -> None:
    assert cli(*path, "--help").out.startswith(f"Usage: {' '.join(('apivideo', *path))} ")
    assert command.help
    unnamed = [
        param.name
        for param in command.params
        if isinstance(param, click.Option)
        and not param.help
        and not isinstance(param.type, click.Choice)
    ]
    assert unnamed in ([], ["host"]), "a choice names its values"
