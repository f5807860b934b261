"""The two outputs: results on the standard output, everything else on the standard error."""

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from .amounts import printable

__all__ = ["Terminal"]

SHORTEST_SECRET = 6
"""Shorter ones are no real keys, and masking them would garble everything."""


class Terminal:
    """Writes lines. Secrets that it was told never appear in them."""

    def __init__(self) -> None:
        self.console: Console = Console(stderr=True, highlight=False, emoji=False, markup=False)
        self._secrets: set[str] = set()

    @property
    def live(self) -> bool:
        """Whether moving bars can be drawn on the standard error."""
        return sys.stderr.isatty() and not self.console.is_dumb_terminal

    @property
    def shared(self) -> bool:
        """Whether results appear on the screen on which bars move."""
        return self.live and sys.stdout.isatty()

    @property
    def width(self) -> int | None:
        """Columns, when lines should fit a screen."""
        return self.console.width if self.live else None

    def hide(self, *secrets: str | None) -> None:
        """Never print these."""
        self._secrets.update(secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

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
        """Write a result and hand it to the reader at once."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def results(self, lines: Iterable[str]) -> None:
        """Write several results."""
        for line in lines:
            self.result(line)
