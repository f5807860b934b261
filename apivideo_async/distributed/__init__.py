"""Ingestion by many machines, through one PostgreSQL. Needs ``apivideo-async[distributed]``."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .enqueue import Added as Added
    from .enqueue import Distributed as Distributed
    from .enqueue import defer_ingest as defer_ingest
    from .enqueue import init_database as init_database
    from .worker import Worker as Worker

_HOMES = {"enqueue": ("Added", "Distributed", "defer_ingest", "init_database"), "worker": ("Worker",)}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("procrastinate", "psycopg", "psycopg_pool"):
            raise
        raise ConfigurationError("this needs more packages: pip install 'apivideo-async[distributed]'") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
