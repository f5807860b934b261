"""The interface of the displays that show uploads."""

from types import TracebackType
from typing import Self

from rich.cells import cell_len

from ...uploads.progress import UploadProgress
from .formatting import bytes_text, rate_text, shortened
from .terminal import Terminal

__all__ = ["Display"]

SHORT_NAME = 12


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
        what = (
            bytes_text(size)
            if sent == size
            else f"{bytes_text(sent)} of {bytes_text(size)} sent now"
        )
        rate = f", {rate_text(sent / seconds)}" if seconds > 0 and sent else ""
        self.say(name, f"done, {what} in {seconds:.1f} s{rate}", style="green")

    def say(self, name: str, text: str, style: str = "yellow") -> None:
        """Write a line about a file. On a terminal the name is shortened so that the line fits."""
        width = self.terminal.width
        shown = (
            name if width is None else shortened(name, max(SHORT_NAME, width - cell_len(text) - 3))
        )
        self.terminal.say(f"{shown}: {text}", style=style)

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
