"""Ingestion: uploads any number of files to api.video, each exactly once, on one or many machines.

All public names are names of this package. A module is imported when one of its names is first
used, so that an application loads only the stores and listings that it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ingestion import Ingest as Ingest
    from .item_run import IngestResult as IngestResult
    from .items import Item as Item
    from .items import Record as Record
    from .items import Totals as Totals
    from .items import ingest_key as ingest_key
    from .ledger.ledger import Ledger as Ledger
    from .listing.buckets import list_objects as list_objects
    from .listing.descriptions import make_item as make_item
    from .listing.folders import list_folder as list_folder
    from .listing.manifest import check_manifest as check_manifest
    from .listing.manifest import read_manifest as read_manifest
    from .listing.sources import list_sources as list_sources
    from .listing.watch import watch_folder as watch_folder
    from .options import IngestOptions as IngestOptions
    from .reports.files import write_report as write_report
    from .stores.stores import Stores as Stores

_HOMES = {
    "listing.buckets": ("list_objects",),
    "listing.descriptions": ("make_item",),
    "listing.folders": ("list_folder",),
    "ingestion": ("Ingest",),
    "items": ("Item", "Record", "Totals", "ingest_key"),
    "ledger.ledger": ("Ledger",),
    "listing.sources": ("list_sources",),
    "listing.manifest": ("check_manifest", "read_manifest"),
    "item_run": ("IngestResult",),
    "options": ("IngestOptions",),
    "reports.files": ("write_report",),
    "stores.stores": ("Stores",),
    "listing.watch": ("watch_folder",),
}
"""Modules and the public names that each of them defines."""
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
