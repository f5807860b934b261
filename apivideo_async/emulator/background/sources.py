"""Fill a container from its ``source``: the URL of a file, or the id of a video to clone.

See service.md#video-sources. Only URLs of this machine are downloaded, unless ``allow_network`` is
set, and no URLs that a web page sent. A video with another URL stays "ingesting".
"""

from __future__ import annotations

from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from ..browsers import sent_by_page
from ..operations import Call
from ..rules.network import is_web_url, may_call
from ..rules.problems import invalid_attribute, refuse_all
from ..state.media import ExtentWriter
from ..state.state import State
from ..state.video import Video
from . import production


def begin_ingest(call: Call, attributes: dict[str, Any], source: str) -> Video:
    """Create the container and start to fill it.

    Uploads to it are refused (service.md#upload-errors).

    Raises a refusal if ``source`` is neither a web URL nor the id of a complete video.
    """
    state = call.state
    if source in state.videos:
        return _clone(state, attributes, state.videos[source])
    if not is_web_url(source):
        raise refuse_all(
            [invalid_attribute("source", "This value is neither a URL nor a videoId.")]
        )
    video = state.create_video(attributes, "url")
    if not sent_by_page(call.request) and (state.settings.allow_network or may_call(source)):
        state.spawn(_fetch(state, video, source))
    return video


def _clone(state: State, attributes: dict[str, Any], original: Video) -> Video:
    if original.finished_at is None:
        raise refuse_all([invalid_attribute("source", "This video has no source to copy.")])
    video = state.create_video(attributes, "clone")
    # The clone shares the stored bytes and keeps them when the original is deleted.
    video.media = original.media.copy()
    production.begin(state, video)
    return video


async def _fetch(state: State, video: Video, url: str) -> None:
    writer = ExtentWriter(state.spool_of(video), None)
    try:
        timeout = ClientTimeout(total=None, sock_connect=10, sock_read=60)
        async with (
            ClientSession(timeout=timeout, raise_for_status=True) as session,
            # Redirects are not followed: they could lead to another machine.
            session.get(url, allow_redirects=False) as response,
        ):
            async for block in response.content.iter_any():
                writer.write(memoryview(block))
        # The video may have been deleted during the download.
        if video.key in state.videos:
            video.media.add(0, writer.keep())
            production.begin(state, video)
    except (ClientError, TimeoutError, OSError):
        # A failed download is reported nowhere; the status stays "ingesting"
        # (service.md#video-sources).
        return
    finally:
        writer.close()
