"""The databases of a ledger: their interface, their SQL dialects, and the file ``queries.sql``."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol

from attrs import asdict, frozen

from .rows import COLUMNS, ITEM_COLUMNS

__all__ = [
    "MIGRATIONS",
    "SCHEMA_VERSION",
    "TABLES",
    "Database",
    "Dialect",
    "Queries",
    "ledger_queries",
    "load_queries",
]

SCHEMA_VERSION: Final = "2"
"""Version of the tables, stored in the ledger."""
TABLES: Final = (
    "create_items",
    "create_items_due",
    "create_items_owner",
    "create_items_uri",
    "create_items_sample",
    "create_items_unsuccessful",
    "create_aliases",
    "create_usage",
    "create_budget",
    "create_meta",
)

MIGRATIONS: Final = {"1": ("migrate_from_1", *TABLES)}
"""The statements that change an older layout to the present one, by its version."""

Queries = Mapping[str, str]
"""Statements by name."""


@frozen(kw_only=True)
class Dialect:
    """The SQL expressions in which the two databases differ."""

    now: str
    """The current time in seconds since 1970, by the database's clock."""
    serial: str
    """The type of a primary key that grows with each row."""
    add_column: str
    """The clause that adds a column, with ``IF NOT EXISTS`` where the database has it."""
    skip_locked: str
    """The clause that lets concurrent claims skip rows that another claim has locked."""
    elements: str
    """A table expression for the elements of the JSON array ``:items``, each named ``value``."""
    member: str
    """An expression for a member of such an element, as text. ``{}`` is the member's name."""


class Database(Protocol):
    """Executes statements whose parameters are written ``:name``."""

    @property
    def queries(self) -> Queries:
        """The statements of the ledger in the dialect of this database."""
        ...

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute one statement in a transaction of its own and return its rows.

        Raises ``LedgerError`` when the database cannot be used, and ``SourceError`` when it refuses
        a value.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@cache
def _read(package: str) -> Queries:
    """Return the statements of a package's ``queries.sql``, without comments."""
    text = files(package).joinpath("queries.sql").read_text("utf-8")
    _, *parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    statements = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        lines = [line for line in body.splitlines() if not line.startswith("--")]
        statements[name] = "\n".join(lines).strip().removesuffix(";")
    return statements


def load_queries(package: str, **values: Any) -> Queries:
    """Return the statements of a package's ``queries.sql`` by name.

    ``{name}`` in a statement is replaced by a value or by an earlier statement. ``{{name}}``
    becomes ``{name}``, for ``str.format`` at each call.
    """
    queries: dict[str, str] = {}
    for name, statement in _read(package).items():
        queries[name] = statement.format(**values, **queries)
    return queries


def ledger_queries(dialect: Dialect) -> Queries:
    """Return the statements of the ledger in a dialect."""
    member = {name: dialect.member.format(name) for name in ITEM_COLUMNS}
    values = {**asdict(dialect), "member": member, "columns": COLUMNS}
    return load_queries("apivideo_async.ingest.ledger", **values)
