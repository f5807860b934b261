"""The command line ``apivideo``.

Importing this package imports only the standard library: :func:`main` must be able to report
that the extra ``cli`` (click and rich) is not installed.
"""

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit: 0 success, 1 failure, 2 wrong usage, 130 interrupted."""
    if any(find_spec(name) is None for name in ("click", "rich")):
        print(
            "apivideo: the command line needs more packages: pip install 'apivideo-async[cli]'",
            file=sys.stderr,
        )
        sys.exit(1)
    from .app import run

    sys.exit(run(sys.argv[1:]))
