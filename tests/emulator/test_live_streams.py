"""Live streams.

See service.md#live-stream-operations, service.md#error-details, service.md#webhook-events,
service.md#live-streams.
"""

import asyncio
import base64

import aiohttp
import pytest

from apivideo_async.emulator import Emulator
from apivideo_async.emulator.rules.problems import RefusedError

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
RESTREAM = {"name": "Mirror", "serverUrl": "rtmp://example.test/app", "streamKey": "k"}


async def create(api, name="Live", **attributes):
    reply = await api.send("POST", "/live-streams", json={"name": name, **attributes})
    assert reply.status == 200, "200, not 201 (service.md#live-stream-operations)"
    return reply.json


async def test_a_created_live_stream(api):
    live = await create(api, restreams=[{**RESTREAM, "extra": 1}])
    live_id, url = live["liveStreamId"], api.emu.url
    assert live_id.startswith("li")
    assert len(live["streamKey"]) == 36
    assert (live["name"], live["public"], live["broadcasting"], live["restreams"]) == (
        "Live",
        True,
        False,
        [RESTREAM],
    )
    assert live["assets"] == {
        "iframe": live["assets"]["iframe"],
        "player": f"{url}/live/{live_id}",
        "hls": f"{url}/live/{live_id}.m3u8",
        "thumbnail": f"{url}/live/{live_id}/thumbnail.jpg",
    }
    assert f'src="{url}/live/{live_id}"' in live["assets"]["iframe"]
    assert "playerId" not in live
    assert (await api.send("GET", f"/live-streams/{live_id}")).json == live


async def test_live_streams_are_updated_and_deleted(api):
    """Restreams are replaced as a whole, ``[]`` clears them (service.md#merge-rules)."""
    live = await create(api, restreams=[RESTREAM, RESTREAM], playerId="pl1")
    path = f"/live-streams/{live['liveStreamId']}"
    changed = (await api.send("PATCH", path, json={"restreams": [{**RESTREAM, "name": "x"}]})).json
    assert [restream["name"] for restream in changed["restreams"]] == ["x"]
    assert (changed["name"], changed["streamKey"], changed["playerId"]) == (
        "Live",
        live["streamKey"],
        "pl1",
    )
    reply = await api.send("PATCH", path, json={"restreams": [], "name": "y", "public": False})
    assert (reply.status, reply.json["restreams"], reply.json["name"], reply.json["public"]) == (
        200,
        [],
        "y",
        False,
    )
    assert (await api.send("DELETE", path)).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        gone = await api.send(method, path, json={})
        assert (gone.status, gone.json["name"]) == (404, "liveStreamId")


@pytest.mark.parametrize(
    ("restreams", "name", "detail"),
    [
        ([{**RESTREAM, "name": ""}], "restreams[0][name]", "This value should not be blank."),
        (
            [RESTREAM, {**RESTREAM, "name": None}],
            "restreams[1][name]",
            "This value should not be null.",
        ),
        (
            [{**RESTREAM, "serverUrl": "rtmp://example.test"}],
            "restreams[0][serverUrl]",
            "Missing app name: [rtmp|rtmps]://[host]/[app name].",
        ),
        (
            [{**RESTREAM, "serverUrl": "rtmps://example.test/"}],
            "restreams[0][serverUrl]",
            "Missing app name: [rtmp|rtmps]://[host]/[app name].",
        ),
        (
            [{**RESTREAM, "serverUrl": "https://example.test/app"}],
            "restreams[0][serverUrl]",
            "RTMP URL should have the following format: [rtmp|rtmps]://[host]/[app name].",
        ),
        (
            [{**RESTREAM, "serverUrl": 1}],
            "restreams[0][serverUrl]",
            "This value must be of type string.",
        ),
        ([RESTREAM] * 6, "restreams", "This collection should contain 5 elements or less."),
        (["rtmp://example.test/app"], "restreams[0]", "This value must be of type object."),
        ([{"name": "n", "serverUrl": "rtmp://h/a"}], "restreams[0][streamKey]", None),
    ],
)
async def test_refused_restreams(api, restreams, name, detail):
    """The documented details, at creation and at update (service.md#error-details)."""
    live = await create(api, restreams=[RESTREAM] * 5)
    for method, path in (
        ("POST", "/live-streams"),
        ("PATCH", f"/live-streams/{live['liveStreamId']}"),
    ):
        reply = await api.send(method, path, json={"name": "x", "restreams": restreams})
        assert (reply.status, reply.json["name"], reply.json.get("detail")) == (400, name, detail)
    assert (await api.send("POST", "/live-streams", json={})).slug == "attribute-required"


async def test_live_streams_are_filtered_and_sorted(api):
    made = {name: await create(api, name) for name in ("News b", "news A", "Other")}

    async def names(query: str) -> list[str]:
        return [
            live["name"] for live in (await api.send("GET", f"/live-streams?{query}")).json["data"]
        ]

    assert await names("") == ["Other", "news A", "News b"]
    assert await names("name=NEWS&sortBy=name") == ["news A", "News b"]
    assert await names(f"streamKey={made['Other']['streamKey']}") == ["Other"]
    assert await names("streamKey=x") == []
    assert await names("sortBy=createdAt&sortOrder=asc&pageSize=2") == ["News b", "news A"]
    await asyncio.sleep(0.01)
    await api.send("PATCH", f"/live-streams/{made['news A']['liveStreamId']}", json={})
    assert await names("sortBy=updatedAt&sortOrder=desc") == ["news A", "Other", "News b"]
    assert (
        await api.send("GET", "/live-streams?sortBy=publishedAt")
    ).slug == "request-invalid-query-parameter"


