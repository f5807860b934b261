"""Reduces the containers with one idempotency key to one. Deletes empty ones, if that is safe.

When a container may be deleted. Bytes are sent only to the container that a call or a ledger has
chosen. Of several containers with one key, every process chooses the same one: one that may hold
bytes, or else the oldest. Another container with the key was left by a lost response or by a
request that arrived late. It will not receive bytes, so it is deleted if its status proves that it
is empty. A container that belongs to another ledger can receive bytes at any moment, also between
the check and the deletion, so it is never deleted.

``KeyedContainers.remove`` is the only place in the package that deletes a video without an explicit
request of the user.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress

from attrs import define, frozen

from ..errors import DuplicateVideosError, NotFoundError
from ..http.pipeline import Pipeline
from ..models import Video, VideoStatus
from ..protocol.keyed_videos import Wanted, oldest
from ..protocol.request import build_request, path_for
from ..uploads.content import content_of
from ._key_search import read_video

__all__ = ["KeyedContainers"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")


@frozen
class _Found:
    video: Video
    removable: bool


@define(eq=False)
class KeyedContainers:
    """The containers that carry one idempotency key."""

    _pipeline: Pipeline
    _wanted: Wanted
    _name: str
    """Names the upload in log messages."""

    async def keep_one(
        self, video_ids: Iterable[str], chosen: str | None = None, *, unfilled: bool = False
    ) -> str | None:
        """Reduce the containers to one; return its id: ``chosen`` if given. None: all are gone.

        Raises ``DuplicateVideosError`` if two containers remain, because they may hold bytes or
        belong to another ledger. ``unfilled`` as in :meth:`remove`.
        """
        spare, others = list[Video](), list[Video]()
        for video_id in video_ids:
            if video_id == chosen:
                continue
            found = await self._inspect(video_id, unfilled=unfilled)
            if found is not None:
                (spare if found.removable else others).append(found.video)
        if chosen is None:
            if not others and not spare:
                return None
            # Prefer a container that cannot be deleted, because it may hold bytes.
            first = oldest(others or spare)
            (others or spare).remove(first)
            chosen = first.video_id
        # Delete spare containers only if that resolves the conflict. Otherwise a person has to see
        # all of them.
        remaining = [video.video_id for video in others]
        if not remaining:
            ids = [video.video_id for video in spare]
            remaining = [each for each in ids if not await self.remove(each, unfilled=unfilled)]
        if remaining:
            raise DuplicateVideosError.of(self._wanted.key, [chosen, *remaining])
        return chosen

    async def remove(self, video_id: str, *, unfilled: bool = False) -> bool:
        """Delete a container of the same owner if it is empty; return whether it is gone.

        ``unfilled``: also delete one that api.video was asked to fill if its status shows no
        received bytes.
        """
        found = await self._inspect(video_id, unfilled=unfilled)
        if found is not None and found.removable:
            log.warning(
                "%s: deleting %s, an empty container with the same idempotency key",
                self._name,
                video_id,
                extra={"event": "duplicate_deleted", "video_id": video_id},
            )
            path = path_for("/videos/{video_id}", video_id=video_id)
            with suppress(NotFoundError):
                await self._pipeline.send(build_request("videos.delete", "DELETE", path))
        return found is None or found.removable

    async def _inspect(self, video_id: str, *, unfilled: bool) -> _Found | None:
        """Return a container and whether it may be deleted; None when it no longer exists."""
        try:
            video = await read_video(self._pipeline, video_id)
        except NotFoundError:
            return None
        if not self._wanted.is_own(video):
            return _Found(video, removable=False)
        path = path_for("/videos/{video_id}/status", video_id=video_id)
        request = build_request("videos.get_status", "GET", path)
        try:
            content = content_of(await self._pipeline.call(request, VideoStatus))
        except NotFoundError:
            # The video exists, so a 404 on its status proves nothing about its content.
            return _Found(video, removable=False)
        return _Found(video, content.state == "empty" or (unfilled and content.unfilled))
