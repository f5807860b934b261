"""Chooses the display of uploads: moving bars on a terminal, plain lines elsewhere."""

from ..display import Display
from ..live_display import LiveDisplay
from ..plain_display import PlainDisplay
from ..terminal import Terminal

__all__ = ["Display", "display_for"]


def display_for(terminal: Terminal, files: int, *, keep: bool = False) -> Display:
    """Return the display that fits the standard error.

    ``files`` is the number of uploads. ``keep`` leaves unfinished bars on the screen at the end.
    """
    return LiveDisplay(terminal, files, keep=keep) if terminal.live else PlainDisplay(terminal)
