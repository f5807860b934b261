"""How an ingestion works."""

from typing import Any

import attrs
from attrs import field, frozen

from ..config import UploadOptions
from ..errors import ConfigurationError
from .items import Strategy

__all__ = ["IngestOptions"]


def _positive(_: object, attribute: "attrs.Attribute[Any]", value: float) -> None:
    if not value > 0:
        raise ConfigurationError(f"{attribute.name} must be greater than 0, not {value!r}")


@frozen(kw_only=True)
class IngestOptions:
    """Times are in seconds."""

    strategy: Strategy = field(default="stream", validator=attrs.validators.in_(("stream", "pull", "auto")))
    """``stream``: through this process. ``pull``: api.video fetches it from a URL, presigned by the store, which
    takes one write and no upload request. ``auto``: pull where the store can sign, else stream."""
    concurrency: int = field(default=16, validator=_positive)
    """Items at once."""
    lease: float = field(default=60.0, validator=_positive)
    """How long an item stays with a worker that gives no sign of life."""
    attempts: int = field(default=5, validator=_positive)
    """Failures after which an item has failed for good; what cannot work fails at once."""
    first_delay: float = field(default=1.0, validator=_positive)
    """Wait after the first failure; it doubles each time, up to ``longest_delay``."""
    longest_delay: float = field(default=60.0, validator=_positive)
    keep_key: bool = True
    """Leave the metadata pairs ``ingestKey`` and ``ingestLedger`` with the video. Without them, a lost ledger cannot be
    made up for."""
    presign: float = field(default=6 * 3600.0, validator=_positive)
    """How long a presigned URL works."""
    pull_timeout: float = field(default=6 * 3600.0, validator=_positive)
    """How long api.video may take to fetch an item; the service does not tell that it failed to. After that the item
    fails, and its video is kept."""
    upload: UploadOptions | None = None
    """How files are cut and sent; what the client was given, unless set."""