async def test_thumbnails_of_live_streams(api):
    """201 for the upload, 200 for the deletion, both with a body.

    See service.md#live-stream-operations.
    """
    live = await create(api)
    path = f"/live-streams/{live['liveStreamId']}/thumbnail"
    url = live["assets"]["thumbnail"]
    grey = await api.send("GET", url, auth=False)
    assert grey.headers["Content-Type"] == "image/png"
    reply = await api.post_form(path, api.file(PNG, "a.webp"))
    assert (reply.status, reply.json["liveStreamId"]) == (201, live["liveStreamId"])
    assert (await api.send("GET", url, auth=False)).body == PNG
    assert (
        await api.post_form(path, api.file(PNG, "a.gif"))
    ).slug == "uploaded-file-extension-invalid"
    reply = await api.send("DELETE", path)
    assert (reply.status, reply.json["liveStreamId"]) == (200, live["liveStreamId"])
    assert (await api.send("GET", url, auth=False)).body == grey.body
    for method in ("POST", "DELETE"):
        assert (await api.send(method, "/live-streams/li0/thumbnail")).json[
            "name"
        ] == "liveStreamId"


async def test_a_broadcast_becomes_a_video(api, content):
    """``complete`` is answered with 202 without a body. The recording names its live stream.

    See service.md#webhook-events, service.md#recordings.
    """
    live = await create(api, "Show")
    path, data = f"/live-streams/{live['liveStreamId']}", content(3000)
    assert (await api.send("GET", live["assets"]["hls"], auth=False)).status == 404
    await api.send("POST", f"/_emulator{path}/broadcast", auth=False, data=data)
    assert (await api.send("GET", path)).json["broadcasting"] is True
    assert b"on the air" in (await api.send("GET", live["assets"]["player"], auth=False)).body
    assert b"ENDLIST" not in (await api.send("GET", live["assets"]["hls"], auth=False)).body
    for _ in range(2):
        reply = await api.send("PUT", f"{path}/complete")
        assert (reply.status, reply.body) == (202, b"")
        assert "Content-Type" not in reply.headers
    await api.emu.settled()
    assert (await api.send("GET", path)).json["broadcasting"] is False
    assert b"ENDLIST" in (await api.send("GET", live["assets"]["hls"], auth=False)).body
    (video,) = (await api.send("GET", f"/videos?liveStreamId={live['liveStreamId']}")).json["data"]
    assert (video["title"], video["source"]["liveStream"]["liveStreamId"]) == (
        "Show",
        live["liveStreamId"],
    )
    assert (await api.send("GET", video["assets"]["mp4"], auth=False)).body == data
    assert (await api.status(video["videoId"]))["encoding"]["playable"]
    refused = await api.chunk(video["videoId"], content(10))
    assert refused.slug == "video-source-already-uploaded"
    types = [event["type"] for event in api.emu.events]
    assert types[:3] == [
        "live-stream.broadcast.started",
        "live-stream.broadcast.ended",
        "video.source.recorded",
    ]
    assert types[3:] == ["video.encoding.quality.completed"] * 5
    assert {event["liveStreamId"] for event in api.emu.events} == {live["liveStreamId"]}
    assert (await api.send("PUT", "/live-streams/li0/complete")).json["name"] == "liveStreamId"


async def test_an_empty_broadcast_is_recorded_too(api):
    live_id = (await create(api))["liveStreamId"]
    api.emu.start_broadcast(live_id)
    api.emu.start_broadcast(live_id, b"too late")
    await api.send("PUT", f"/live-streams/{live_id}/complete")
    await api.emu.settled()
    (video,) = (await api.send("GET", "/videos")).json["data"]
    assert api.emu.size(video["videoId"]) == 0
    assert [event["type"] for event in api.emu.events].count("live-stream.broadcast.started") == 1


async def test_assets_of_private_live_streams_need_their_token(api):
    live = await create(api, public=False)
    api.emu.start_broadcast(live["liveStreamId"])
    root = f"/live/{live['liveStreamId']}"
    for path in (root, f"{root}.m3u8", f"{root}/thumbnail.jpg"):
        assert (await api.send("GET", path, auth=False)).status == 404
    for asset in ("player", "hls", "thumbnail"):
        url = (await api.send("GET", f"/live-streams/{live['liveStreamId']}")).json["assets"][asset]
        assert [(await api.send("GET", url, auth=False)).status for _ in range(2)] == [200, 404]


def test_a_broadcast_from_another_thread():
    """Synchronous code controls an emulator that runs in its own thread."""
    with Emulator(webhook_pause=0).in_thread() as emulator:

        async def create() -> str:
            key = base64.b64encode(f"{emulator.api_key}:".encode()).decode()
            async with aiohttp.ClientSession(
                emulator.url, headers={"Authorization": f"Basic {key}"}
            ) as session:
                hook = {"url": emulator.url, "events": ["live-stream.broadcast.started"]}
                async with session.post("/webhooks", json=hook) as reply:
                    assert reply.status == 201
                async with session.post("/live-streams", json={"name": "x"}) as reply:
                    return (await reply.json())["liveStreamId"]

        live_id = asyncio.run(create())
        emulator.start_broadcast(live_id)
        with pytest.raises(RefusedError):
            emulator.start_broadcast("li0")
        asyncio.run(emulator.settled())
        assert [delivery.answers for delivery in emulator.deliveries] == [[405] * 4], (
            "the overview page does not accept POST"
        )
