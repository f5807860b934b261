"""Searches for the videos that carry an idempotency key.

The list of videos may differ from the assumptions in three ways. It may be out of date:
``find_repeatedly`` repeats the search. It may ignore the filter: a result without the key proves
this, and from then on the list is read without a filter, the newest videos first. The service may
have modified the metadata, so that the filter does not find the key: after a lost response, the
newest videos are also compared without the filter.

Without a filter, the first search reads the whole list and notes the key of each video. Later
searches of the same client read only the videos that were created since then.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from weakref import WeakKeyDictionary

from attrs import define, field

from ..config import INGEST_KEY
from ..errors import NotFoundError
from ..http.pipeline import Pipeline
from ..http.shared_profile import SharedProfile
from ..models import Page, Video
from ..protocol.keyed_videos import CLOCK_ERROR, Wanted, keys_in
from ..protocol.query import LARGEST_PAGE, QueryValue, next_page
from ..protocol.request import build_request, path_for
from ..protocol.retry import settle_delays

__all__ = ["find_keyed", "find_repeatedly", "read_video"]

NEWEST_FIRST: dict[str, QueryValue] = {
    "sortBy": "createdAt",
    "sortOrder": "desc",
    "pageSize": LARGEST_PAGE,
}


@define(eq=False)
class _Index:
    """The keys of all videos of a list that cannot be filtered."""

    until: datetime | None = None
    """Time of the newest video in the index; None: the list was not read yet."""
    ids: dict[str, set[str]] = field(factory=dict)
    """The ids of the videos with each key."""
    reading: asyncio.Lock = field(factory=asyncio.Lock)

    def add(self, page: Page[Video]) -> None:
        for video in page:
            for key in filter(None, keys_in(video)):
                self.ids.setdefault(key, set()).add(video.video_id)


_indexes: WeakKeyDictionary[SharedProfile, _Index] = WeakKeyDictionary()


async def find_keyed(pipeline: Pipeline, wanted: Wanted) -> list[Video]:
    """Return the videos that carry the key, according to the list of videos.

    If the list cannot be filtered, a search with ``wanted.since`` covers the videos that were
    created since then.
    """
    profile, since = pipeline.profile, wanted.since
    found = await _find_filtered(pipeline, wanted) if profile.current.filters_metadata else None
    if found is None and since is None:
        return await _find_anywhere(pipeline, wanted)
    # The filter does not find a key that the service has modified.
    if since is not None and (found is None or not profile.current.keeps_metadata):
        return await _find_new(pipeline, wanted, since, found or [])
    return found or []


async def find_repeatedly(pipeline: Pipeline, wanted: Wanted, seconds: float) -> list[Video]:
    """Search until a video is found, for about ``seconds``. ``wanted.since`` must be set."""
    found = await find_keyed(pipeline, wanted)
    for delay in settle_delays(seconds):
        if found:
            break
        await asyncio.sleep(delay)
        found = await find_keyed(pipeline, wanted)
        # It is not known yet whether the service modifies the key.
        profile = pipeline.profile.current
        if not found and wanted.since and profile.filters_metadata and profile.keeps_metadata:
            found = await _find_new(pipeline, wanted, wanted.since, [])
    return found


async def read_video(pipeline: Pipeline, video_id: str) -> Video:
    """Return a video. Raises the errors of ``videos.get``."""
    path = path_for("/videos/{video_id}", video_id=video_id)
    return await pipeline.call(build_request("videos.get", "GET", path), Video)


async def _find_filtered(pipeline: Pipeline, wanted: Wanted) -> list[Video] | None:
    """Return the matching videos of the filtered list, or None if the filter is ignored."""
    found = list[Video]()
    async for page in _pages(pipeline, {"metadata": {INGEST_KEY: wanted.stored or wanted.key}}):
        unrelated = next((video for video in page if not wanted.is_related(video)), None)
        if unrelated is not None:
            pipeline.profile.learn(
                "list-ignores-metadata",
                f"the list of videos with a metadata value contains {unrelated.video_id}, which "
                "does not have this value",
                filters_metadata=False,
            )
            return None
        # The service considers these values equal to the key, so modified forms count.
        found += [video for video in page if wanted.has_key(video, modified=True)]
    return found


async def _find_new(
    pipeline: Pipeline, wanted: Wanted, since: datetime, found: list[Video]
) -> list[Video]:
    """Return ``found`` and the matching videos that were created since ``since``."""
    videos = {video.video_id: video for video in found}
    async for page in _newest_pages(pipeline, since):
        videos |= {each.video_id: each for each in page if wanted.has_key(each, modified=True)}
    return list(videos.values())


async def _find_anywhere(pipeline: Pipeline, wanted: Wanted) -> list[Video]:
    index = _indexes.setdefault(pipeline.profile, _Index())
    async with index.reading:
        times = [] if index.until is None else [index.until]
        async for page in _newest_pages(pipeline, index.until):
            index.add(page)
            times += [video.created_at for video in page if video.created_at is not None]
        # Only now, because the search may have been interrupted before.
        index.until = max(times, default=None)
    # Read the videos: those in the index may have been changed or deleted.
    videos = list[Video]()
    for video_id in sorted(index.ids.get(wanted.key, ())):
        try:
            videos.append(await read_video(pipeline, video_id))
        except NotFoundError:
            index.ids[wanted.key].discard(video_id)
    return [video for video in videos if wanted.has_key(video)]


async def _newest_pages(pipeline: Pipeline, since: datetime | None) -> AsyncIterator[Page[Video]]:
    """Yield the pages of the whole list, or up to the videos created before ``since``."""
    previous: datetime | None = None
    sorted_ = since is not None
    async for page in _pages(pipeline, NEWEST_FIRST):
        yield page
        for video in page:
            # The list must be in the requested order; otherwise it is read to its end.
            created = video.created_at
            sorted_ = sorted_ and created is not None and (previous is None or created <= previous)
            previous = created
        if sorted_ and since is not None and previous and previous < since - CLOCK_ERROR:
            return


async def _pages(pipeline: Pipeline, query: dict[str, QueryValue]) -> AsyncIterator[Page[Video]]:
    number: int | None = 1
    while number is not None:
        asked = query if number == 1 else {**query, "currentPage": number}
        request = build_request("videos.list", "GET", "/videos", query=asked)
        page: Page[Video] = await pipeline.page(request, Video)
        yield page
        number = next_page(number, page)
