"""What ``apivideo ingest`` was asked."""

from pathlib import Path

from attrs import frozen

from ....ingest.options import IngestOptions
from ....ingest.stores.redirects import Redirects

__all__ = ["IngestRequest"]


@frozen(kw_only=True)
class IngestRequest:
    """The arguments and options."""

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
        """Whether nothing is named, so that it goes on with what the ledger holds."""
        return not self.sources and self.manifest is None
