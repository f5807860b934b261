"""Faults of the network, the response and the clock: their effects on the wire and on the state.

A connection is cut during POST requests here: aiohttp repeats a lost GET once, by itself.
"""

import asyncio
import time

import aiohttp
import pytest

from apivideo_async.emulator import Emulator, Fault

CREATION = {"title": "x"}


async def titles(api):
    return [item["title"] for item in (await api.send("GET", "/videos")).json["data"]]


@pytest.mark.parametrize(
    ("retry_after", "limit", "shown"),
    [(2, "200", "2"), (0.25, "200", "0.250"), (None, None, None)],
)
async def test_rate_limit_refuses_with_or_without_headers(api, retry_after, limit, shown):
    api.emu.faults.add(Fault("videos.create", "rate-limit", retry_after=retry_after))
    reply = await api.send("POST", "/videos", json=CREATION)
    assert (reply.status, reply.slug) == (429, "too-many-requests")
    assert reply.headers.get("X-RateLimit-Limit") == limit
    assert reply.headers.get("X-RateLimit-Remaining") == (None if retry_after is None else "0")
    assert reply.headers.get("X-RateLimit-Retry-After") == shown
    assert await titles(api) == []


async def test_rate_limit_shows_the_limit_that_is_set(start):
    api = await start(rate_limits={"writes": 7})
    api.emu.faults.add(Fault("*", "rate-limit", times=2))
    assert (await api.send("POST", "/videos", json=CREATION)).headers["X-RateLimit-Limit"] == "7"
    assert (await api.send("GET", "/videos")).headers["X-RateLimit-Limit"] == "500", (
        "no limit set: the service's"
    )


async def test_rate_limit_reads_the_body_first(api, content):
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "rate-limit"))
    assert (await api.chunk(video_id, content(60_000))).status == 429
    assert api.emu.requests[-1].body_bytes > 60_000
    assert (await api.chunk(video_id, content(60_000))).status == 201


async def test_reset_after_reads_everything_and_stores_nothing(api, content):
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "reset-after"))
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await api.chunk(video_id, content(60_000), "part 1/2")
    record = api.emu.requests[-1]
    assert record.body_bytes > 60_000
    assert (record.status, record.fault) == (None, "reset-after")
    assert (await api.status(video_id))["ingest"] is None


async def test_stall_goes_on(api, content):
    video_id, data = await api.create(), content(60_000)
    api.emu.faults.add(Fault("videos.upload", "stall", after_bytes=1, seconds=0.2))
    started = time.monotonic()
    assert (await api.chunk(video_id, data)).status == 201
    assert time.monotonic() - started >= 0.2
    assert api.emu.size(video_id) == 60_000


async def test_a_stalled_body_is_not_read(start, content):
    """The server reads no more than its buffers hold, and the sender waits."""
    api = await start(max_chunk=64_000_000)
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "stall", after_bytes=100_000, seconds=1.5))
    pending = asyncio.create_task(api.chunk(video_id, content(32_000_000)))
    async with asyncio.timeout(60):
        while api.emu.requests[-1].body_bytes < 100_000:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert 100_000 <= api.emu.requests[-1].body_bytes < 2_000_000
    assert (await pending).status == 201
    assert api.emu.size(video_id) == 32_000_000


async def test_stall_resets(api, content):
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "stall", seconds=0.1, resets=True))
    with pytest.raises(aiohttp.ClientError):
        await api.chunk(video_id, content(60_000), "part 1/2")
    assert api.emu.requests[-1].body_bytes == 0
    assert (await api.status(video_id))["ingest"] is None


@pytest.mark.parametrize("resets", [False, True])
async def test_stall_of_a_request_without_a_form_comes_before_it(api, resets):
    api.emu.faults.add(Fault("videos.create", "stall", seconds=0.8, resets=resets))
    pending = asyncio.create_task(api.send("POST", "/videos", json=CREATION))
    await asyncio.sleep(0.05)
    assert await titles(api) == []
    if resets:
        with pytest.raises(aiohttp.ClientError):
            await pending
    else:
        assert (await pending).status == 201


async def test_a_client_may_leave_a_stalled_request(api, content):
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "stall", seconds=0.1))
    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(0.05):
            await api.chunk(video_id, content(10_000_000), "part 1/2")
    await asyncio.sleep(0.1)
    assert api.emu.requests[-1].status is None
    assert (await api.status(video_id))["ingest"] is None


