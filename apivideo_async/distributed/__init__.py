"""Ingestion on many machines, with the ledger and the queue in one PostgreSQL database.

It requires the extra ``[distributed]``.
"""

try:
    from .enqueue import Added, Distributed, defer_ingest, init_database, migrate_database
    from .worker import Worker
except ModuleNotFoundError as _error:
    if _error.name not in ("procrastinate", "psycopg", "psycopg_pool"):
        raise
    raise ModuleNotFoundError(
        "ingestion on many machines needs more packages: pip install 'apivideo-async[distributed]'",
        name=_error.name,
    ) from _error

__all__ = ["Added", "Distributed", "Worker", "defer_ingest", "init_database", "migrate_database"]
