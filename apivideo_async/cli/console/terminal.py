"""Writes results to the standard output and everything else to the standard error.

Every text of the command line passes through this module, which replaces the characters that could
control a terminal (:class:`_Console` for drawings and notes, :meth:`Terminal.result` for results,
:meth:`Terminal.json` for JSON). Commands therefore pass text from outside as it is.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any, cast

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ...masking import masked
from .formatting import csv_text, json_text, printable

__all__ = ["Terminal", "columns", "discard_stdout"]

SHORTEST_SECRET = 6
"""Shorter texts are not masked: they are no real keys, and masking them would garble messages."""

_LEVELS = {"red": "error", "yellow": "warning"}
"""The levels of log lines for notes in these styles."""


def columns(*cells: object) -> str:
    """Join the cells of a row with tabs, for programs; no cell contains a tab."""
    return "\t".join(printable(str(cell)) for cell in cells)


class _StandardError:
    """Writes to the current ``sys.stderr``. Ignores errors: a lost note must not end the work."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            if sys.stderr is not None:
                sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            if sys.stderr is not None:
                sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr is not None and sys.stderr.isatty()

    def fileno(self) -> int:
        return sys.stderr.fileno()

    @property
    def encoding(self) -> str:
        return getattr(sys.stderr, "encoding", None) or "utf-8"


