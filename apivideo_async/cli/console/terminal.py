"""Writes results to the standard output and everything else to the standard error."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, cast

from rich.console import Console
from rich.text import Text

from ...masking import masked
from .formatting import printable

__all__ = ["Terminal", "columns", "discard_stdout"]

SHORTEST_SECRET = 6
"""Shorter texts are not masked: they are no real keys, and masking them would garble messages."""


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


class Terminal:
    """Writes lines to both outputs.

    Secrets passed to :meth:`hide` and credentials in addresses are masked in all lines on the
    standard error. The caller of the program may have closed the standard output; results are then
    discarded.
    """

    def __init__(self) -> None:
        self.console: Console = Console(
            file=cast("IO[str]", _StandardError()), highlight=False, emoji=False, markup=False
        )
        self._secrets: set[str] = set()
        self.output_error: OSError | None = None
        """The error that prevented writing results to the standard output, if any."""

    @property
    def live(self) -> bool:
        """True if moving bars can be drawn on the standard error."""
        return self.console.file.isatty() and not self.console.is_dumb_terminal

    @property
    def results_on_screen(self) -> bool:
        """True if results are written to the same screen as moving bars."""
        return self.live and sys.stdout is not None and sys.stdout.isatty()

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None if lines need not fit a screen."""
        return self.console.width if self.live else None

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
        """Write a note to the standard error. Moving bars stay below it."""
        self.console.print(Text(self._clean(text), style=style), soft_wrap=True)

    def note(self, text: str) -> None:
        """Write a note that needs the user's attention."""
        self.say(f"note: {text}", style="yellow")

    def fail(self, text: str, prefix: str = "apivideo") -> None:
        """Write a failure in one line."""
        # Error messages of other libraries may contain line breaks.
        line = " ".join(printable(self._clean(f"{prefix}: {text}")).split())
        self.say(line, style="red")

    def result(self, text: str) -> None:
        """Write a result and flush it. Raises ``OSError`` if that fails."""
        if sys.stdout is not None:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def results(self, lines: Iterable[str]) -> None:
        """Write several results. Raises ``OSError`` if that fails."""
        for line in lines:
            self.result(line)

    def report(self, text: str) -> None:
        """Write the result of work that is already done; never raises ``OSError``.

        If the standard output cannot be written (the disk is full, or the reader closed the
        pipe), this result and all later ones are written to the standard error.
        :attr:`output_error` is then set, and the command exits with code 1.
        """
        if self.output_error is None:
            try:
                self.result(text)
            except OSError as error:
                self.output_error = error
                discard_stdout()
                self.fail(
                    f"results cannot be written to the standard output ({error.strerror}): "
                    "they follow on the standard error"
                )
        if self.output_error is not None:
            self.say(text)


def discard_stdout() -> None:
    """Redirect the standard output to ``os.devnull``."""
    # Python flushes the standard output at exit, which would fail for a broken pipe.
    with suppress(OSError, ValueError, AttributeError):
        # Replace the descriptor: `sys.stdout` keeps its buffer and flushes it to the new target.
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
