"""Sessions of private videos (service.md#private-sessions)."""

import pytest

from apivideo_async import ConfigurationError, PrivateSession, VideoAssets
from apivideo_async.protocol.private_assets import session_address
from apivideo_async.protocol.request import asset_request

VOD = "https://vod.api.video/vod/vi1/token/0b1e-2f"
SESSION = f"{VOD}/session"


@pytest.mark.parametrize(
    "assets",
    [
        VideoAssets(hls=f"{VOD}/hls/manifest.m3u8"),
        VideoAssets(mp4=f"{VOD}/mp4/source.mp4?dl=1"),
        VideoAssets(
            hls="https://vod.api.video/vod/vi1/hls/manifest.m3u8", thumbnail=f"{VOD}/thumbnail.jpg"
        ),
    ],
)
def test_the_session_is_beside_the_assets(assets: VideoAssets) -> None:
    assert session_address(assets) == SESSION


@pytest.mark.parametrize(
    "assets", [None, VideoAssets(), VideoAssets(hls="https://vod.api.video/vod/vi1/hls/m.m3u8")]
)
def test_a_public_video_has_no_session(assets: VideoAssets | None) -> None:
    with pytest.raises(ConfigurationError, match="contain no token"):
        session_address(assets)


def test_the_session_is_added_to_every_asset() -> None:
    assets = VideoAssets(
        hls=f"{VOD}/hls/manifest.m3u8",
        mp4=f"{VOD}/mp4/source.mp4?dl=1",
        player="https://embed/x?token=y",
    )
    session = PrivateSession("s e&", assets)
    assert session.assets.hls == f"{VOD}/hls/manifest.m3u8?avh=s+e%26"
    assert session.assets.mp4 == f"{VOD}/mp4/source.mp4?dl=1&avh=s+e%26"
    assert (session.assets.player, session.assets.thumbnail) == (assets.player, None)
    assert "s e&" not in repr(session)
    assert "0b1e" not in repr(session)


def test_a_request_for_an_asset_has_no_credentials() -> None:
    request = asset_request("videos.open_private_session", f"{SESSION}?a=b")
    assert (request.base_url, request.query) == ("https://vod.api.video", "a=b")
    assert (request.authenticated, request.limit_class) == (False, None)
    assert request.summary.path == "/vod/vi1/token/…/session"