class _Console(Console):
    """A console that replaces control characters in everything that it draws."""

    def __init__(self, file: IO[str] | None = None) -> None:
        super().__init__(file=file, highlight=False, emoji=False, markup=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as ``Console`` does. Control segments are those of rich itself."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text == "\n":
                yield segment
            else:
                # Drawings may end a line within a segment.
                lines = segment.text.split("\n")
                yield Segment("\n".join(map(printable, lines)), segment.style)


class Terminal:
    """Writes lines to both outputs.

    Secrets passed to :meth:`hide` and credentials in addresses are masked in all lines on the
    standard error. The caller of the program may have closed the standard output; results are then
    discarded.
    """

    def __init__(self) -> None:
        self.console: Console = _Console(cast("IO[str]", _StandardError()))
        self._secrets: set[str] = set()
        self.log_lines = False
        """True if every line on the standard error is to be a JSON object."""
        self.output_error: OSError | None = None
        """The error that prevented writing results to the standard output, if any."""

    @property
    def live(self) -> bool:
        """True if moving bars can be drawn on the standard error."""
        on_screen = self.console.file.isatty() and not self.console.is_dumb_terminal
        return on_screen and not self.log_lines

    @property
    def results_on_screen(self) -> bool:
        """True if results are written to the same screen as moving bars."""
        return self.live and sys.stdout is not None and sys.stdout.isatty()

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None if lines need not fit a screen."""
        return self.console.width if self.live else None

    @property
    def interactive(self) -> bool:
        """True if a user can answer a question."""
        return sys.stdin is not None and sys.stdin.isatty()

    def hide(self, *secrets: str | None) -> None:
        """Mask these texts in all lines on the standard error."""
        self._secrets.update(
            secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET
        )

    def _clean(self, text: str) -> str:
        # Longest first: a short secret may be part of a longer one.
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return masked(text)

    def say(self, text: str, style: str = "") -> None:
        """Write a note of one line to the standard error. Moving bars stay below it."""
        if self.log_lines:
            self.log(_LEVELS.get(style, "info"), {"message": text})
        else:
            self._draw(printable(self._clean(text)), style)

    def log(self, level: str, fields: Mapping[str, Any]) -> None:
        """Write a JSON object on one line of the standard error, with secrets masked."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        document = {"time": time, "level": level, **self._clean_value(dict(fields))}
        self.console.file.write(json_text(document, None, "ascii") + "\n")
        self.console.file.flush()

    def _clean_value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {str(name): self._clean_value(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean_value(each) for each in value]
        return self._clean(str(value))

    def trace(self, text: str) -> None:
        """Write several lines to the standard error, such as a traceback.

        All but the first are indented, so that text from outside cannot imitate another note.
        """
        if self.log_lines:
            self.log("error", {"message": text})
        else:
            self._draw("\n  ".join(map(printable, self._clean(text).splitlines())), "dim")

    def _draw(self, text: str, style: str) -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)

    def note(self, text: str) -> None:
        """Write a note that needs the user's attention."""
        self.say(f"note: {text}", style="yellow")

    def fail(self, text: str, prefix: str = "apivideo") -> None:
        """Write a failure in one line."""
        # Error messages of other libraries may contain line breaks.
        self.say(" ".join(f"{prefix}: {text}".split()), style="red")

    def confirm(self, question: str) -> bool | None:
        """Ask on the standard error; None if the standard input is not a terminal."""
        if not self.interactive:
            return None
        # The standard output is for results.
        return click.confirm(printable(self._clean(question)), err=True)

    def result(self, text: str) -> None:
        """Write a result of one line and flush it. Tabs separate columns (:func:`columns`).

        Raises ``OSError`` if that fails.
        """
        self._put("\t".join(map(printable, text.split("\t"))))

    def results(self, lines: Iterable[str]) -> None:
        """Write several results. Raises ``OSError`` if that fails."""
        for line in lines:
            self.result(line)

    def json(self, document: Any, indent: int | None = 2) -> None:
        """Write a JSON document and flush it; without ``indent`` on one line.

        Raises ``OSError`` if that fails.
        """
        self._put(json_text(document, indent, getattr(sys.stdout, "encoding", None) or "ascii"))

    def csv(self, cells: Iterable[Any]) -> None:
        """Write a row of CSV and flush it. Raises ``OSError`` if that fails."""
        line = csv_text(cells)
        # On Windows, the stream itself replaces a line feed by both characters.
        self._put(line if os.linesep == "\n" else line.removesuffix("\r"))

    def draw(self, drawing: Callable[[int], RenderableType]) -> None:
        """Draw on the standard output. ``drawing`` is called with its width in columns."""
        console = _Console()
        console.print(drawing(console.width))

    @staticmethod
    def _put(text: str) -> None:
        if sys.stdout is None:
            return
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            discard_stdout()
            number, reason = getattr(error, "errno", None), getattr(error, "strerror", None)
            raise OSError(
                number or 0,
                f"results cannot be written to the standard output ({reason or error})",
            ) from error

    def report(self, text: str) -> None:
        """Write the result of work that is already done; never raises ``OSError``.

        If the standard output cannot be written (the disk is full, or the reader closed the
        pipe), this result and all later ones are written to the standard error.
        :attr:`output_error` is then set, and the command exits with code 1.
        """
        self._report(lambda: self.result(text), lambda: text)

    def report_json(self, document: Any, indent: int | None = 2) -> None:
        """Write JSON as ``report`` writes text."""
        self._report(
            lambda: self.json(document, indent), lambda: json_text(document, None, "ascii")
        )

    def report_csv(self, cells: Sequence[Any]) -> None:
        """Write a row of CSV as ``report`` writes text."""
        self._report(lambda: self.csv(cells), lambda: csv_text(cells))

    def _report(self, write: Callable[[], None], text: Callable[[], str]) -> None:
        if self.output_error is None:
            try:
                write()
            except OSError as error:
                self.output_error = error
                discard_stdout()
                reason = os.strerror(error.errno) if error.errno else "it is closed"
                self.fail(
                    f"results cannot be written to the standard output ({reason}): "
                    "they follow on the standard error"
                )
        if self.output_error is not None:
            self.say(text())


def discard_stdout() -> None:
    """Redirect the standard output to ``os.devnull``."""
    # Python flushes the standard output at exit, which would fail for a broken pipe.
    with suppress(OSError, ValueError, AttributeError):
        # Replace the descriptor: `sys.stdout` keeps its buffer and flushes it to the new target.
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
