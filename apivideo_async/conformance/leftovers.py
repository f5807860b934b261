"""Deletes the videos and live streams of a check, and those that an earlier check has left.

Only objects that carry the tag or the name of a check are deleted, whatever the service returns for
a filter.
"""

import asyncio
from contextlib import suppress

from ..errors import ApiVideoError
from ..protocol.request import path_for
from .observations import UndeterminedError
from .service import NAME, TAG, Service, videos_with

__all__ = ["delete_earlier", "delete_own", "find_own"]

MOST_PAGES = 10
PAGE = 100


async def delete_earlier(service: Service) -> None:
    """Delete what an earlier check that was killed has left.

    Raises the errors of the first request, such as ``AuthenticationError`` or
    ``ApiConnectionError``: no check is possible then.
    """
    for _ in range(MOST_PAGES):
        answer = await service.expect("/videos", tags=[TAG], pageSize=PAGE)
        left = {
            path_for("/videos/{video_id}", video_id=str(video["videoId"]))
            for video in videos_with(answer, TAG)
        }
        service.videos |= left
        await delete_own(service)
        if len(left) < PAGE:
            break
    await _find_live_streams(service)
    await delete_own(service)


async def find_own(service: Service) -> None:
    """Find the videos and live streams whose creation was interrupted."""
    with suppress(UndeterminedError, ApiVideoError):
        await service.tagged()
    await _find_live_streams(service)


async def _find_live_streams(service: Service) -> None:
    with suppress(UndeterminedError, ApiVideoError):  # The account may have no live streams.
        answer = await service.get("/live-streams", name=NAME, pageSize=PAGE)
        data = answer.json().get("data")
        for live in data if isinstance(data, list) else []:
            if live.get("name") == NAME and live.get("liveStreamId"):
                name = str(live["liveStreamId"])
                path = path_for("/live-streams/{live_stream_id}", live_stream_id=name)
                service.add(path)


async def delete_own(service: Service) -> None:
    """Delete all objects of ``service.videos``. Those that could not be deleted remain there."""

    async def delete(path: str) -> None:
        with suppress(UndeterminedError, ApiVideoError):
            await service.delete_path(path)

    await asyncio.gather(*map(delete, sorted(service.videos)))
