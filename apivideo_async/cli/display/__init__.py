"""How uploads are shown: moving bars on a terminal, a few plain lines anywhere else."""

from ..terminal import Terminal
from .base import Display
from .live import LiveDisplay
from .plain import PlainDisplay

__all__ = ["Display", "display_for"]


def display_for(terminal: Terminal, files: int, *, keep: bool = False) -> Display:
    """Choose by what the standard error is; ``keep`` leaves the last picture of bars that did not end."""
    return LiveDisplay(terminal, files, keep=keep) if terminal.live else PlainDisplay(terminal)
