"""Corrected descriptions of items that have a video: finds them, and changes the videos."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from ..client import ApiVideoClient
from ..errors import ApiVideoError, AuthenticationError, LedgerError
from ..models import Video
from .items import INGEST_KEY, INGEST_LEDGER, Item, Record
from .ledger.ledger import Ledger

__all__ = ["Corrections", "fields_of"]

AT_ONCE = 8
"""Videos changed at the same time."""


@frozen
class Corrections:
    """Compares described items with the ledger, and changes their videos.

    ``keep_key``: whether the videos keep the metadata pairs of the ingestion.
    """

    _client: ApiVideoClient
    _ledger: Ledger
    _keep_key: bool

    async def find(self, items: Sequence[Item]) -> list[tuple[Item, Record]]:
        """Return the items whose description differs from that of their video, and its record."""
        described = [item for item in items if item.described]
        records = await self._ledger.differing(described) if described else {}
        found = [(item, records[item.key]) for item in described if item.key in records]
        return [(item, record) for item, record in found if _changes(item, record)]

    async def apply(self, found: Sequence[tuple[Item, Record]]) -> list[tuple[Item, ApiVideoError]]:
        """Change the videos (one write each); return the items for which that failed.

        Raises ``AuthenticationError`` and ``LedgerError``.
        """
        failed: list[tuple[Item, ApiVideoError]] = []
        free = asyncio.Semaphore(AT_ONCE)

        async def apply_one(item: Item, record: Record) -> None:
            async with free:
                try:
                    await self._apply(item, record)
                except (AuthenticationError, LedgerError):
                    raise
                except ApiVideoError as error:
                    failed.append((item, error))

        async with asyncio.TaskGroup() as group:
            for item, record in found:
                group.create_task(apply_one(item, record))
        return failed

    async def _apply(self, item: Item, record: Record) -> None:
        changes = _changes(item, record)
        if "metadata" in changes and self._keep_key:
            pairs = {INGEST_KEY: item.key, INGEST_LEDGER: await self._ledger.mark()}
            changes["metadata"] = {**changes["metadata"], **pairs}
        await self._client.videos.update(record.video_id or "", **changes)
        await self._ledger.redescribe(item, record)


def fields_of(video: Video, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given fields with the values that a video has, as far as they are known."""
    actual = dict(given)
    for name in given:
        value = getattr(video, name, None)
        if name == "metadata" and value is not None:
            own = (INGEST_KEY, INGEST_LEDGER)
            value = {key: text for key, text in value.items() if key not in own}
        if value is not None:
            actual[name] = value
    return actual


def _changes(item: Item, record: Record) -> dict[str, Any]:
    """Return the fields that the description gives, and that differ. Others stay as they are."""
    before = record.item.fields
    return {name: value for name, value in item.fields.items() if before.get(name) != value}
