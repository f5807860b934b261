"""The delivery hosts: file, ranges, player, manifest, private tokens, CORS (service.md#assets)."""

import re

import aiohttp
import pytest


@pytest.fixture
async def served(api, content):
    """A public video of 1000 bytes made of three chunks in two orders."""
    small = await api.again(min_chunk=1)
    data = content(1000)
    video_id = await small.create("served & <shown>")
    for first, last in ((300, 699), (0, 299), (700, 999)):
        await small.chunk(video_id, data[first : last + 1], f"bytes {first}-{last}/1000")
    small.video_id, small.data = video_id, data
    small.assets = (await small.send("GET", f"/videos/{video_id}")).json["assets"]
    return small


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 1000)),
        ("bytes=250-749", (250, 750)),
        ("bytes=300-300", (300, 301)),
        ("bytes=990-2000", (990, 1000)),
        ("bytes=-5", (995, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes=5-1", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
    ],
)
async def test_ranges(served, header, expected):
    headers = {} if header is None else {"Range": header}
    for method in ("GET", "HEAD"):
        reply = await served.send(method, served.assets["mp4"], headers=headers, auth=False)
        start, stop = expected or (0, 1000)
        assert reply.status == (200 if expected is None else 206)
        assert reply.body == (served.data[start:stop] if method == "GET" else b"")
        assert reply.headers["Content-Length"] == str(stop - start)
        assert reply.headers["Content-Type"] == "video/mp4"
        assert reply.headers["Accept-Ranges"] == "bytes"
        assert reply.headers.get("Content-Range") == (
            None if expected is None else f"bytes {start}-{stop - 1}/1000"
        )


async def test_unsatisfiable_ranges(served):
    for header in ("bytes=1000-", "bytes=5000-6000", "bytes=-0"):
        reply = await served.send(
            "GET", served.assets["mp4"], headers={"Range": header}, auth=False
        )
        assert (reply.status, reply.headers["Content-Range"]) == (416, "bytes */1000")


async def test_download(served):
    reply = await served.send("GET", served.assets["mp4"] + "?dl=1", auth=False)
    assert "attachment" in reply.headers["Content-Disposition"]


async def test_player_page_plays_the_file(served):
    page = await served.send("GET", served.assets["player"], auth=False)
    assert page.headers["Content-Type"].startswith("text/html")
    text = page.body.decode()
    assert "served &amp; &lt;shown&gt;" in text
    tag = re.search(r'<video id="player" ([^>]*)>', text)[1]
    assert {"controls", "playsinline"} <= set(tag.split())
    media = re.search(r'src="([^"]+)"', tag)[1]
    assert (await served.send("GET", media, auth=False)).body == served.data
    assert f'<iframe src="{served.assets["player"]}"' in served.assets["iframe"]


async def test_without_mp4_support_the_player_still_plays(served):
    video = (
        await served.send("PATCH", f"/videos/{served.video_id}", json={"mp4Support": False})
    ).json
    assert "mp4" not in video["assets"]
    assert (await served.send("GET", served.assets["mp4"], auth=False)).status == 404
    page = (await served.send("GET", served.assets["player"], auth=False)).body.decode()
    media = re.search(r'<video [^>]* src="([^"]+)"', page)[1]
    assert (await served.send("GET", media, auth=False)).body == served.data


async def test_manifest_waits_for_the_first_quality(start, content):
    """202 and empty until playable, then a manifest of the file (service.md#hls-readiness)."""
    api = await start(encoding="polls:1")
    video_id = await api.create()
    url = f"/vod/{video_id}/hls/manifest.m3u8"
    assert (await api.send("GET", url, auth=False)).status == 202
    assert (await api.send("GET", f"/vod/{video_id}/mp4/source.mp4")).status == 404
    data = content(50)
    await api.chunk(video_id, data)
    waiting = await api.send("GET", url, auth=False)
    assert (waiting.status, waiting.body) == (202, b"")
    await api.status(video_id)
    ready = await api.send("GET", url, auth=False)
    assert ready.status == 200
    assert ready.body.startswith(b"#EXTM3U\n")
    media = next(line for line in ready.body.decode().splitlines() if not line.startswith("#"))
    assert (await api.send("GET", f"/vod/{video_id}/hls/{media}", auth=False)).body == data


