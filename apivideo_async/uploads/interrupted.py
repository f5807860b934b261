"""Remembers which source each interrupted upload of this process had.

The service does not tell which bytes a container holds. If another file of the same size were
uploaded into it, the video would be a mixture of two files.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress

from ..errors import SourceError
from .journal_entry import Fingerprint, same_content
from .sources.begun import BegunStream
from .sources.files import FileSource
from .sources.types import Source

__all__ = ["check_source", "forget_source", "remember_source"]

LONGEST_READ = 1.0
"""Seconds to read the samples of a file after a failure."""
MOST = 1000
"""Interrupted uploads. The oldest are forgotten."""

_sources: OrderedDict[tuple[str, str], Fingerprint] = OrderedDict()
"""By base URL and video id."""


async def _fingerprint(source: Source | BegunStream) -> Fingerprint | None:
    # Only of files: samples of other sources may cost requests.
    return await source.fingerprint() if isinstance(source, FileSource) else None


async def remember_source(
    base_url: str, video_id: str | None, source: Source | BegunStream
) -> None:
    """Remember the source of an upload that was interrupted. Raises nothing."""
    fingerprint = None
    if video_id is not None:
        # The upload may have failed because the file cannot be read, or not in a reasonable time.
        with suppress(SourceError, TimeoutError):
            async with asyncio.timeout(LONGEST_READ):
                fingerprint = await _fingerprint(source)
    if video_id is None or fingerprint is None:
        return
    # The first source counts: the container may hold its bytes.
    _sources.setdefault((base_url, video_id), fingerprint)
    if len(_sources) > MOST:
        _sources.popitem(last=False)


async def check_source(base_url: str, video_id: str | None, source: Source | BegunStream) -> None:
    """Raise ``SourceError`` if the upload of another file into this video was interrupted."""
    known = _sources.get((base_url, video_id or ""))
    given = await _fingerprint(source) if known is not None else None
    if known is not None and given is not None and not same_content(known, given):
        raise SourceError(
            f"{given['path']} is not the file whose upload into {video_id} was interrupted "
            f"({known['path']}): upload that file, or this one into another video",
            cause="changed",
            video_id=video_id,
        )


def forget_source(base_url: str, video_id: str | None) -> None:
    """Forget the source of a video, because its upload is complete."""
    _sources.pop((base_url, video_id or ""), None)
