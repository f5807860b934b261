"""Quirks of gateways and proxies, and requests that arrive late."""

import aiohttp
import pytest

from apivideo_async.emulator import Fault

CREATION = {"title": "x"}


async def test_problem_json(api):
    api.emu.quirks["problem-json"] = True
    for reply in (
        await api.send("GET", "/videos/vi0"),
        await api.send("POST", "/videos", json={}),
        await api.send("GET", "/nothing"),
        await api.send("GET", "/videos", auth=False),
    ):
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.json["status"] == reply.status
    assert (await api.send("GET", "/videos")).headers["Content-Type"] == "application/json"
    reply = await api.send("DELETE", "/_emulator/quirks/no-parts")
    assert (reply.status, reply.headers["Content-Type"]) == (404, "application/json")


async def test_largest_request(start, content):
    """The gateway answers in HTML and without the headers of the service."""
    api = await start(quirks={"largest-request": 4000})
    video_id = await api.create()
    refused = await api.chunk(video_id, content(4000), "part 1/2")
    assert (refused.status, refused.headers["Content-Type"]) == (413, "text/html")
    assert b"413" in refused.body
    assert not [name for name in refused.headers if name.startswith("X-RateLimit")]
    assert api.emu.requests[-1].quirk == "largest-request"
    assert (await api.status(video_id))["ingest"] is None
    assert (await api.chunk(video_id, content(3000), "part 1/2")).status == 201


@pytest.mark.parametrize("status", [403, 404, 409, 425, 499, 520, 524])
@pytest.mark.parametrize("moment", ["", "-before", "-after"])
async def test_gateway_response(start, content, status, moment):
    """One request of each video gets the page, before or after it was executed."""
    api = await start(quirks={"gateway-response": f"{status}{moment}"})
    for video_id in (await api.create(), await api.create()):
        replaced = await api.chunk(video_id, content(2000), "part 1/2")
        assert (replaced.status, replaced.headers["Content-Type"]) == (status, "text/html")
        assert not [name for name in replaced.headers if name.startswith("X-RateLimit")]
        stored = (await api.status(video_id))["ingest"] is not None
        assert stored == (moment == "-after")
        again = await api.chunk(video_id, content(2000), "part 1/2")
        assert again.status == (400 if stored else 201)
        assert (await api.chunk(video_id, content(2000), "part 2/2")).status == 201
    quirks = [record.quirk for record in api.emu.requests if record.operation == "videos.upload"]
    assert quirks == ["gateway-response", None, None] * 2


async def test_gateway_response_with_a_token(start, content):
    """The first request creates the video: its response always reaches the client."""
    api = await start(quirks=["gateway-response=520-after"])
    path = f"/upload?token={await api.token()}"
    file = api.file(content(2000))
    assert (await api.post_form(path, file)).status == 201
    first = await api.post_form(path, file, content_range="part 1/3")
    video_id = api.field("videoId", first.json["videoId"])
    second = await api.post_form(path, video_id, file, content_range="part 2/3")
    assert second.status == 520
    assert (await api.post_form(path, video_id, file, content_range="part 3/3")).status == 201
    assert all(video.finished for video in api.emu.state.videos.values())


async def test_setting_a_quirk_again_repeats_its_effect(api, content):
    video_id = await api.create()
    for number in (1, 2):
        api.emu.quirks["gateway-response"] = "403"
        assert (await api.chunk(video_id, content(2000), f"part {number}/2")).status == 403
        assert (await api.chunk(video_id, content(2000), f"part {number}/2")).status == 201


async def test_late_chunk(start, content):
    """The chunk of a lost connection is stored later, whatever the client did meanwhile."""
    api = await start(quirks={"late-chunk": 0.05})
    data = content(4000)
    video_id, other = await api.create(), await api.create()
    for each in (video_id, other):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await api.chunk(each, data[:2000], "part 1/2")
    assert (await api.status(video_id))["ingest"] is None
    assert (await api.chunk(other, data[2000:], "part 1/2")).status == 201
    await api.emu.settled()
    assert (await api.chunk(video_id, data[2000:], "part 2/2")).status == 201
    assert b"".join(api.emu.state.videos[video_id].media.read()) == data
    late = [record for record in api.emu.requests if record.quirk == "late-chunk"]
    assert [(each.status, each.video_id) for each in late] == [
        (None, None),
        (None, None),
        (201, video_id),
        (400, other),
    ]
    assert (await api.status(other))["ingest"]["receivedParts"]["parts"] == [1]


async def test_late_creation(start):
    """The video of a lost creation appears later. Later creations are not affected."""
    api = await start(quirks={"late-creation": 0.05})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.send("POST", "/videos", json={"title": "late"})
    await api.create("again")
    assert [video.attributes["title"] for video in api.emu.state.videos.values()] == ["again"]
    await api.emu.settled()
    titles = [video.attributes["title"] for video in api.emu.state.videos.values()]
    assert titles == ["again", "late"]


async def test_a_late_request_meets_faults_like_any_other(start):
    api = await start(quirks={"late-creation": 0.01})
    api.emu.faults.add(Fault("videos.create", "reset-after"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.send("POST", "/videos", json=CREATION)
    await api.emu.settled()
    assert not api.emu.state.videos
    assert [record.fault for record in api.emu.requests] == [None, "reset-after"]


async def test_delivered_twice(start, content):
    """The client receives the response to the second delivery."""
    api = await start(quirks=["delivered-twice"])
    video_id = await api.create()
    assert list(api.emu.state.videos)[1:] == [video_id]
    reply = await api.chunk(video_id, content(2000), "part 1/2")
    assert reply.slug == "video-content-range-by-part-part-already-sent"
    reply = await api.chunk(video_id, content(2000), "part 2/2")
    assert reply.slug == "video-source-already-uploaded"
    assert api.emu.media(video_id).complete
    token = await api.token()
    await api.post_form(f"/upload?token={token}", api.file(content(2000)))
    assert len(api.emu.state.videos) == 4