async def test_truncate_announces_more_than_it_sends(api):
    api.emu.faults.add(Fault("videos.create", "truncate"))
    async with api.session.post(
        f"{api.emu.url}/videos", json=CREATION, headers=api.auth
    ) as response:
        assert response.status == 201
        announced = int(response.headers["Content-Length"])
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert await titles(api) == ["x"]
    whole = await api.send("POST", "/videos", json=CREATION)
    assert announced == len(whole.body)


async def test_truncate_sends_half(api):
    api.emu.faults.add(Fault("videos.list", "truncate"))
    reader, writer = await asyncio.open_connection(api.emu.host, api.emu.port)
    writer.write(
        "GET /videos HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {api.auth['Authorization']}\r\n\r\n".encode()
    )
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert body.startswith(b'{"data"')
    assert len(body) == length // 2


async def test_trickle_sends_the_body_byte_by_byte(api):
    api.emu.faults.add(Fault("videos.create", "trickle", seconds=0.3))
    started = time.monotonic()
    async with api.session.post(
        f"{api.emu.url}/videos", json=CREATION, headers=api.auth
    ) as response:
        assert response.status == 201
        assert not response.content.is_eof(), "the head comes before the body is complete"
        pieces = [piece async for piece in response.content.iter_any()]
    assert time.monotonic() - started >= 0.3
    assert len(pieces) > 10
    assert b"".join(pieces).startswith(b'{"videoId"')
    assert await titles(api) == ["x"]


async def test_a_client_may_leave_a_trickle(api):
    api.emu.faults.add(Fault("videos.create", "trickle", seconds=0.2))
    async with api.session.post(
        f"{api.emu.url}/videos", json=CREATION, headers=api.auth
    ) as response:
        assert response.status == 201
    await asyncio.sleep(0.2)
    assert await titles(api) == ["x"]


@pytest.mark.parametrize("action", ["truncate", "trickle", "html"])
async def test_damage_to_an_answer_without_a_body(api, action):
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.delete", action))
    assert (await api.send("DELETE", f"/videos/{video_id}")).status == 204
    assert await titles(api) == []


@pytest.mark.parametrize("action", ["truncate", "trickle", "html", "duplicate"])
async def test_media_on_its_way_stays_as_it_is(api, content, action):
    video_id, data = await api.create(), content(2_000)
    await api.chunk(video_id, data)
    url = (await api.send("GET", f"/videos/{video_id}")).json["assets"]["mp4"]
    api.emu.faults.add(Fault("*", action))
    assert (await api.send("GET", url, auth=False)).body == data


async def test_html_takes_the_place_of_a_good_answer(api):
    api.emu.faults.add(Fault("videos.create", "html"))
    reply = await api.send("POST", "/videos", json=CREATION)
    assert (reply.status, reply.headers["Content-Type"]) == (201, "text/html")
    assert reply.body.startswith(b"<!doctype html>")
    assert await titles(api) == ["x"]


async def test_html_may_be_anything_else(api):
    api.emu.faults.add(
        Fault("*", "html", body="[", content_type="application/json", headers={"Via": "proxy"})
    )
    reply = await api.send("POST", "/videos", json=CREATION)
    assert (reply.status, reply.body, reply.headers["Via"]) == (201, b"[", "proxy")
    api.emu.faults.add(Fault("*", "html"))
    assert (await api.send("GET", "/videos/none")).slug == "resource-not-found", (
        "a refusal stays as it is"
    )


@pytest.mark.parametrize(
    ("sent", "slug"),
    [
        ("part 1/2", "video-content-range-by-part-part-already-sent"),
        ("bytes 0-1999/4000", "video-content-range-by-bytes-range-overlap"),
        (None, "video-source-already-uploaded"),
    ],
)
async def test_duplicate_delivers_a_chunk_twice(api, content, sent, slug):
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "duplicate"))
    reply = await api.chunk(video_id, content(2_000), sent)
    assert (reply.status, reply.slug) == (400, slug)
    assert api.emu.size(video_id) == 2_000
    assert 2_000 < api.emu.requests[-1].body_bytes < 3_000, "it was sent once"


