"""Finds earlier versions of a source: the same content, or content that is replaced."""

import logging
import os
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from ..client import ApiVideoClient
from ..errors import NotFoundError
from ..uploads.sources.threads import in_thread
from .items import INGEST_LEDGER, Record, has_listed_key
from .ledger.ledger import Ledger
from .stores.pinned import PinnedSource
from .uris import parse_uri

__all__ = ["EarlierVersions"]

log: Final = logging.getLogger("apivideo_async.ingest")

Relation: TypeAlias = Literal["same", "moved", "kept"]


@frozen
class EarlierVersions:
    """Compares a claimed item without a video with the finished items of the ledger."""

    _claim: Record
    _ledger: Ledger = field(repr=False)
    _client: ApiVideoClient = field(repr=False)

    async def merge_if_known(
        self, source: PinnedSource, sample: str | None, *, keep: bool
    ) -> Record | None:
        """Return the item whose video the source has already, and delete the claimed one.

        That is an item with the same content, at this address or at one that no longer exists, and
        with ``keep`` any earlier version of the source. An item with a key of the caller's own is
        never merged.
        """
        if not has_listed_key(self._claim.item):
            return None
        found = await self._find(source, sample, keep=keep)
        if found is None:
            return None
        record, relation = found
        log.info("%s is %s as %s", self._claim.item.shown, relation, record.item.shown)
        await self._ledger.merge(self._claim, record, moved=relation == "moved")
        return record

    async def _find(
        self, source: PinnedSource, sample: str | None, *, keep: bool
    ) -> tuple[Record, Relation] | None:
        uri = self._claim.item.uri
        if sample is not None:
            for record in await self._ledger.same_content(self._claim, source.size, sample):
                if record.item.uri == uri:
                    return record, "same"
                if await in_thread(_is_gone, record.item.uri):
                    return record, "moved"
        if keep:
            earlier = await self._ledger.versions(self._claim)
            return (earlier[-1], "kept") if earlier else None
        return None

    async def delete_replaced(self) -> None:
        """Delete the videos of earlier versions of the source, if this ledger created them.

        Items with keys of the caller's own are other sources, even with the same address.
        """
        if not has_listed_key(self._claim.item):
            return
        for record in await self._ledger.versions(self._claim):
            if record.number > self._claim.number or record.video_id is None:
                continue
            if not has_listed_key(record.item):
                continue
            if await self._is_own(record.video_id):
                await self._client.videos.delete(record.video_id, missing_ok=True)
                await self._ledger.drop(record)

    async def _is_own(self, video_id: str) -> bool:
        try:
            video = await self._client.videos.get(video_id)
        except NotFoundError:
            return True
        own = (video.metadata or {}).get(INGEST_LEDGER) == await self._ledger.mark()
        if not own:
            log.warning("the video %s is kept: this ledger did not create it", video_id)
        return own


def _is_gone(uri: str) -> bool:
    location = parse_uri(uri)
    return location.scheme == "file" and not os.path.lexists(location.path)
