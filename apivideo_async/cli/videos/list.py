"""``apivideo videos list``."""

from ..listing import list_command
from .filters import FILTERS
from .shown import VIDEO

__all__ = ["command"]

command = list_command(VIDEO, FILTERS)
