"""Shows uploads as plain lines, for logs and pipes.

Each upload gets a line at its start, about one for every tenth of it, and at least one a minute.
"""

import time

from attrs import define

from ...uploads.ledger import ChunkState
from ...uploads.progress import UploadProgress
from .display import Display
from .formatting import bytes_text, rate_text, time_text
from .terminal import Terminal

__all__ = ["PlainDisplay"]

TENTH = 0.1
STREAM_STEP = 64 * 1024 * 1024
"""Bytes between two lines if the total is unknown."""
LONGEST_SILENCE = 60.0


@define
class _Told:
    step: int
    at: float


class PlainDisplay(Display):
    """Display without cursor movement: every line can be read alone."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal)
        self._told: dict[str, _Told] = {}

    def begin(self, name: str, size: int | None) -> None:
        """Write the line about the start."""
        self._told[name] = _Told(0, time.monotonic())
        self.terminal.say(f"{name}: uploading" + ("" if size is None else f" {bytes_text(size)}"))

    def progress(self, name: str, event: UploadProgress) -> None:
        """Write a line if another tenth is accepted, or if the last line is a minute old."""
        told = self._told[name]
        share = event.fraction
        step = int(share / TENTH) if share is not None else event.bytes_accepted // STREAM_STEP
        now = time.monotonic()
        # The last event is left out, because `done` writes a line about it.
        if event.finished or (step <= told.step and now - told.at < LONGEST_SILENCE):
            return
        self._told[name] = _Told(step, now)
        self.terminal.say(f"{name}: {_line(event)}")

    def stage(self, name: str, text: str) -> None:
        """Write a line about the stage."""
        self.terminal.say(f"{name}: {text}")

    def end(self, name: str) -> None:
        """Drop the state of an upload."""
        self._told.pop(name, None)


def _line(event: UploadProgress) -> str:
    accepted = event.chunks.get(ChunkState.ACCEPTED, 0)
    if event.fraction is None or event.bytes_total is None:
        return f"{bytes_text(event.bytes_accepted)} ({accepted} chunks, {rate_text(event.rate)})"
    chunks = f"{accepted}/{sum(event.chunks.values())} chunks"
    amount = f"{bytes_text(event.bytes_accepted)} of {bytes_text(event.bytes_total)}"
    rest = f"{rate_text(event.rate)}, {time_text(event.eta)} left"
    return f"{event.fraction:.0%} ({amount}, {chunks}, {rest})"
