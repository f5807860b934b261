# The public names of the package, each written once. They are loaded by ``_lazy.py``.

from .failures import OutageError as OutageError
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
from .listing.manifest import ManifestSummary as ManifestSummary
from .listing.manifest import check_manifest as check_manifest
from .listing.manifest import open_manifest as open_manifest
from .listing.manifest import read_manifest as read_manifest
from .listing.sources import list_sources as list_sources
from .listing.watch import watch_folder as watch_folder
from .options import IngestOptions as IngestOptions
from .reports.files import write_report as write_report
from .stores.stores import Stores as Stores
