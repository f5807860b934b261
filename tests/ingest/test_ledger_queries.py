"""Every statement in a ``queries.sql`` has a comment and is used; the wheel contains the file."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from apivideo_async.distributed.postgres import QUERIES, PostgresDatabase
from apivideo_async.ingest.ledger.database import Queries
from apivideo_async.ingest.ledger.sqlite import SqliteDatabase

PACKAGES = ["apivideo_async.ingest.ledger", "apivideo_async.distributed"]
STATEMENT = re.compile(r"^-- name: (\w+)\n((?:--.*\n)*)", re.MULTILINE)


def text_of(package: str) -> str:
    return files(package).joinpath("queries.sql").read_text("utf-8")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_statement_has_a_unique_name_and_a_comment(package: str) -> None:
    text = text_of(package)
    assert max(map(len, text.splitlines())) <= 100
    found = STATEMENT.findall(text)
    names = [name for name, _ in found]
    assert names
    assert len(names) == len(set(names))
    assert [name for name, comment in found if len(comment) < 20] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_statement_is_used(package: str) -> None:
    """By its name in a module of the package, or as a part of another statement."""
    text = text_of(package)
    folder = Path(str(files(package)))
    modules = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    names = [name for name, _ in STATEMENT.findall(text)]
    unused = [name for name in names if f'"{name}"' not in modules and f"{{{name}}}" not in text]
    assert unused == []


@pytest.mark.parametrize(
    "queries", [SqliteDatabase.queries, PostgresDatabase.queries, QUERIES], ids=["lite", "pg", "q"]
)
def test_statements_contain_neither_comments_nor_open_places(queries: Queries) -> None:
    """Except the places that are filled for each call."""
    at_call = {
        "states",
        "page",
        "and_keys",
        "and_unsuccessful",
        "schema",
        "statement",
        "lock",
        "seconds",
    }
    for name, statement in queries.items():
        assert statement.strip(), name
        assert "--" not in statement, name
        assert set(re.findall(r"{(\w+)}", statement)) <= at_call, name


def test_both_databases_have_the_same_statements() -> None:
    assert SqliteDatabase.queries.keys() == PostgresDatabase.queries.keys()
