"""What a display is told."""

from types import TracebackType
from typing import Self

from rich.cells import cell_len

from ...uploads.progress import UploadProgress
from .formatting import bytes_text, rate_text, shortened
from .terminal import Terminal

__all__ = ["Display"]

SHORT_NAME = 12


class Display:
    """Shows the uploads of one command; ``name`` stands for a file everywhere."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def begin(self, name: str, size: int | None) -> None:
        """Show that an upload starts; ``size`` is None while it is unknown."""

    def progress(self, name: str, event: UploadProgress) -> None:
        """Show how far it is."""

    def stage(self, name: str, text: str) -> None:
        """Show what happens after the last byte."""

    def end(self, name: str) -> None:
        """Take it off the screen."""

    def done(self, name: str, size: int, sent: int, seconds: float) -> None:
        """Show that it is finished: ``sent`` of ``size`` bytes went out in this run."""
        self.end(name)
        what = bytes_text(size) if sent == size else f"{bytes_text(sent)} of {bytes_text(size)} sent now"
        rate = f", {rate_text(sent / seconds)}" if seconds > 0 and sent else ""
        self.say(name, f"done, {what} in {seconds:.1f} s{rate}", style="green")

    def say(self, name: str, text: str, style: str = "yellow") -> None:
        """Write a line about a file; on a screen its name is cut, so that the line fits."""
        width = self.terminal.width
        shown = name if width is None else shortened(name, max(SHORT_NAME, width - cell_len(text) - 3))
        self.terminal.say(f"{shown}: {text}", style=style)

    def failed(self, name: str, text: str) -> None:
        """Show that it failed."""
        self.end(name)
        self.terminal.fail(text, prefix=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the screen in order."""
