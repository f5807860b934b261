"""Shows the package's log records as notes on the terminal.

The notes are built from the fields of a record (``extra``): ``event``, and

- ``retry``: ``chunk`` (its number, or None), ``delay`` (seconds), ``error`` (the exception);
- ``budget_wait``: ``limit_class``, ``delay`` (seconds).
"""

import logging
import time

from ...errors import ApiStatusError, ApiVideoError
from .terminal import Terminal

__all__ = ["note_of", "reason_of", "show_logs"]

REPEAT_AFTER = 10.0
"""Seconds before the same note is shown again."""


def reason_of(error: BaseException) -> str:
    """Return the message of an error without the name of the operation."""
    return getattr(error, "reason", None) or str(error) or type(error).__name__


def note_of(record: logging.LogRecord) -> str | None:
    """Return the note for a record; None if the record is not shown."""
    fields = vars(record)
    if fields.get("event") == "budget_wait":
        limit_class, delay = fields["limit_class"], fields["delay"]
        return f"the request budget is used up: {limit_class} continue in {delay:.0f} s"
    if fields.get("event") == "retry":
        return _retry(fields["chunk"], fields["delay"], fields["error"])
    return record.getMessage() if record.levelno >= logging.WARNING else None


def _retry(chunk: int | None, delay: float, error: ApiVideoError) -> str:
    reason = reason_of(error)
    if isinstance(error, ApiStatusError):
        reason = f"the server answered {reason}"
    where = "" if chunk is None else f"chunk {chunk}: "
    return f"{where}{reason}; trying again in {delay:.1f} s"


class _TerminalHandler(logging.Handler):
    """Shows retries, waits for the request budget, and warnings; with ``debug`` every record."""

    def __init__(self, terminal: Terminal, *, debug: bool) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._terminal = terminal
        self._debug = debug
        self._shown: dict[str, float] = {}
        """The monotonic time in seconds at which a note was shown."""

    def emit(self, record: logging.LogRecord) -> None:
        if self._debug:
            self._terminal.trace(self.format(record))
            return
        note = note_of(record)
        if note is None:
            return
        # Notes about the budget contain changing numbers. They all count as the same note.
        key = "budget_wait" if vars(record).get("event") == "budget_wait" else note
        if time.monotonic() - self._shown.get(key, -REPEAT_AFTER) >= REPEAT_AFTER:
            self._shown[key] = time.monotonic()
            self._terminal.note(note)


def show_logs(terminal: Terminal, *, debug: bool) -> None:
    """Attach a handler to the package's loggers. It replaces the handler of an earlier call."""
    logger = logging.getLogger("apivideo_async")
    for handler in list(logger.handlers):
        if isinstance(handler, _TerminalHandler):
            logger.removeHandler(handler)
    logger.addHandler(_TerminalHandler(terminal, debug=debug))
    # The level is DEBUG in both cases, because retries and waits are logged below WARNING.
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    if not debug:
        # These loggers report failures that the command reports itself.
        for name in ("asyncio", "procrastinate", "psycopg"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
