"""The container of an item: created, found by the item's key, and deleted only if it is safe.

Every container that an ingestion creates carries two metadata pairs. By ``ingestKey``, any ledger
finds the video of a source. ``ingestLedger`` is the mark of the ledger that created the container.

When a container may be deleted. Bytes are sent only to the container whose id is in the ledger. A
container that carries this ledger's mark, is not the one in the ledger, and holds nothing will
therefore never receive bytes. A worker that lost its lease left it, and it can be deleted. A
container of another ledger can receive bytes at any moment, also between the check and the
deletion. Such a container is never deleted, even if it is empty.

``Containers.remove`` is the only place in the package that deletes a video without an explicit
request of the user.
"""

import logging
from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from ..client import ApiVideoClient
from ..errors import DuplicateVideosError, NotFoundError, UploadError
from ..models import Video, VideoStatus
from ..uploads.received import received_of
from .items import INGEST_KEY, INGEST_LEDGER, Claim
from .ledger.protocol import Ledger

__all__ = ["Containers", "Content", "content_of"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

State = Literal["empty", "uploading", "fetching", "complete", "unknown"]
"""What a container holds; see ``Content.state``."""


@frozen
class Content:
    """What a container holds, according to its status (service.md#upload-status)."""

    state: State
    """``unknown``: the status does not say. Only ``empty`` proves that there are no bytes."""
    size: int | None = None
    """Bytes of the complete file, if the status contains the number."""
    unfilled: bool = False
    """True if api.video was asked to fetch a file and the status shows no received bytes."""


def content_of(status: VideoStatus) -> Content:
    """Evaluate a status. A missing or malformed part proves nothing and leads to ``unknown``."""
    ingest, encoding = status.ingest, status.encoding
    # A complete upload or a playable video is proof, whatever else is missing in the status.
    held = received_of(status)
    if held.complete or status.playable:
        size = held.filesize if held.filesize is not None else held.total
        return Content("complete", size)
    # ``qualities`` in ``extra`` means that the field was malformed, so it proves nothing either.
    if (
        encoding is None
        or encoding.playable is None
        or encoding.qualities
        or "qualities" in encoding.extra
    ):
        return Content(
            "fetching" if ingest is not None and ingest.status == "ingesting" else "unknown"
        )
    if ingest is None:
        return Content("unknown" if "ingest" in status.extra else "empty")
    if held.mode is not None or ingest.status == "uploading":
        return Content("uploading")
    if ingest.status == "ingesting":
        return Content(
            "fetching",
            unfilled=not ingest.filesize and not ingest.extra and not ingest.received_parts,
        )
    return Content("unknown")


class Containers:
    """The containers that carry the key of one item."""

    def __init__(self, client: ApiVideoClient, ledger: Ledger, claim: Claim) -> None:
        self._client = client
        self._ledger = ledger
        self._claim = claim

    async def create(self, title: str, fields: dict[str, object]) -> Video:
        """Return the container that carries the key, or create it with the mark of this ledger.

        ``fields`` are the arguments of ``videos.create``. Raises ``DuplicateVideosError`` when
        several containers carry the key.
        """
        metadata = {**(fields.get("metadata") or {}), INGEST_LEDGER: await self._ledger.mark()}  # type: ignore[dict-item]
        given: dict[str, object] = {**fields, "metadata": metadata}
        # ``create`` searches for the key first, and again after a lost response.
        return await self._client.videos.create(
            title=title,
            idempotency_key=self._claim.key,
            **given,  # type: ignore[arg-type]
        )

    async def content(self, video_id: str) -> Content:
        """Request the status of a container and evaluate it."""
        return content_of(await self._client.videos.get_status(video_id))

    async def claimants(self) -> list[str]:
        """Return the ids of the containers that carry the key."""
        key = self._claim.key
        videos = self._client.videos.list(metadata={INGEST_KEY: key})
        return [video.video_id async for video in videos if video.metadata.get(INGEST_KEY) == key]

    async def settle(self, claimants: Sequence[str], ours: str | None) -> str:
        """Reduce the containers of the key to one; return its id: ``ours`` if given.

        Empty containers of this ledger, left by workers that lost their lease, are deleted. Raises
        ``DuplicateVideosError`` when two containers remain, because they hold bytes or belong to
        another ledger. Raises ``UploadError`` when none of them exists any more.
        """
        spare, others = list[str](), list[str]()
        for one in claimants:
            # None: the container no longer exists, or is ``ours``.
            removable = None if one == ours else await self._removable(one, self._client)
            if removable is not None:
                (spare if removable else others).append(one)
        # Prefer a container that cannot be deleted, because it may hold bytes.
        if ours is None:
            if not others and not spare:
                raise UploadError(f"the videos {', '.join(claimants)} are gone from the server")
            ours = others.pop() if others else spare.pop(0)
        # Delete spare containers only if that resolves the conflict. Otherwise a person has to see
        # all of them.
        for one in spare if not others else ():
            if not await self.remove(one):
                others.append(one)
        if others:
            raise DuplicateVideosError.of(self._claim.key, [ours, *others])
        return ours

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
            log.warning(
                "%s: deleting %s, an empty container of this ledger",
                self._claim.item.shown,
                video_id,
            )
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
        if (metadata.get(INGEST_KEY), metadata.get(INGEST_LEDGER)) != (
            self._claim.key,
            await self._ledger.mark(),
        ):
            return False
        try:
            content = content_of(await client.videos.get_status(video_id))
        except NotFoundError:
            # The video exists, so a 404 on its status proves nothing about its content.
            return False
        return content.state == "empty" or (unfilled and content.unfilled)
