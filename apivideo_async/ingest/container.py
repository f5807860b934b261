"""The container of an item: created, found by the item's key, and deleted only if it is safe.

Every container that an ingestion creates carries two metadata pairs. By ``ingestKey``, any ledger
finds the video of a source. ``ingestLedger`` is the mark of the ledger that created the container.

When a container may be deleted. Bytes are sent only to the container whose id is in the ledger. An
empty container with this ledger's mark and another id was left by a worker that lost its lease. It
will never receive bytes, so it can be deleted. A container of another ledger can receive bytes at
any moment, also between the check and the deletion, so it is never deleted.

``Containers.remove`` is the only place in the package that deletes a video without an explicit
request of the user.
"""

import logging
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from attrs import define, frozen

from ..client import ApiVideoClient
from ..errors import DuplicateVideosError, NotFoundError, UploadError
from ..models import Video, VideoStatus
from ..uploads.received import received_of
from .items import INGEST_KEY, INGEST_LEDGER, Record
from .ledger.ledger import Ledger

__all__ = ["Containers", "Content", "content_of"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

ContentState: TypeAlias = Literal["empty", "uploading", "fetching", "complete", "unknown"]


@frozen
class Content:
    """What a container holds, according to its status (service.md#upload-status)."""

    state: ContentState
    """``unknown``: the status does not say. Only ``empty`` proves that there are no bytes."""
    size: int | None = None
    """Bytes of the complete file, if the status contains the number."""
    unfilled: bool = False
    """True if api.video was asked to fetch a file and the status shows no received bytes."""


def content_of(status: VideoStatus) -> Content:
    """Evaluate a status. A missing or malformed part proves nothing and leads to ``unknown``."""
    ingest, encoding = status.ingest, status.encoding
    # A complete upload or a playable video is proof, whatever else is missing in the status.
    received = received_of(status)
    if received.complete or status.playable:
        size = received.filesize if received.filesize is not None else received.total
        return Content("complete", size)
    # ``qualities`` in ``extra`` means that the field was malformed, so it proves nothing either.
    if (
        encoding is None
        or encoding.playable is None
        or encoding.qualities
        or "qualities" in encoding.extra
    ):
        fetching = ingest is not None and ingest.status == "ingesting"
        return Content("fetching" if fetching else "unknown")
    if ingest is None:
        return Content("unknown" if "ingest" in status.extra else "empty")
    if received.mode is not None or ingest.status == "uploading":
        return Content("uploading")
    if ingest.status == "ingesting":
        unfilled = not (ingest.filesize or ingest.extra or ingest.received_parts)
        return Content("fetching", unfilled=unfilled)
    return Content("unknown")


@define(eq=False)
class Containers:
    """The containers that carry the key of one item."""

    _client: ApiVideoClient
    _ledger: Ledger
    _claim: Record

    async def create(self, title: str, fields: dict[str, Any]) -> Video:
        """Return the container that carries the key, or create it with the mark of this ledger.

        ``fields`` are the arguments of ``videos.create``. Raises ``DuplicateVideosError`` when
        several containers carry the key.
        """
        metadata = {**(fields.get("metadata") or {}), INGEST_LEDGER: await self._ledger.mark()}
        # ``create`` searches for the key first, and again after a lost response.
        return await self._client.videos.create(
            title=title, idempotency_key=self._claim.key, **{**fields, "metadata": metadata}
        )

    async def content(self, video_id: str) -> Content:
        """Return what a container holds."""
        return content_of(await self._client.videos.get_status(video_id))

    async def list_ids(self) -> list[str]:
        """Return the ids of the containers that carry the key."""
        key = self._claim.key
        videos = self._client.videos.list(metadata={INGEST_KEY: key})
        return [video.video_id async for video in videos if video.metadata.get(INGEST_KEY) == key]

    async def settle(self, video_ids: Sequence[str], chosen: str | None) -> str:
        """Reduce the containers of the key to one; return its id: ``chosen`` if given.

        Empty containers of this ledger are deleted. Raises ``DuplicateVideosError`` when two
        containers remain, because they hold bytes or belong to another ledger, and ``UploadError``
        when none of them exists any more.
        """
        spare, others = list[str](), list[str]()
        for video_id in video_ids:
            if video_id == chosen:
                continue
            removable = await self._removable(video_id, self._client)
            if removable is not None:
                (spare if removable else others).append(video_id)
        # Prefer a container that cannot be deleted, because it may hold bytes.
        if chosen is None:
            if not others and not spare:
                names = ", ".join(video_ids)
                raise UploadError(f"the videos {names} no longer exist on the server")
            chosen = others.pop() if others else spare.pop(0)
        # Delete spare containers only if that resolves the conflict. Otherwise a person has to see
        # all of them.
        if not others:
            others = [video_id for video_id in spare if not await self.remove(video_id)]
        if others:
            raise DuplicateVideosError.of(self._claim.key, [chosen, *others])
        return chosen

    async def remove(
        self, video_id: str, client: ApiVideoClient | None = None, *, unfilled: bool = False
    ) -> bool:
        """Delete a container if this ledger created it and it is empty; return whether it is gone.

        ``unfilled``: also delete one that api.video was asked to fill if its status shows no
        received bytes. ``client`` replaces the client of this item, whose requests require a valid
        lease.
        """
        client = client or self._client
        removable = await self._removable(video_id, client, unfilled=unfilled)
        if removable:
            name = self._claim.item.shown
            log.warning("%s: deleting %s, an empty container of this ledger", name, video_id)
            await client.videos.delete(video_id, missing_ok=True)
        return removable is not False

    async def _removable(
        self, video_id: str, client: ApiVideoClient, *, unfilled: bool = False
    ) -> bool | None:
        """Return whether a container may be deleted; None when it no longer exists."""
        try:
            metadata = (await client.videos.get(video_id)).metadata
        except NotFoundError:
            return None
        marks = {INGEST_KEY: self._claim.key, INGEST_LEDGER: await self._ledger.mark()}
        if any(metadata.get(name) != value for name, value in marks.items()):
            return False
        try:
            content = content_of(await client.videos.get_status(video_id))
        except NotFoundError:
            # The video exists, so a 404 on its status proves nothing about its content.
            return False
        return content.state == "empty" or (unfilled and content.unfilled)
