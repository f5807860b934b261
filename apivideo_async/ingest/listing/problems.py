"""Reports wanted sources that a listing leaves out."""

import logging
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["OnProblem", "log_problem"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

OnProblem: TypeAlias = Callable[[str], object]
"""Called with a sentence for each source that is left out."""


def log_problem(text: str) -> None:
    """Log a problem, for callers without ``on_problem``."""
    log.warning("%s", text)
