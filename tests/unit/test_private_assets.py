"""Sessions of private videos and live streams (service.md#private-sessions)."""

import pytest
from attrs import evolve

from apivideo_async import ConfigurationError, LiveStreamAssets, PrivateSession, VideoAssets
from apivideo_async.protocol.private_assets import session_address
from apivideo_async.protocol.request import asset_request

VOD = "https://vod.api.video/vod/vi1/token/0b1e-2f"
SESSION = f"{VOD}/session"
LIVE = "https://live.api.video/private/0b1e-2f/li1"
LIVE_SESSION = f"{LIVE}/session"
IFRAME = '<iframe src="https://embed.api.video/live/li1?token=0b1e-2f" width="100%"></iframe>'


@pytest.mark.parametrize(
    "assets",
    [
        VideoAssets(hls=f"{VOD}/hls/manifest.m3u8"),
        VideoAssets(mp4=f"{VOD}/mp4/source.mp4?dl=1"),
        VideoAssets(
            hls="https://vod.api.video/vod/vi1/hls/manifest.m3u8", thumbnail=f"{VOD}/thumbnail.jpg"
        ),
        # Only the player has a token. The session is on the host of the media.
        VideoAssets(player="https://embed.api.video/vod/vi1?token=0b1e-2f"),
        VideoAssets(
            player="https://watch.example/vod/vi1/player?a=b&token=0b1e-2f#hide-controls",
            thumbnail="https://vod.api.video/vod/vi1/thumbnail.jpg",
        ),
    ],
)
def test_the_session_is_beside_the_assets(assets: VideoAssets) -> None:
    assert session_address(assets) == SESSION


@pytest.mark.parametrize(
    ("assets", "address"),
    [
        (LiveStreamAssets(hls=f"{LIVE}.m3u8"), LIVE_SESSION),
        (LiveStreamAssets(hls=f"{LIVE}.m3u8?a=b"), LIVE_SESSION),
        (LiveStreamAssets(thumbnail=f"{LIVE}/thumbnail.jpg"), LIVE_SESSION),
        (
            LiveStreamAssets(hls="https://cdn.example/a/private/t1/li1.m3u8"),
            "https://cdn.example/a/private/t1/li1/session",
        ),
        (
            LiveStreamAssets(hls="https://live.api.video/live/li1/token/t1/manifest.m3u8"),
            "https://live.api.video/live/li1/token/t1/session",
        ),
        (LiveStreamAssets(player="https://embed.api.video/live/li1?token=0b1e-2f"), LIVE_SESSION),
        (
            LiveStreamAssets(
                hls="https://live.example/li1.m3u8",
                player="https://embed.example/live/li1?token=a%2Fb",
            ),
            "https://live.example/private/a%2Fb/li1/session",
        ),
        (
            LiveStreamAssets(player="http://127.0.0.1:80/live/li1?token=t1"),
            "http://127.0.0.1:80/private/t1/li1/session",
        ),
    ],
)
def test_the_assets_decide_where_the_session_of_a_live_stream_is(
    assets: LiveStreamAssets, address: str
) -> None:
    """service.md#other-private-assets."""
    assert session_address(assets) == address


@pytest.mark.parametrize(
    "assets",
    [
        None,
        VideoAssets(),
        VideoAssets(hls="https://vod.api.video/vod/vi1/hls/m.m3u8"),
        VideoAssets(player="https://embed.api.video/vod/vi1?token="),
        VideoAssets(player="https://embed.api.video/other/vi1?token=t1"),
        LiveStreamAssets(
            hls="https://live.api.video/li1.m3u8", player="https://embed.api.video/live/li1"
        ),
    ],
)
def test_a_public_item_has_no_session(assets: VideoAssets | LiveStreamAssets | None) -> None:
    with pytest.raises(ConfigurationError, match="contain no token"):
        session_address(assets)


def test_an_address_that_is_not_a_url_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not a URL"):
        session_address(VideoAssets(hls="https://[vod/token/t1/m.m3u8"))
    with pytest.raises(ConfigurationError, match="not a URL"):
        PrivateSession("s1", VideoAssets()).url("https://[vod/m.m3u8")


def test_the_session_is_added_to_every_asset() -> None:
    assets = VideoAssets(
        hls=f"{VOD}/hls/manifest.m3u8",
        mp4=f"{VOD}/mp4/source.mp4?dl=1",
        player="https://embed/x?token=y#hide-controls",
        extra={"new": 1},
    )
    session = PrivateSession("s e&", assets)
    assert session.assets == evolve(
        assets,
        hls=f"{VOD}/hls/manifest.m3u8?avh=s+e%26",
        mp4=f"{VOD}/mp4/source.mp4?dl=1&avh=s+e%26",
        player="https://embed/x?token=y&avh=s+e%26#hide-controls",
    )
    for shown in (repr(session), repr(session.assets)):
        assert "s e&" not in shown
        assert "s+e" not in shown
        assert "0b1e" not in shown


def test_the_player_in_an_iframe_has_the_session() -> None:
    """The ``&`` of a URL is ``&amp;`` in HTML, whichever form the service sends."""
    for html in (IFRAME, IFRAME.replace("?", "?a=b&amp;")):
        session = PrivateSession("s1", LiveStreamAssets(iframe=html))
        signed = session.assets.iframe
        assert signed == html.replace("2f", "2f&amp;avh=s1")
        for secret in ("s1", "0b1e"):
            assert secret not in repr(session.assets)
    assert PrivateSession("s1", LiveStreamAssets(iframe="<b>")).assets.iframe == "<b>"


def test_a_new_session_replaces_the_old_one() -> None:
    first, second = (PrivateSession(token, VideoAssets()) for token in ("s1", "s2"))
    assert second.url(first.url("https://h/x?a=1&b=%2F")) == "https://h/x?a=1&b=%2F&avh=s2"


def test_a_request_for_an_asset_has_no_credentials() -> None:
    request = asset_request("videos.open_private_session", f"{SESSION}?a=b")
    assert (request.base_url, request.query) == ("https://vod.api.video", "a=b")
    assert (request.authenticated, request.limit_class) == (False, None)
    assert request.summary.path == "/vod/vi1/token/…/session"
    live = asset_request("live_streams.open_private_session", LIVE_SESSION)
    assert live.summary.path == "/private/…/li1/session"
