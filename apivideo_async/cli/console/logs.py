"""Shows the package's log records as short notes on the terminal.

Without the notes, the terminal would show nothing while a request is retried or waits for the
request budget.
"""

import logging
import re
import time

from .formatting import readable
from .terminal import Terminal

__all__ = ["shortened_retry", "show_logs"]

_RETRY = re.compile(
    r"^(?P<what>[^:]+): next attempt in (?P<wait>[\d.]+) s: (?:[\w.]+: )?(?P<why>.*)$", re.DOTALL
)
_BUDGET = re.compile(r"^(?P<what>\w+): budget spent, \d+ waiting (?P<wait>\d+)")
SILENCE = 10.0
"""Seconds before the same note is shown again."""


def shortened_retry(text: str) -> str:
    """Convert a record about a retry or a wait to a note. Other texts are returned unchanged."""
    spent = _BUDGET.match(text)
    if spent is not None:
        return f"the request budget is spent: {spent['what']} go on in {spent['wait']} s"
    match = _RETRY.match(readable(text))
    if match is None:
        return text
    why = f"the server answered {match['why']}" if match["why"][:3].isdigit() else match["why"]
    chunk = f"{match['what']}: " if match["what"].startswith("chunk") else ""
    return f"{chunk}{why}; trying again in {match['wait']} s"


class _Notes(logging.Handler):
    """Shows retries, waits for the request budget, and warnings.

    The same note appears at most once in ``SILENCE`` seconds.
    """

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal
        self._shown: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        budget = "budget spent" in str(record.msg)
        if (
            record.levelno < logging.WARNING
            and not budget
            and "next attempt" not in str(record.msg)
        ):
            return
        # Records about the budget contain changing numbers, so they are all treated as one note.
        kind = "budget" if budget else record.getMessage()
        if time.monotonic() - self._shown.get(kind, -SILENCE) < SILENCE:
            return
        self._shown[kind] = time.monotonic()
        self._terminal.note(shortened_retry(record.getMessage()))


class _Everything(logging.Handler):
    """Shows every record; for ``--debug``."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.say(self.format(record), style="dim")


def show_logs(terminal: Terminal, *, debug: bool) -> None:
    """Attach a handler to the package's loggers. It replaces the handler of an earlier call."""
    logger = logging.getLogger("apivideo_async")
    for handler in [
        handler for handler in logger.handlers if isinstance(handler, _Notes | _Everything)
    ]:
        logger.removeHandler(handler)
    logger.addHandler(_Everything(terminal) if debug else _Notes(terminal))
    # The level is DEBUG in both cases, because retries and waits are logged below WARNING.
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    if not debug:
        # These loggers report failures that the command reports itself.
        for name in ("asyncio", "procrastinate", "psycopg"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
