"""The options of an ingestion."""

from typing import Literal, TypeAlias, get_args

from attrs import field, frozen

from ..config import UploadOptions, count, of_type, one_of, positive, positive_or_none
from .items import Strategy

__all__ = ["IngestOptions", "OnChange"]

OnChange: TypeAlias = Literal["new", "replace", "keep"]


@frozen(kw_only=True)
class IngestOptions:
    """How items are ingested. Times are in seconds."""

    strategy: Strategy = field(default="stream", validator=one_of(*get_args(Strategy)))
    """How the bytes reach api.video. ``stream``: this process sends them. ``pull``: api.video
    fetches them from a URL that the store presigns, which takes one write request and no
    upload request. ``auto``: pull where the store can sign, else stream."""
    concurrency: int = field(default=16, validator=count)
    """Items processed at the same time."""
    lease: float = field(default=60.0, validator=positive)
    """Period after which other workers may claim the items of a worker that stopped responding."""
    attempts: int = field(default=5, validator=count)
    """Maximum number of attempts. An error that a retry cannot resolve fails the item at once."""
    first_delay: float = field(default=1.0, validator=positive)
    """Delay after the first failed attempt. It doubles with each attempt."""
    longest_delay: float = field(default=60.0, validator=positive)
    """Maximum delay between two attempts."""
    outage_timeout: float | None = field(default=3600.0, validator=positive_or_none)
    """Time for which an ingestion pauses while api.video is unavailable, before it ends with
    ``OutageError``. In this time no item fails because of the outage. None: no limit."""
    keep_key: bool = field(default=True, validator=of_type(bool))
    """Leave the metadata pairs ``ingestKey`` and ``ingestLedger`` in the video. Without them, a
    new ledger cannot find the videos of a lost one and would create them again."""
    on_change: OnChange = field(default="new", validator=one_of(*get_args(OnChange)))
    """What happens with a source that has a video, and whose content has changed. ``new``: the new
    content becomes another video. ``replace``: so it does, and then the old video is deleted if
    this ledger created it. ``keep``: the old video stays the only one."""
    update: bool = field(default=False, validator=of_type(bool))
    """Change the videos of known items whose description differs: one write for each. Fields that
    the new description does not give stay as they are."""
    presign: float = field(default=6 * 3600.0, validator=positive)
    """Validity of a presigned URL."""
    pull_timeout: float = field(default=6 * 3600.0, validator=positive)
    """Time that api.video may take to fetch an item. The service does not report a failed fetch.
    After this time the item fails, and its video is kept."""
    upload: UploadOptions | None = field(
        default=None, validator=of_type(UploadOptions, optional=True)
    )
    """How files are split and sent; by default, the upload options of the client."""
