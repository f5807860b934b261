"""Wait for any number of videos to become playable. ``protocol.polling`` orders the requests."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

from attrs import frozen

from ..config import is_number
from ..errors import (
    ApiConnectionError,
    ApiStatusError,
    ApiTimeoutError,
    ApiVideoError,
    ConfigurationError,
    EncodingError,
)
from ..http.pipeline import Pipeline
from ..models import Video, VideoStatus
from ..protocol.json_body import text_list
from ..protocol.polling import PollSchedule, encoding_failed
from ..protocol.request import Priority, Request, asset_request, build_request, check_text, path_for

__all__ = ["PlayableResult", "status_request", "wait_for_all"]


@frozen(kw_only=True)
class PlayableResult:
    """Result of waiting for a video: a playable status, or an error."""

    video_id: str
    status: VideoStatus | None = None
    """Set if the video is playable."""
    error: ApiVideoError | None = None
    """``EncodingError``, ``ApiTimeoutError``, or the error of the status request."""


def status_request(video_id: str, priority: Priority) -> Request:
    path = path_for("/videos/{video_id}/status", video_id=video_id)
    return build_request("videos.get_status", "GET", path, priority=priority)


async def wait_for_all(
    pipeline: Pipeline, video_ids: Iterable[str], *, timeout: float, probe: bool
) -> AsyncGenerator[PlayableResult, None]:
    """Yield a result for each video. See ``videos.wait_until_playable_many``."""
    if not is_number(timeout) or timeout != timeout:
        raise ConfigurationError(f"timeout must be a number of seconds, not {timeout!r}")
    clock = asyncio.get_running_loop().time
    pipeline = pipeline.patient()
    ends_at = clock() + timeout
    schedule = PollSchedule()
    names = text_list("video_ids", video_ids)
    for name in names:
        check_text("video_id", name)
    schedule.add(names, clock())
    while schedule:
        try:
            async with asyncio.timeout_at(ends_at):
                # The interval depends on the read limit, to leave budget for other requests.
                await asyncio.sleep(schedule.wait(clock(), pipeline.limiter.window("reads").limit))
                result = await _check(pipeline, schedule.begin_read(clock()), probe=probe)
        except TimeoutError:
            break
        if result is None:
            schedule.later(clock())
        else:
            schedule.done()
            yield result
    # The time is over. These videos have no result.
    for video_id in schedule.names:
        summary = status_request(video_id, Priority.POLL).summary
        text = f"{video_id} was not playable within {timeout:g} s; is its upload complete?"
        yield PlayableResult(video_id=video_id, error=ApiTimeoutError(text, request=summary))


async def _check(pipeline: Pipeline, video_id: str, *, probe: bool) -> PlayableResult | None:
    """Request the status of one video. Return None if it is not playable yet."""
    try:
        status = await pipeline.call(status_request(video_id, Priority.POLL), VideoStatus)
        if encoding_failed(status):
            raise EncodingError(
                f"{video_id}: every quality failed; is the file a video?", video_id=video_id
            )
        ready = status.playable and (not probe or await _manifest_available(pipeline, video_id))
    except ApiVideoError as error:
        return PlayableResult(video_id=video_id, error=error)
    return PlayableResult(video_id=video_id, status=status) if ready else None


async def _manifest_available(pipeline: Pipeline, video_id: str) -> bool:
    """Return False for 202 and 404, which mean "not yet" (service.md#hls-readiness)."""
    path = path_for("/videos/{video_id}", video_id=video_id)
    # Request the address each time, because the address of a private video works once.
    video = await pipeline.call(
        build_request("videos.get", "GET", path, priority=Priority.POLL), Video
    )
    if video.assets is None or video.assets.hls is None:
        return False
    try:
        request = asset_request("videos.wait_until_playable", video.assets.hls)
        response = await pipeline.attempt(request)
    except (ApiStatusError, ApiConnectionError):
        return False
    return response.status == 200 and bool(response.body)
