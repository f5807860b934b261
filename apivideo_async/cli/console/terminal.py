"""The two outputs: results on the standard output, everything else on the standard error."""

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
"""Shorter ones are no real keys, and masking them would garble everything."""


def columns(*cells: object) -> str:
    """Write a row for programs: cells with tabs between them, and none within."""
    return "\t".join(printable(str(cell)) for cell in cells)


class _StandardError:
    """The standard error of the moment. Notes that cannot be written, on a full disk for example, end no work."""

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
    """Writes lines. Secrets that it was told, and those of addresses, never appear in the lines on the standard error.

    The standard output may be closed: then results are written to nowhere, as the caller wants it.
    """

    def __init__(self) -> None:
        self.console: Console = Console(
            file=cast("IO[str]", _StandardError()), highlight=False, emoji=False, markup=False
        )
        self._secrets: set[str] = set()
        self.lost: OSError | None = None
        """Why results could not be written to the standard output, if they could not."""

    @property
    def live(self) -> bool:
        """Whether moving bars can be drawn on the standard error."""
        return self.console.file.isatty() and not self.console.is_dumb_terminal

    @property
    def shared(self) -> bool:
        """Whether results appear on the screen on which bars move."""
        return self.live and sys.stdout is not None and sys.stdout.isatty()

    @property
    def width(self) -> int | None:
        """Columns, when lines should fit a screen."""
        return self.console.width if self.live else None

    def hide(self, *secrets: str | None) -> None:
        """Never print these."""
        self._secrets.update(secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET)

    def _clean(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return masked(text)

    def say(self, text: str, style: str = "") -> None:
        """Write a note, above the bars if there are any."""
        self.console.print(Text(self._clean(text), style=style), soft_wrap=True)

    def note(self, text: str) -> None:
        """Write what may surprise."""
        self.say(f"note: {text}", style="yellow")

    def fail(self, text: str, prefix: str = "apivideo") -> None:
        """Write one line about a failure."""
        line = " ".join(printable(self._clean(f"{prefix}: {text}")).split())
        self.say(line, style="red")

    def result(self, text: str) -> None:
        """Write a result and hand it to the reader at once. Raises ``OSError`` if that is not possible."""
        if sys.stdout is not None:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def results(self, lines: Iterable[str]) -> None:
        """Write several results. Raises ``OSError`` if that is not possible."""
        for line in lines:
            self.result(line)

    def report(self, text: str) -> None:
        """Write the result of work that is done and must not fail any more.

        If the standard output cannot be written to (a full disk, a reader that has left), this result and the later
        ones go to the standard error, ``lost`` is set and the command ends with exit code 1.
        """
        if self.lost is None:
            try:
                self.result(text)
            except OSError as error:
                self.lost = error
                discard_stdout()
                self.fail(f"results cannot be written to the standard output ({error.strerror}): they follow here")
        if self.lost is not None:
            self.say(text)


def discard_stdout() -> None:
    """Lead the standard output to nowhere, so that what is still buffered is not written when the process ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
