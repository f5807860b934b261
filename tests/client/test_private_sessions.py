"""Private videos and live streams are watched with a session.

See service.md#private-sessions, service.md#other-private-assets.
"""

import re

import aiohttp
import pytest

from apivideo_async import ApiVideoClient, NotFoundError
from apivideo_async.emulator import Emulator
from tests.conftest import data_of


async def statuses(*addresses: str | None) -> list[int]:
    """Request each address twice, as a viewer does: a token alone would work once."""
    found = []
    async with aiohttp.ClientSession() as viewer:
        for address in addresses:
            assert address is not None
            for _ in range(2):
                async with viewer.get(address) as reply:
                    found.append(reply.status)
    return found


@pytest.fixture(params=[False, True], ids=["documentation", "vendor"])
def vendor(emu: Emulator, request: pytest.FixtureRequest) -> bool:
    """Whether the service has the URLs of the vendor's session library."""
    if request.param:
        emu.quirks["private-urls"] = True
    return bool(request.param)


async def test_a_private_live_stream_is_watched_with_a_session(
    emu: Emulator, client: ApiVideoClient, vendor: bool
) -> None:
    live_id = (await client.live_streams.create(name="Live", public=False)).live_stream_id
    emu.start_broadcast(live_id)
    live = await client.live_streams.get(live_id)
    session = await client.live_streams.open_private_session(live)
    assets = session.assets
    assert ("/private/" in (assets.hls or "")) == vendor
    assert await statuses(assets.hls, assets.thumbnail, assets.player) == [200] * 6
    [embedded] = re.findall('src="([^"]+)"', assets.iframe or "")
    assert embedded.replace("&amp;", "&") == assets.player
    with pytest.raises(NotFoundError):
        await client.live_streams.open_private_session(live)
    # The emulator serves one of the two forms.
    emu.quirks.clear()
    if not vendor:
        emu.quirks["private-urls"] = True
    assert await statuses(assets.hls) == [404, 404]


async def test_a_private_video_is_watched_with_a_session(
    emu: Emulator, client: ApiVideoClient, vendor: bool
) -> None:
    video = await client.upload(data_of(500), title="Secret", public=False, mp4_support=True)
    session = await client.videos.open_private_session(await client.videos.get(video.video_id))
    assets = session.assets
    assert (assets.player or "").partition("?")[0].endswith("/player") != vendor
    await client.videos.get_status(video.video_id)
    assert await statuses(assets.hls, assets.mp4, assets.thumbnail, assets.player) == [200] * 8
