"""The options ``--output`` and ``--columns``, and the formats for programs.

``json`` is one document, ``jsonl`` one object per line, and ``csv`` a row of names and a row for
each record. ``table`` is for people, and is written by the commands themselves. With ``--columns``,
the objects of JSON have exactly these members, such as ``"assets.player"``.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

import click
from attrs import define, field, frozen

from ...models import to_json
from ..console.terminal import Terminal
from ..console.terminal import columns as tabbed
from ..parameters import Choice
from .columns import Column, ColumnList

__all__ = ["Format", "Output", "Writer", "output_options", "take_output", "with_output"]

Format: TypeAlias = Literal["table", "json", "jsonl", "csv"]
FORMATS: tuple[Format, ...] = ("table", "json", "jsonl", "csv")


@frozen
class Output:
    """The values of the options."""

    format: Format = "table"
    columns: tuple[Column, ...] | None = None

    @property
    def plain(self) -> bool:
        """True if the output is not JSON or CSV."""
        return self.format == "table"


def _declarations(known: tuple[Column, ...]) -> list[tuple[list[str], dict[str, Any]]]:
    example = ",".join(column.name for column in known[:2])
    return [
        (
            ["--output"],
            {
                "type": Choice(FORMATS),
                "help": "Format. Default: table, or in a pipe lines without a header whose cells "
                "are separated by tabs. CSV has the names of the columns in its first row, "
                "and lists and mappings as JSON.",
            },
        ),
        (
            ["--columns"],
            {
                "type": ColumnList(known),
                "metavar": "NAME,NAME...",
                "help": f"Fields to print, such as {example}; an unknown name lists all fields.",
            },
        ),
        (["--json", "as_json"], {"is_flag": True, "help": "Short for --output json."}),
        (["--jsonl", "as_lines"], {"is_flag": True, "help": "Short for --output jsonl."}),
    ]


def output_options(known: tuple[Column, ...]) -> list[click.Parameter]:
    """Make the options for which ``take_output`` returns an ``Output``."""
    return [click.Option(names, **arguments) for names, arguments in _declarations(known)]


def with_output(known: tuple[Column, ...]) -> Callable[[Any], Any]:
    """Return a decorator that adds the options to a command."""

    def add(command: Any) -> Any:
        for names, arguments in reversed(_declarations(known)):
            command = click.option(*names, **arguments)(command)
        return command

    return add


def take_output(given: dict[str, Any]) -> Output:
    """Remove the values of the options from ``given``. Raises ``UsageError`` for two formats."""
    flags = {"json": given.pop("as_json"), "jsonl": given.pop("as_lines")}
    chosen = given.pop("output")
    formats = {*(name for name, is_set in flags.items() if is_set), *([chosen] if chosen else [])}
    if len(formats) > 1:
        raise click.UsageError(
            "two formats exclude each other: --json and --jsonl are short for --output"
        )
    return Output(formats.pop() if formats else "table", given.pop("columns"))


@define
class Writer:
    """Writes records in the format of an output. :meth:`end` completes it.

    ``columns`` are those of CSV without ``--columns``. With ``done``, the records are results of
    work that is already done, so nothing is raised if they cannot be written. A table is lines with
    tabs.
    """

    terminal: Terminal
    output: Output
    columns: tuple[Column, ...]
    done: bool = False
    _documents: list[Any] = field(factory=list, init=False)
    _begun: bool = field(default=False, init=False)

    def add(self, record: Any) -> None:
        """Write a record; JSON is written by :meth:`end`."""
        if self.output.format == "json":
            self._documents.append(self.document(record))
        elif self.output.format == "jsonl":
            self._json(self.document(record), None)
        elif self.output.format == "csv":
            self._heading()
            self._csv([column.value(record) for column in self.chosen])
        else:
            self._line(tabbed(*(column.text(record) for column in self.chosen)))

    def add_all(self, records: Iterable[Any]) -> None:
        """Write all records and complete the output."""
        for record in records:
            self.add(record)
        self.end()

    def end(self) -> None:
        """Write the JSON document, or the heading of an empty table."""
        if self.output.format == "json":
            self._json(self._documents, 2)
        elif self.output.format == "csv":
            self._heading()

    @property
    def chosen(self) -> tuple[Column, ...]:
        """The columns of a table or of CSV."""
        return self.columns if self.output.columns is None else self.output.columns

    def document(self, record: Any) -> Any:
        """Return the JSON of a record."""
        if self.output.columns is None:
            return to_json(record)
        return {column.name: column.value(record) for column in self.output.columns}

    def one(self, record: Any) -> None:
        """Write one object and nothing else."""
        if self.output.format == "json":
            self._json(self.document(record), 2)
        else:
            self.add(record)

    def _heading(self) -> None:
        if not self._begun:
            self._begun = True
            self._csv([column.name for column in self.chosen])

    def _json(self, document: Any, indent: int | None) -> None:
        (self.terminal.report_json if self.done else self.terminal.json)(document, indent)

    def _csv(self, cells: list[Any]) -> None:
        (self.terminal.report_csv if self.done else self.terminal.csv)(cells)

    def _line(self, text: str) -> None:
        (self.terminal.report if self.done else self.terminal.result)(text)