async def test_private_tokens_work_once(api, content):
    """A new token at each retrieval; the second use is a 404 (service.md#private-videos)."""
    data = content(500)
    video_id = await api.create(public=False)
    await api.chunk(video_id, data)
    first = (await api.send("GET", f"/videos/{video_id}")).json["assets"]
    second = (await api.send("GET", "/videos")).json["data"][0]["assets"]
    assert first["mp4"] != second["mp4"]
    assert re.search(r"/token/[0-9a-f-]{36}/mp4/source\.mp4$", first["mp4"])
    assert (await api.send("GET", first["mp4"], auth=False)).body == data
    assert (await api.send("GET", first["mp4"], auth=False)).status == 404
    assert (await api.send("GET", first["hls"], auth=False)).status == 404
    assert (await api.send("GET", f"/vod/{video_id}/mp4/source.mp4", auth=False)).status == 404
    other = await api.create("other", public=False)
    await api.chunk(other, data)
    assert (await api.send("GET", second["mp4"].replace(video_id, other), auth=False)).status == 404
    assert (await api.send("GET", second["mp4"], auth=False)).status == 200


async def test_private_sessions(api, content):
    """A token opens a session, which gives access to all assets (service.md#private-sessions)."""
    data = content(500)
    video_id = await api.create(public=False)
    await api.chunk(video_id, data)
    assets = (await api.send("GET", f"/videos/{video_id}")).json["assets"]
    base = assets["hls"].removesuffix("/hls/manifest.m3u8")
    opened = await api.send("GET", f"{base}/session", auth=False)
    assert set(opened.json) == {"session_token"}
    assert (await api.send("GET", f"{base}/session", auth=False)).status == 404
    query = f"?avh={opened.json['session_token']}"
    for _ in range(2):
        assert (await api.send("GET", assets["mp4"] + query, auth=False)).body == data
        assert (await api.send("GET", assets["thumbnail"] + query, auth=False)).status == 200
    manifest = (await api.send("GET", assets["hls"] + query, auth=False)).body.decode()
    media = next(line for line in manifest.splitlines() if not line.startswith("#"))
    assert (await api.send("GET", f"{base}/hls/{media}", auth=False)).body == data
    assert (await api.send("GET", f"{assets['mp4']}?avh=wrong", auth=False)).status == 404
    assert opened.json["session_token"] not in repr(api.emu.requests)


async def test_private_player(api, content):
    """The page uses its token to open a session, and plays with it."""
    data = content(500)
    video_id = await api.create(public=False)
    await api.chunk(video_id, data)
    player = (await api.send("GET", f"/videos/{video_id}")).json["assets"]["player"]
    page = (await api.send("GET", player, auth=False)).body.decode()
    media = re.search(r'<video [^>]* src="([^"]+)"', page)[1]
    for header in ({}, {"Range": "bytes=0-499"}):
        assert (await api.send("GET", media, auth=False, headers=header)).body == data
    assert (await api.send("GET", player, auth=False)).status == 404
    assert (await api.send("GET", f"/vod/{video_id}/player", auth=False)).status == 404


@pytest.mark.parametrize(
    "path", ["/upload?token=to1", "/videos/vi1/source", "/auth/refresh", "/anything"]
)
async def test_preflights(api, path):
    """Preflights need no credentials and have no limit; Authorization is allowed by name."""
    reply = await api.send(
        "OPTIONS",
        path,
        auth=False,
        headers={"Origin": "http://page", "Access-Control-Request-Method": "POST"},
    )
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    allowed = {
        name.strip().lower() for name in reply.headers["Access-Control-Allow-Headers"].split(",")
    }
    origin = {"av-origin-client", "av-origin-app", "av-origin-sdk"}
    assert {"authorization", "content-range", "content-type"} | origin <= allowed


async def test_every_response_of_the_api_can_be_read_by_a_page(served):
    for method, path in (
        ("GET", "/videos"),
        ("GET", "/nothing"),
        ("PUT", "/videos"),
        ("POST", "/upload"),
        ("GET", served.assets["mp4"]),
        ("GET", served.assets["hls"]),
    ):
        reply = await served.send(method, path, auth=False)
        assert reply.headers["Access-Control-Allow-Origin"] == "*", path


async def test_deleted_while_it_is_served(start, content):
    """The download of a deleted video ends without wrong bytes."""
    api = await start(min_chunk=1, max_chunk=30_000_000)
    video_id = await api.create()
    for part in (1, 2):
        await api.chunk(video_id, content(20_000_000), f"part {part}/2")
    url = f"{api.emu.url}/vod/{video_id}/mp4/source.mp4"
    async with api.session.get(url) as response:
        assert response.headers["Content-Length"] == "40000000"
        await response.content.readexactly(1000)
        await api.send("DELETE", f"/videos/{video_id}")
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_an_error_in_the_middle_of_a_response(api, content, monkeypatch):
    """The connection is closed: the client would take an error body for media."""
    video_id = await api.create()
    await api.chunk(video_id, content(1000))

    def fail(*_: object):
        yield b"x"
        raise RuntimeError("broken")

    monkeypatch.setattr(type(api.emu.state.videos[video_id].media), "read", fail)
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.send("GET", f"/vod/{video_id}/mp4/source.mp4")
