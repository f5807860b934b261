"""``apivideo ingest``: many sources, each exactly once, and what became of them."""

from .group import command

__all__ = ["command"]
