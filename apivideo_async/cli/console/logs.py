"""Shows the package's log records as notes on the terminal.

The notes are built from the fields of a record (``extra``): ``event``, and

- ``retry``: ``chunk`` (its number, or None), ``delay`` (seconds), ``error`` (the exception);
- ``budget_wait``: ``limit_class``, ``delay`` (seconds).
"""

import logging
import time
import traceback

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


_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""The attributes that every record has. The others are the fields of its event."""


class _JsonHandler(logging.Handler):
    """Writes each record as a JSON object with the fields of its event."""

    def __init__(self, terminal: Terminal, *, debug: bool) -> None:
        super().__init__(logging.DEBUG if debug else logging.INFO)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: each for name, each in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            fields["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        document = {"logger": record.name, "message": record.getMessage(), **fields}
        self._terminal.log(record.levelname.lower(), document)


def show_logs(terminal: Terminal, *, debug: bool, as_json: bool = False) -> None:
    """Attach a handler to the loggers of the package and of OpenTelemetry.

    It replaces the handler of an earlier call.
    ``as_json``: every line on the standard error is a JSON object, notes included.
    """
    terminal.log_lines = as_json
    kind = _JsonHandler if as_json else _TerminalHandler
    # The level is DEBUG in both cases, because retries and waits are logged below WARNING. The
    # exporters of OpenTelemetry report a receiver that is down.
    for name, level in (("apivideo_async", logging.DEBUG), ("opentelemetry", logging.WARNING)):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler, _TerminalHandler | _JsonHandler):
                logger.removeHandler(handler)
        logger.addHandler(kind(terminal, debug=debug))
        logger.setLevel(level)
        logger.propagate = False
    if not debug:
        # These loggers report failures that the command reports itself.
        for name in ("asyncio", "procrastinate", "psycopg"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