async def test_duplicate_of_the_first_request_of_a_token_makes_two_videos(api, content):
    token, data = await api.token(), content(30_000)
    api.emu.faults.add(Fault("videos.upload_with_token", "duplicate"))
    reply = await api.post_form(f"/upload?token={token}", api.file(data), auth=False)
    assert reply.status == 201
    listed = [item["videoId"] for item in (await api.send("GET", "/videos")).json["data"]]
    assert len(listed) == 2
    assert reply.json["videoId"] in listed
    assert [b"".join(api.emu.state.videos[video_id].media.read()) for video_id in listed] == [
        data,
        data,
    ]


async def test_duplicate_of_json(api):
    api.emu.faults.add(Fault("videos.create", "duplicate"))
    second = (await api.send("POST", "/videos", json=CREATION)).json["videoId"]
    listed = [item["videoId"] for item in (await api.send("GET", "/videos")).json["data"]]
    assert len(listed) == 2
    assert second in listed


async def test_refuse_closes_the_port_and_opens_it_again(api):
    port = api.emu.port
    assert (await api.send("GET", "/videos")).status == 200
    api.emu.faults.add(Fault("videos.create", "refuse", seconds=0.3))
    started = time.monotonic()
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await api.send("POST", "/videos", json=CREATION)
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await api.send("GET", "/videos")
    assert isinstance(caught.value.os_error, ConnectionRefusedError)
    while True:
        try:
            assert (await api.send("GET", "/videos")).status == 200
            break
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.02)
    assert time.monotonic() - started >= 0.3
    assert api.emu.port == port


async def test_refuse_cuts_the_others_too(api, content):
    api.emu.faults.add(
        Fault("videos.create", "delay", seconds=5),
        Fault("videos.create", "refuse", nth=2, seconds=0.1),
    )
    waiting = asyncio.create_task(api.send("POST", "/videos", json=CREATION))
    await asyncio.sleep(0.05)
    with pytest.raises(aiohttp.ClientError):
        await api.send("POST", "/videos", json=CREATION)
    with pytest.raises(aiohttp.ClientError):
        async with asyncio.timeout(60):
            await waiting


async def test_a_port_that_is_shut_cannot_be_shut_again(api):
    await api.emu.state.listener.refuse(0.1)
    await api.emu.state.listener.refuse(9)
    await asyncio.sleep(0.2)
    assert (await api.send("GET", "/videos")).status == 200


async def test_an_emulator_may_stop_while_it_refuses():
    async with Emulator(host="::1") as emu, aiohttp.ClientSession() as session:
        emu.faults.add(Fault("*", "refuse", seconds=60))
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"{emu.url}/videos")
        port = emu.port
    async with Emulator(host="::1", port=port) as again, aiohttp.ClientSession() as session:
        assert (await session.get(f"{again.url}/videos")).status == 401


async def test_clock_jump_ends_tokens_early(api):
    pair = (await api.send("POST", "/auth/api-key", json={"apiKey": api.emu.api_key})).json
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    mortal, eternal = await api.token(ttl=1_000), await api.token()
    api.emu.faults.add(Fault("videos.list", "clock-jump", seconds=999))
    assert (await api.send("GET", "/videos", headers=headers)).status == 200
    api.emu.faults.add(Fault("videos.list", "clock-jump", seconds=3_000))
    assert (
        await api.send("GET", "/videos", headers=headers)
    ).slug == "authentication-invalid-access-token"
    renewed = (
        await api.send("POST", "/auth/refresh", json={"refreshToken": pair["refresh_token"]})
    ).json
    headers = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert (await api.send("GET", "/videos", headers=headers)).status == 200
    reply = await api.send("POST", f"/upload?token={mortal}", auth=False)
    assert reply.slug == "authentication-invalid-upload-token"
    assert (
        await api.send("POST", f"/upload?token={eternal}", auth=False)
    ).slug == "uploaded-file-no-file"
    fresh = await api.token(ttl=10)
    assert (await api.send("GET", f"/upload-tokens/{fresh}")).status == 200, "made after the jump"


async def test_the_new_parameters_come_over_the_control_api(api):
    rules = [
        {"operation": "videos.list", "action": "rate-limit", "retry_after": None},
        {"operation": "videos.create", "action": "stall", "resets": True},
    ]
    assert (await api.send("POST", "/_emulator/faults", json=rules, auth=False)).json == {
        "faults": 2
    }
    reply = await api.send("GET", "/videos")
    assert (reply.status, "X-RateLimit-Limit" in reply.headers) == (429, False)
    with pytest.raises(aiohttp.ClientError):
        await api.send("POST", "/videos", json=CREATION)
