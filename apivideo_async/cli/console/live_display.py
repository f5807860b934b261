"""Shows uploads as moving bars. A finished upload becomes a line above the bars."""

from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live

from ...uploads.progress import UploadProgress
from .bar import Row
from .display import Display
from .terminal import Terminal

__all__ = ["LiveDisplay"]

FRAMES = 8
"""Redraws per second."""


class LiveDisplay(Display):
    """Display for terminals.

    The methods only store the new state. rich's ``Live`` redraws the bars in its own thread,
    ``FRAMES`` times a second.
    """

    def __init__(self, terminal: Terminal, files: int, *, keep: bool = False) -> None:
        super().__init__(terminal)
        self._files = files
        self._ended = 0
        self._rows: dict[str, Row] = {}
        self._live = Live(
            self,
            console=terminal.console,
            refresh_per_second=FRAMES,
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
