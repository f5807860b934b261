"""The commands ``apivideo ingest``: ingest sources, each exactly once, and report results."""

from .group import command

__all__ = ["command"]
