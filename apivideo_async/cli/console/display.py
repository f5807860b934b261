"""Shows the uploads of a command: moving bars on a terminal, plain lines in logs and pipes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from ...uploads.ledger import ChunkState
from ...uploads.progress import UploadProgress
from .bar import Row, strip_for
from .formatting import amount_text, bytes_text, rate_text, shortened, time_text
from .terminal import Terminal

__all__ = ["Display", "show_uploads"]

SHORTEST_NAME = 12
"""Columns of a shortened file name in a line, at least."""
REDRAWS = 8
"""Redraws of the bars per second."""
STEP = 0.1
"""Share of an upload after which a plain line is written."""
STREAM_STEP = 64 * 1024 * 1024
"""Bytes between two plain lines if the total is unknown."""
LONGEST_SILENCE = 60.0
"""Seconds after which a plain line is written at the latest."""


class Display:
    """Writes the final lines about uploads; ``name`` is the file. Subclasses show the progress."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def begin(self, name: str, size: int | None) -> None:
        """Show that an upload starts. ``size`` is in bytes, None if unknown."""

    def progress(self, name: str, event: UploadProgress) -> None:
        """Show the progress of an upload."""

    def stage(self, name: str, text: str) -> None:
        """Show the step that follows the upload, such as "encoding"."""

    def end(self, name: str) -> None:
        """Remove the progress of an upload from the screen."""

    def skip(self, name: str) -> None:
        """Show that an earlier run has uploaded a file."""
        self.end(name)

    def done(self, name: str, size: int, sent: int, seconds: float) -> None:
        """Show that an upload ended. This run sent ``sent`` of ``size`` bytes in ``seconds``."""
        self.end(name)
        amount = bytes_text(size)
        if sent != size:
            amount = f"{bytes_text(sent)} of {amount} sent now"
        rate = f", {rate_text(sent / seconds)}" if seconds > 0 and sent else ""
        self.say(name, f"done, {amount} in {seconds:.1f} s{rate}", style="green")

    def say(self, name: str, text: str, style: str = "yellow") -> None:
        """Write a line about a file. On a terminal the name is shortened so that the line fits."""
        width = self.terminal.width
        if width is not None:
            name = shortened(name, max(SHORTEST_NAME, width - cell_len(text) - 3))
        self.terminal.say(f"{name}: {text}", style=style)

    def failed(self, name: str, text: str) -> None:
        """Show that an upload failed; ``text`` is the reason."""
        self.end(name)
        # Some reasons end with the name.
        self.terminal.fail(text.removesuffix(f": {name}"), prefix=name)


class _LiveDisplay(Display):
    """Moving bars. The methods store the state, and rich's ``Live`` draws it in its own thread."""

    def __init__(self, terminal: Terminal, files: int, total: int | None) -> None:
        super().__init__(terminal)
        self._files = files
        self._total = total
        self._ended = 0
        self._received = 0
        """Bytes of the files that ended which the server has."""
        self._rows: dict[str, Row] = {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # One column stays free, because some terminals wrap when the last column is written.
        width = options.max_width - 1
        glyphs = strip_for(options.encoding)
        # Copy the rows: this method runs in the thread of Live while uploads add and remove rows.
        rows = list(self._rows.values())
        for row in rows:
            yield row.render(width, glyphs)
        if self._files > 1:
            line = Text(self._summary(rows), no_wrap=True, overflow="crop")
            line.truncate(width)
            yield line

    def _summary(self, rows: list[Row]) -> str:
        """Return the line about all files: how many ended, their bytes, the rate and the rest."""
        events = [row.event for row in rows if row.event is not None]
        received = self._received + sum(event.bytes_accepted for event in events)
        rate = sum(event.rate for event in events if not event.finished)
        rest = None
        if self._total is not None and rate > 0:
            rest = max(0, self._total - received) / rate
        amount = amount_text(received, self._total)
        files = f"{self._ended} of {self._files} files"
        return f"{files}, {amount}, {rate_text(rate)}, {time_text(rest)} left"

    def begin(self, name: str, size: int | None) -> None:
        self._rows[name] = Row(name, size)

    def progress(self, name: str, event: UploadProgress) -> None:
        self._rows[name].event = event

    def stage(self, name: str, text: str) -> None:
        if name in self._rows:
            self._rows[name].stage = text

    def end(self, name: str) -> None:
        self._ended += 1
        row = self._rows.pop(name, None)
        if row is not None and row.event is not None:
            self._received += row.event.bytes_accepted

    def skip(self, name: str) -> None:
        self._received += self._rows[name].size or 0
        self.end(name)


@frozen
class _LastLine:
    """The last plain line about an upload: its step, and the monotonic time in seconds."""

    step: int
    at: float


class _PlainDisplay(Display):
    """Lines that can be read alone: one at the start, one for each tenth, at least one a minute."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal)
        self._last: dict[str, _LastLine] = {}

    def begin(self, name: str, size: int | None) -> None:
        self._last[name] = _LastLine(0, time.monotonic())
        self.terminal.say(f"{name}: uploading" + ("" if size is None else f" {bytes_text(size)}"))

    def progress(self, name: str, event: UploadProgress) -> None:
        last = self._last[name]
        now = time.monotonic()
        share = event.fraction
        step = int(share / STEP) if share is not None else event.bytes_accepted // STREAM_STEP
        # The last event is left out, because ``done`` writes a line about it.
        if event.finished or (step <= last.step and now - last.at < LONGEST_SILENCE):
            return
        self._last[name] = _LastLine(step, now)
        self.terminal.say(f"{name}: {_line(event)}")

    def stage(self, name: str, text: str) -> None:
        self.terminal.say(f"{name}: {text}")

    def end(self, name: str) -> None:
        self._last.pop(name, None)


def _line(event: UploadProgress) -> str:
    accepted = event.chunks.get(ChunkState.ACCEPTED, 0)
    if event.fraction is None or event.bytes_total is None:
        return f"{bytes_text(event.bytes_accepted)} ({accepted} chunks, {rate_text(event.rate)})"
    chunks = f"{accepted}/{sum(event.chunks.values())} chunks"
    amount = f"{bytes_text(event.bytes_accepted)} of {bytes_text(event.bytes_total)}"
    rest = f"{rate_text(event.rate)}, {time_text(event.eta)} left"
    return f"{event.fraction:.0%} ({amount}, {chunks}, {rest})"


@contextmanager
def show_uploads(
    terminal: Terminal, files: int, *, total: int | None = None, keep: bool = False
) -> Iterator[Display]:
    """Show the uploads of a block. ``keep`` leaves unfinished bars on the screen at the end.

    ``total`` is the size of all files in bytes, None if unknown.
    """
    if not terminal.live:
        yield _PlainDisplay(terminal)
        return
    display = _LiveDisplay(terminal, files, total)
    with Live(
        display,
        console=terminal.console,
        refresh_per_second=REDRAWS,
        transient=not keep,
        # rich would redirect results from the standard output to this console.
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield display
