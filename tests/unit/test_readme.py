"""The tables of README.md list every method and command, and no others."""

import inspect
import re
from pathlib import Path

import click
import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.cli.app import app

README = (Path(__file__).parents[2] / "README.md").read_text()


def rows(heading: str) -> list[tuple[str, str]]:
    """The rows of the first table below a heading."""
    section = README[README.index(f"\n## {heading}\n") + 1 :]
    table = re.search(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    assert table is not None
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()
    ]
    return [(left, right) for left, right in cells]


def public(kind: type) -> set[str]:
    """The methods of a class."""
    return {
        name
        for name, value in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


METHODS = {
    left.strip("`"): set(re.findall(r"`(\w+)`", right)) for left, right in rows("All operations")
}
CLIENT = ApiVideoClient(api_key="a-key")


def test_every_section_of_the_client_is_named() -> None:
    sections = {name for name in vars(CLIENT) if not name.startswith("_")}
    assert set(METHODS) - {""} == sections
    assert METHODS[""] == public(ApiVideoClient) - {"aclose"}


@pytest.mark.parametrize("section", sorted(set(METHODS) - {""}))
def test_every_method_of_a_section_is_named(section: str) -> None:
    assert METHODS[section] == public(type(getattr(CLIENT, section)))


def test_every_command_is_named() -> None:
    named = {
        name for left, _ in rows("The command line") for name in re.findall(r"`([\w-]+)`", left)
    }
    assert named == set(app.list_commands(click.Context(app)))


@pytest.mark.parametrize(
    ("left", "right"),
    [row for row in rows("The command line") if re.match(r"`[\w -]+`", row[1])],
    ids=str,
)
def test_every_command_of_a_group_is_named(left: str, right: str) -> None:
    """Where a row names several groups, together they have no more and no less."""
    context = click.Context(app)
    groups = [app.get_command(context, name) for name in re.findall(r"`([\w-]+)`", left)]
    there = {
        name
        for group in groups
        if isinstance(group, click.Group)
        for name in group.list_commands(context)
    }
    assert set(" ".join(re.findall(r"`([\w -]+)`", right)).split()) == there
