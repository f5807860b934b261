"""The container of an item: created, found by the item's key, and deleted only if it is safe.

Every container that an ingestion creates carries two metadata pairs. By ``ingestKey``, any ledger
finds the video of a source. ``ingestLedger`` is the mark of the ledger that created the container.

``resources/_containers.py`` says which containers may be deleted. An empty container with this
ledger's mark that is not in the ledger was left by a worker that lost its lease, or by a request
whose response was lost.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from attrs import define, field

from ..client import ApiVideoClient
from ..errors import ApiVideoError, UploadError
from ..http.pipeline import Pipeline
from ..protocol.keyed_videos import Wanted
from ..resources._containers import KeyedContainers
from ..resources._creation import Created, create_keyed, remove_spares
from ..resources._key_records import key_record
from ..resources._key_search import find_keyed
from ..uploads.content import Content, content_of
from .items import INGEST_LEDGER, Record
from .ledger.ledger import Ledger

__all__ = ["Containers"]


@define(eq=False)
class Containers:
    """The containers that carry the key of one item."""

    _client: ApiVideoClient
    _ledger: Ledger
    _claim: Record
    _title: str | None = field(default=None, init=False)

    async def create(self, title: str, fields: dict[str, Any]) -> Created:
        """Return the container that carries the key, or create it with the mark of this ledger.

        ``fields`` are the arguments of ``videos.create``. Raises ``DuplicateVideosError`` when
        several containers carry the key.
        """
        pipeline, self._title = self._pipeline, title
        fields = {**fields, "title": title, "metadata": await self._metadata(fields)}
        # The ledger keeps the id on disk.
        async with key_record(pipeline, self._claim.key, on_disk=False) as record:
            try:
                return await create_keyed(pipeline, fields, self._claim.key, record, check="once")
            except ApiVideoError:
                # No request can still create a container, so the next attempt need not wait for it.
                if record.known is None:
                    await self._ledger.lost(self._claim)
                raise

    async def finish(self, video_id: str) -> None:
        """At the end of an upload, delete the other containers of the key, if there may be any.

        Raises the errors of :meth:`settle`.
        """
        pipeline, key, fields = self._pipeline, self._claim.key, self._claim.item.fields
        # An earlier worker or a proxy may have created a second container.
        if self._claim.contested or not pipeline.profile.current.delivers_once:
            await self.settle(await self.list_ids(), video_id)
            return
        async with key_record(pipeline, key, on_disk=False) as record:
            title = self._title or fields.get("title")
            fields = {**fields, "title": title, "metadata": await self._metadata(fields)}
            await remove_spares(pipeline, fields, key, record, video_id)

    def expect(self, video_id: str) -> None:
        """Allow for a container that another worker created so recently that it is missing."""
        if self._claim.created_at is not None:
            age = max(0.0, time.time() - self._claim.created_at)
            self._pipeline.recent.add(video_id, asyncio.get_running_loop().time() - age)

    async def content(self, video_id: str) -> Content:
        """Return what a container holds."""
        return content_of(await self._client.videos.get_status(video_id))

    async def list_ids(self) -> list[str]:
        """Return the ids of the containers that carry the key."""
        videos = await find_keyed(self._pipeline, await self._wanted())
        return [video.video_id for video in videos]

    async def settle(self, video_ids: Sequence[str], chosen: str | None) -> str:
        """Reduce the containers of the key to one; return its id: ``chosen`` if given.

        Empty containers of this ledger are deleted. Raises ``DuplicateVideosError`` when two
        containers remain, because they hold bytes or belong to another ledger, and ``UploadError``
        when none of them exists any more.
        """
        kept = await (await self._keyed(self._client)).keep_one(video_ids, chosen)
        if kept is None:
            names = ", ".join(video_ids)
            raise UploadError(f"the videos {names} no longer exist on the server")
        return kept

    async def remove(
        self, video_id: str, client: ApiVideoClient | None = None, *, unfilled: bool = False
    ) -> bool:
        """Delete a container if this ledger created it and it is empty; return whether it is gone.

        ``unfilled``: also delete one that api.video was asked to fill if its status shows no
        received bytes. ``client`` replaces the client of this item, whose requests require a valid
        lease.
        """
        keyed = await self._keyed(client or self._client)
        return await keyed.remove(video_id, unfilled=unfilled)

    @property
    def _pipeline(self) -> Pipeline:
        return self._client._pipeline  # noqa: SLF001 (ingestion is a part of the package)

    async def _metadata(self, fields: dict[str, Any]) -> dict[str, str]:
        return {**(fields.get("metadata") or {}), INGEST_LEDGER: await self._ledger.mark()}

    async def _wanted(self) -> Wanted:
        item = self._claim.item
        mark = await self._ledger.mark()
        return Wanted(key=item.key, title=self._title or item.fields.get("title"), owner=mark)

    async def _keyed(self, client: ApiVideoClient) -> KeyedContainers:
        pipeline = client._pipeline  # noqa: SLF001 (ingestion is a part of the package)
        return KeyedContainers(pipeline, await self._wanted(), self._claim.item.shown)
