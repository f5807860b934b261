"""The command ``apivideo``. Importing this package loads nothing but the standard library."""

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave with its exit code: 0, 1 failed, 2 usage, 130 interrupted."""
    if any(find_spec(name) is None for name in ("click", "rich")):
        print("apivideo: the command line needs more packages: pip install 'apivideo-async[cli]'", file=sys.stderr)
        sys.exit(1)
    from .app import run

    sys.exit(run(sys.argv[1:]))
