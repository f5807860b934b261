"""How uploads are shown: moving bars on a terminal, a few plain lines anywhere else."""

from ..display import Display
from ..live_display import LiveDisplay
from ..plain_display import PlainDisplay
from ..terminal import Terminal

__all__ = ["Display", "display_for"]


def display_for(terminal: Terminal, files: int, *, keep: bool = False) -> Display:
    """Choose by what the standard error is; ``keep`` leaves the last picture of bars that did not end."""
    return LiveDisplay(terminal, files, keep=keep) if terminal.live else PlainDisplay(terminal)
