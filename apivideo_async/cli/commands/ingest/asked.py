"""The arguments and options of ``apivideo ingest``."""

from pathlib import Path

from attrs import frozen

from ....ingest.options import IngestOptions
from ....ingest.stores.redirects import Redirects

__all__ = ["IngestRequest"]


@frozen(kw_only=True)
class IngestRequest:
    """The arguments and options of one command line."""

    sources: tuple[str, ...]
    manifest: Path | None
    watch: bool
    settle: float | None
    options: IngestOptions
    reserve: float
    redirects: Redirects
    ledger: Path
    reports: tuple[Path, ...]
    as_json: bool
    as_lines: bool

    @property
    def continues(self) -> bool:
        """True if no source is named, so that the open items of the ledger are ingested."""
        return not self.sources and self.manifest is None
