"""Entry point for ``python -m apivideo_async``: the command ``apivideo``."""

from .cli import main

if __name__ == "__main__":
    main()
