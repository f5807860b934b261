"""Shows the uploads of a command: moving bars on a terminal, plain lines in logs and pipes."""

import time
from types import TracebackType
from typing import Self

from attrs import frozen
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live

from ...uploads.ledger import ChunkState
from ...uploads.progress import UploadProgress
from .bar import Row
from .formatting import bytes_text, rate_text, shortened, time_text
from .terminal import Terminal

__all__ = ["Display", "LiveDisplay", "PlainDisplay", "display_for"]

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
    """Shows the uploads of one command.

    The argument ``name`` of the methods identifies the file. The base class writes the final lines;
    subclasses show the progress.
    """

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

    def done(self, name: str, size: int, sent: int, seconds: float) -> None:
        """Show that an upload is finished.

        ``sent`` of the ``size`` bytes were sent in this run, which took ``seconds``.
        """
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
        self.terminal.fail(text, prefix=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the screen."""


class LiveDisplay(Display):
    """Moving bars. A finished upload becomes a line above them.

    The methods only store the new state. rich's ``Live`` redraws the bars in its own thread.
    """

    def __init__(self, terminal: Terminal, files: int, *, keep: bool = False) -> None:
        super().__init__(terminal)
        self._files = files
        self._ended = 0
        self._rows: dict[str, Row] = {}
        self._live = Live(
            self,
            console=terminal.console,
            refresh_per_second=REDRAWS,
            transient=not keep,
            # rich would redirect results from the standard output to this console.
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # One column stays free, because some terminals wrap when the last column is written.
        width = options.max_width - 1
        unicode = options.encoding.startswith("utf")
        # Copy the rows: this method runs in the thread of Live while uploads add and remove rows.
        for row in list(self._rows.values()):
            yield row.render(width, unicode=unicode)
        if self._files > 1:
            yield f"{self._ended} of {self._files} files"

    def begin(self, name: str, size: int | None) -> None:
        """Add a bar."""
        self._rows[name] = Row(name, size)

    def progress(self, name: str, event: UploadProgress) -> None:
        """Update the state of a bar."""
        self._rows[name].event = event

    def stage(self, name: str, text: str) -> None:
        """Show the stage instead of rate and remaining time."""
        if name in self._rows:
            self._rows[name].stage = text

    def end(self, name: str) -> None:
        """Remove a bar and count its file as ended."""
        self._ended += 1
        self._rows.pop(name, None)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Erase the bars and show the cursor again."""
        self._live.stop()


@frozen
class _LastLine:
    """The last plain line about an upload: its step, and the monotonic time in seconds."""

    step: int
    at: float


class PlainDisplay(Display):
    """Lines that can be read alone: one at the start, one for each tenth, at least one a minute."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal)
        self._last: dict[str, _LastLine] = {}

    def begin(self, name: str, size: int | None) -> None:
        """Write the line about the start."""
        self._last[name] = _LastLine(0, time.monotonic())
        self.terminal.say(f"{name}: uploading" + ("" if size is None else f" {bytes_text(size)}"))

    def progress(self, name: str, event: UploadProgress) -> None:
        """Write a line if another tenth is accepted, or if the last line is a minute old."""
        last, now, share = self._last[name], time.monotonic(), event.fraction
        step = int(share / STEP) if share is not None else event.bytes_accepted // STREAM_STEP
        # The last event is left out, because ``done`` writes a line about it.
        if event.finished or (step <= last.step and now - last.at < LONGEST_SILENCE):
            return
        self._last[name] = _LastLine(step, now)
        self.terminal.say(f"{name}: {_line(event)}")

    def stage(self, name: str, text: str) -> None:
        """Write a line about the stage."""
        self.terminal.say(f"{name}: {text}")

    def end(self, name: str) -> None:
        """Drop the state of an upload."""
        self._last.pop(name, None)


def _line(event: UploadProgress) -> str:
    accepted = event.chunks.get(ChunkState.ACCEPTED, 0)
    if event.fraction is None or event.bytes_total is None:
        return f"{bytes_text(event.bytes_accepted)} ({accepted} chunks, {rate_text(event.rate)})"
    chunks = f"{accepted}/{sum(event.chunks.values())} chunks"
    amount = f"{bytes_text(event.bytes_accepted)} of {bytes_text(event.bytes_total)}"
    rest = f"{rate_text(event.rate)}, {time_text(event.eta)} left"
    return f"{event.fraction:.0%} ({amount}, {chunks}, {rest})"


def display_for(terminal: Terminal, files: int, *, keep: bool = False) -> Display:
    """Return the display that fits the standard error.

    ``files`` is the number of uploads. ``keep`` leaves unfinished bars on the screen at the end.
    """
    return LiveDisplay(terminal, files, keep=keep) if terminal.live else PlainDisplay(terminal)
