"""Quirks of reads: the status, lists, metadata, new videos, and URLs of private assets."""

import time

import pytest

from apivideo_async.emulator.state.state import State


@pytest.fixture
def clock(monkeypatch):
    """Set the emulator's clock forward with ``clock(seconds)``."""
    offset = 0.0

    def forward(seconds):
        nonlocal offset
        offset += seconds

    monkeypatch.setattr(State, "now", property(lambda state: time.monotonic() + offset))
    return forward


async def upload(api, content, *ranges):
    video_id = await api.create()
    for given in ranges:
        assert (await api.chunk(video_id, content(2000), given)).status == 201
    return video_id


BYTES = ("bytes 0-1999/*", "bytes 2000-3999/*", "bytes 4000-5999/6000")


@pytest.mark.parametrize("unit", ["bytes", "parts"])
async def test_status_delay(start, content, clock, unit):
    """The status shows what had arrived some seconds ago."""
    api = await start(quirks={"status-delay": 10})
    video_id = await api.create()
    ranges = BYTES if unit == "bytes" else ("part 1/*", "part 2/*", "part 3/3")
    for given in ranges:
        await api.chunk(video_id, content(2000), given)
        clock(4)

    def chunks(ingest):
        if unit == "parts":
            return ingest["receivedParts"]["parts"], ingest["receivedParts"]["total"]
        received = ingest["receivedBytes"]
        return [each["to"] // 2000 + 1 for each in received], received[0].get("total")

    # The chunks arrived 12, 8 and 4 seconds ago.
    ingest = (await api.status(video_id))["ingest"]
    assert (ingest["status"], ingest["filesize"]) == ("uploading", None)
    assert chunks(ingest) == ([1], None)
    clock(3)
    status = await api.status(video_id)
    assert chunks(status["ingest"]) == ([1, 2], None)
    assert (status["encoding"]["playable"], status["encoding"]["qualities"]) == (False, [])
    clock(4)
    status = await api.status(video_id)
    assert (status["ingest"]["status"], status["ingest"]["filesize"]) == ("uploaded", 6000)
    assert chunks(status["ingest"]) == ([1, 2, 3], 3 if unit == "parts" else 6000)
    assert status["encoding"]["playable"]


async def test_status_delay_of_an_upload_in_one_request(start, content, clock):
    api = await start(quirks={"status-delay": 10})
    video_id = await api.create()
    await api.chunk(video_id, content(2000))
    assert (await api.status(video_id))["ingest"] is None
    clock(11)
    assert (await api.status(video_id))["ingest"]["status"] == "uploaded"


async def test_status_without_ranges_and_size(start, content):
    api = await start(quirks=["status-without-ranges", "status-without-size"])
    for ranges in (BYTES, ("part 1/1",)):
        video_id = await upload(api, content, *ranges)
        assert (await api.status(video_id))["ingest"] == {"status": "uploaded"}
    assert (await api.status(await api.create()))["ingest"] is None


async def test_status_uploading(start, content, clock):
    """All chunks are listed, and still the upload is not complete for some seconds."""
    api = await start(quirks={"status-uploading": 10})
    video_id = await upload(api, content, *BYTES)
    status = await api.status(video_id)
    assert (status["ingest"]["status"], status["ingest"]["filesize"]) == ("uploading", None)
    assert len(status["ingest"]["receivedBytes"]) == 3
    assert not status["encoding"]["playable"]
    clock(11)
    status = await api.status(video_id)
    assert (status["ingest"]["status"], status["ingest"]["filesize"]) == ("uploaded", 6000)
    assert status["encoding"]["playable"]


async def test_status_merged_ranges(start, content):
    api = await start(quirks=["status-merged-ranges"])
    video_id = await upload(api, content, "bytes 4000-5999/8000", "bytes 0-1999/8000")
    first, last = ({"from": 0, "to": 1999}, {"from": 4000, "to": 5999})
    received = (await api.status(video_id))["ingest"]["receivedBytes"]
    assert received == [{**first, "total": 8000}, {**last, "total": 8000}]
    await api.chunk(video_id, content(2000), "bytes 2000-3999/8000")
    received = (await api.status(video_id))["ingest"]["receivedBytes"]
    assert received == [{"from": 0, "to": 5999, "total": 8000}]
    parts = await upload(api, content, "part 1/2", "part 2/2")
    assert (await api.status(parts))["ingest"]["receivedParts"]["parts"] == [1, 2]


async def test_status_number_strings(start, content):
    api = await start(quirks=["status-number-strings"])
    status = await api.status(await upload(api, content, "bytes 0-1999/2000"))
    assert status["ingest"]["filesize"] == "2000"
    assert status["ingest"]["receivedBytes"] == [{"from": "0", "to": "1999", "total": "2000"}]
    assert status["encoding"]["playable"] is True
    assert status["encoding"]["metadata"]["width"] == "1280"
    assert (await api.status(await api.create()))["ingest"] is None


async def listed(api, query=""):
    return [video["videoId"] for video in (await api.send("GET", f"/videos{query}")).json["data"]]


async def test_list_delay(start, clock):
    api = await start(quirks={"list-delay": 10})
    video_id = await api.create()
    assert await listed(api) == []
    assert (await api.send("GET", f"/videos/{video_id}")).status == 200
    clock(6)
    second = await api.create()
    clock(5)
    assert await listed(api) == [video_id]
    clock(6)
    assert await listed(api) == [second, video_id]


KEY = [{"key": "ingestKey", "value": "a"}]


async def test_list_ignores_metadata(start):
    api = await start(quirks=["list-ignores-metadata"])
    first, second = await api.create(metadata=KEY), await api.create("other")
    assert await listed(api, "?metadata[ingestKey]=a") == [second, first]
    assert await listed(api, "?metadata[ingestKey]=a&title=other") == [second]


async def test_metadata_modified(start):
    """The stored value is neither the one that was sent nor found by it."""
    api = await start(quirks=["metadata-modified"])
    video_id = await api.create(metadata=KEY)
    shown = (await api.send("GET", f"/videos/{video_id}")).json["metadata"]
    assert shown == [{"key": "ingestKey", "value": "A "}]
    assert await listed(api, "?metadata[ingestKey]=a") == []
    assert await listed(api, "?metadata[ingestKey]=A%20") == [video_id]
    await api.send("PATCH", f"/videos/{video_id}", json={"metadata": [{"key": "k", "value": "1"}]})
    shown = (await api.send("GET", f"/videos/{video_id}")).json["metadata"]
    assert shown == [{"key": "k", "value": "1 "}]
    assert (await api.send("PATCH", f"/videos/{video_id}", json={"title": "x"})).status == 200


async def test_new_video_delay(start, content, clock):
    """Reads of a new video are 404. Uploads to it and changes of it are accepted."""
    api = await start(quirks={"new-video-delay": 10})
    video_id = await api.create()
    for path in (f"/videos/{video_id}", f"/videos/{video_id}/status"):
        assert (await api.send("GET", path)).slug == "resource-not-found"
    assert (await api.send("PATCH", f"/videos/{video_id}", json={})).status == 200
    assert (await api.chunk(video_id, content(2000))).status == 201
    assert await listed(api) == [video_id]
    clock(11)
    for path in (f"/videos/{video_id}", f"/videos/{video_id}/status"):
        assert (await api.send("GET", path)).status == 200
    video_id = await api.create()
    assert (await api.send("DELETE", f"/videos/{video_id}")).status == 204


async def test_private_urls_of_a_video(start, content):
    api = await start(quirks=["private-urls"])
    video_id = await api.create(public=False)
    await api.chunk(video_id, content(2000))
    assets = (await api.send("GET", f"/videos/{video_id}")).json["assets"]
    player, _, token = assets["player"].partition("?token=")
    assert player == f"{api.emu.url}/vod/{video_id}"
    assert assets["player"] in assets["iframe"]
    session = (await api.send("GET", f"/vod/{video_id}/token/{token}/session")).json
    assert (await api.send("GET", assets["player"])).status == 404, "the token was used"
    signed = f"{assets['player']}&avh={session['session_token']}"
    assert (await api.send("GET", signed)).status == 200
    public = await api.create()
    assets = (await api.send("GET", f"/videos/{public}")).json["assets"]
    assert assets["player"] == f"{api.emu.url}/vod/{public}"


async def live_stream(api, **attributes):
    created = await api.send("POST", "/live-streams", json={"name": "x", **attributes})
    api.emu.start_broadcast(created.json["liveStreamId"])
    return created.json["liveStreamId"], created.json["assets"]


async def test_private_urls_of_a_live_stream(start):
    api = await start(quirks=["private-urls"])
    live_id, assets = await live_stream(api, public=False)
    base, _, name = assets["hls"].rpartition("/")
    token = base.rpartition("/")[2]
    assert (base, name) == (f"{api.emu.url}/private/{token}", f"{live_id}.m3u8")
    usual = await api.send("GET", f"/live/{live_id}/token/{token}/session")
    assert usual.status == 404
    base = f"{base}/{live_id}"
    session = (await api.send("GET", f"{base}/session")).json["session_token"]
    assert (await api.send("GET", assets["hls"])).status == 404, "the token was used"
    for name in ("hls", "player", "thumbnail"):
        joint = "&" if "?" in assets[name] else "?"
        assert (await api.send("GET", f"{assets[name]}{joint}avh={session}")).status == 200
    assert (await api.send("GET", f"{base}/session")).status == 404
    assert (await api.send("GET", f"/private/unknown/{live_id}/session")).status == 404
    _, assets = await live_stream(api)
    assert "/private/" not in assets["hls"]


async def test_a_private_live_stream_has_sessions(api):
    """Without the quirk they are those of private videos."""
    live_id, assets = await live_stream(api, public=False)
    base = assets["hls"].rpartition("/")[0]
    assert base.startswith(f"{api.emu.url}/live/{live_id}/token/")
    session = (await api.send("GET", f"{base}/session")).json["session_token"]
    assert (await api.send("GET", f"{assets['hls']}?avh={session}")).status == 200
    assert (await api.send("GET", f"{base}/session")).status == 404
