"""The command line ``apivideo``.

Importing this package imports only the standard library: :func:`main` must be able to report
that the extra ``cli`` (click and rich) is not installed.
"""

import os
import signal
import sys
from contextlib import suppress

__all__ = ["main"]

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit: 0 success, 1 failure, 2 wrong usage, 130 interrupted."""
    _end_at_interrupt()
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("click", "rich")):
        print(
            "apivideo: the command line needs more packages: pip install 'apivideo-async[cli]'",
            file=sys.stderr,
        )
        sys.exit(1)
    from .app import run

    code = run(sys.argv[1:])
    # ``running.run`` has installed Python's own handler for the time of the command.
    _end_at_interrupt()
    sys.exit(code)


def _end_at_interrupt() -> None:
    """End the process at Ctrl-C while it starts and exits, when there is nothing to clean up.

    Python's own handler raises ``KeyboardInterrupt`` in whatever code runs: an import would show
    its traceback, and the interpreter one of its own when it exits.
    """
    with suppress(ValueError):  # Only the main thread can set handlers.
        signal.signal(signal.SIGINT, _leave)


def _leave(*_: object) -> None:
    with suppress(OSError):
        os.write(2, b"apivideo: interrupted\n")
    os._exit(INTERRUPTED)
