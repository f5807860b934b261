"""What the dashboard of the emulator receives. tests/slow has the same in a browser."""

import asyncio
import json
from typing import Any

import pytest

from apivideo_async.emulator import Emulator, Fault
from tests.emulator.conftest import Api

CHUNK = 1000


async def state(api: Api) -> Any:
    return (await api.send("GET", "/_emulator/state", auth=False)).json


async def cells(api: Api, video: str) -> Any:
    reply = await api.send("GET", f"/_emulator/videos/{video}/chunks", auth=False)
    return reply.json


@pytest.fixture
async def small(start: Any) -> Api:
    """An emulator with small chunks and limits."""
    return await start(min_chunk=CHUNK, rate_limits={"writes": 5})


async def test_the_page_and_its_files_need_no_other_server(api: Api) -> None:
    page = await api.send("GET", "/", auth=False)
    text = page.body.decode()
    assert api.emu.url in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "http" not in text.replace(api.emu.url, "")
    assert "chunks-in-order" in text
    assert "reset-during" in text
    for name, kind in (("dashboard.js", "text/javascript"), ("dashboard.css", "text/css")):
        assert f"/_emulator/files/{name}" in text
        file = await api.send("GET", f"/_emulator/files/{name}", auth=False)
        assert file.headers["Content-Type"].startswith(kind)
    assert (await api.send("GET", "/_emulator/files/other.js", auth=False)).status == 404


async def test_videos_are_shown_with_their_state(small: Api) -> None:
    empty = await small.create("<b>one</b>")
    private = await small.create("two", public=False, tags=["a"])
    await small.chunk(private, bytes(CHUNK), f"bytes 0-{CHUNK - 1}/{3 * CHUNK}")
    rows = {row["id"]: row for row in (await state(small))["videos"]}
    assert (rows[empty]["title"], rows[empty]["state"]) == ("<b>one</b>", "empty")
    assert rows[private]["state"] == "uploading"
    assert (rows[private]["size"], rows[private]["total"]) == (CHUNK, 3 * CHUNK)
    assert (rows[private]["public"], rows[private]["tags"]) == (False, ["a"])
    await small.chunk(empty, b"whole")
    row = next(row for row in (await state(small))["videos"] if row["id"] == empty)
    assert (row["state"], row["encoded"], row["size"]) == ("ready", 1.0, 5)


async def test_a_private_player_gets_a_new_token(api: Api) -> None:
    video = await api.create("two", public=False)
    await api.chunk(video, b"x")
    for _ in range(2):
        path = f"/_emulator/videos/{video}/player"
        reply = await api.send("GET", path, auth=False, allow_redirects=False)
        player = await api.send("GET", reply.headers["Location"], auth=False)
        assert (reply.status, player.status) == (302, 200)
    picture = await api.send("GET", f"/_emulator/videos/{video}/thumbnail", auth=False)
    assert picture.headers["Content-Type"] == "image/png"
    missing = await api.send("GET", "/_emulator/videos/viNone/player", auth=False)
    assert missing.status == 404


async def test_the_chunk_map_shows_each_attempt(small: Api) -> None:
    video = await small.create()
    total = 3 * CHUNK
    assert (await cells(small, video))["cells"] == []
    small.emu.faults.add(Fault("videos.upload", "status", status=503))
    third = f"bytes {2 * CHUNK}-{total - 1}/{total}"
    await small.chunk(video, bytes(CHUNK), third)
    await small.chunk(video, bytes(CHUNK), third)
    await small.chunk(video, bytes(CHUNK - 1), f"bytes 0-{CHUNK - 2}/{total}")
    shown = await cells(small, video)
    assert (shown["unit"], shown["total"]) == ("bytes", total)
    refused, received = shown["cells"]
    assert (refused["from"], refused["to"], refused["state"]) == (0, CHUNK - 1, "refused")
    assert (received["from"], received["state"], received["fill"]) == (2 * CHUNK, "received", 1.0)
    first, second = received["attempts"]
    assert (first["state"], first["status"], first["fault"]) == ("refused", 503, "status")
    assert (second["state"], second["status"], second["bytes"] > CHUNK) == ("received", 201, True)


async def test_parts_and_whole_files_have_maps_too(small: Api) -> None:
    parts, whole = await small.create(), await small.create()
    await small.chunk(parts, bytes(CHUNK), "part 2/*")
    await small.chunk(whole, b"x")
    shown = await cells(small, parts)
    assert (shown["unit"], shown["total"]) == ("parts", None)
    assert [(cell["from"], cell["to"]) for cell in shown["cells"]] == [(1, 2)]
    shown = await cells(small, whole)
    assert (shown["unit"], shown["total"], shown["cells"][0]["state"]) == ("file", 1, "received")


async def test_a_chunk_that_arrives_is_shown_in_proportion(small: Api) -> None:
    video = await small.create()
    half = asyncio.Event()

    async def body() -> Any:
        yield small.form(small.file(bytes(CHUNK)))[: CHUNK // 2]
        half.set()
        await asyncio.sleep(60)

    headers = {**small.multipart, "Content-Range": f"bytes 0-{CHUNK - 1}/{2 * CHUNK}"}
    path = f"/videos/{video}/source"
    task = asyncio.create_task(small.send("POST", path, data=body(), headers=headers))
    async with asyncio.timeout(30):
        await half.wait()
        while not (shown := (await cells(small, video))["cells"]):
            await asyncio.sleep(0.01)
    assert shown[0]["state"] == "arriving"
    assert shown[0]["attempts"][0]["seconds"] is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(30):
        while (await cells(small, video))["cells"][0]["state"] != "lost":
            await asyncio.sleep(0.01)


async def test_limits_show_what_is_left(small: Api) -> None:
    for _ in range(6):
        await small.send("POST", "/upload-tokens", json={})
    limits = {row["class"]: row for row in (await state(small))["limits"]}
    writes = limits["writes"]
    assert (writes["limit"], writes["remaining"], writes["refused"]) == (5, 0, 1)
    assert 0 < writes["resets_in"] <= 60
    assert (limits["reads"]["limit"], limits["reads"]["remaining"]) == (None, None)


async def test_details_of_a_request_contain_no_secret(api: Api) -> None:
    key = api.emu.api_key
    answer = await api.send("POST", "/auth/api-key", json={"apiKey": key}, auth=False)
    token = await api.token()
    video = await api.create("private", public=False)
    await api.send("GET", f"/videos/{video}?token={token}")
    texts = []
    for record in api.emu.requests:
        path = f"/_emulator/requests/{record.number}"
        texts.append((await api.send("GET", path, auth=False)).body.decode())
    shown = json.loads(texts[0])
    assert json.loads(shown["body"]) == {"apiKey": "***"}
    assert shown["curl"].startswith("curl -X POST ")
    assert "Authorization: Bearer $ACCESS_TOKEN" in json.loads(texts[1])["curl"]
    tokens = [
        answer.json["access_token"],
        answer.json["refresh_token"],
        token,
        *api.emu.state.private_sessions._tokens,
    ]
    for secret in (key, *tokens, api.auth["Authorization"]):
        assert not any(secret in text for text in texts)
    assert "/token/***" in json.loads(texts[-1])["response_body"]
    missing = await api.send("GET", "/_emulator/requests/99", auth=False)
    assert missing.status == 404


async def events(api: Api, count: int, act: Any) -> list[Any]:
    """Receive messages; ``act`` is called after the first one."""
    found: list[Any] = []
    async with asyncio.timeout(30), api.session.get(f"{api.emu.url}/_emulator/updates") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        while len(found) < count:
            line = await stream.content.readuntil(b"\n\n")
            found.append(json.loads(line.removeprefix(b"data: ")))
            if len(found) == 1:
                await act()
    return found


async def test_a_change_is_sent_once(small: Api) -> None:
    old = await small.create("old")

    async def act() -> None:
        await small.send("DELETE", f"/videos/{old}")
        await small.create("new")
        await small.send("PUT", "/_emulator/quirks", json={"problem-json": True}, auth=False)

    first, *rest = await events(small, 2, act)
    assert [row["title"] for row in first["videos"]] == ["old"]
    assert first["quirks"] == {}
    merged = {name: value for message in rest for name, value in message.items()}
    assert [row["title"] for row in merged["videos"]] == ["new"]
    assert merged["gone"] == [old]
    assert merged["quirks"] == {"problem-json": True}
    assert [row["operation"] for row in merged["requests"]] == ["videos.delete", "videos.create"]
    assert "faults" not in merged


async def test_samples_can_be_played_and_a_reset_removes_everything(api: Api) -> None:
    await api.send("POST", "/_emulator/seed", auth=False)
    shown = await state(api)
    assert {row["state"] for row in shown["videos"]} == {"ready"}
    assert {"captions", "chapters"} <= shown["videos"][0].keys()
    assert (len(shown["live"]), shown["counts"]["plays"]) == (1, 12 * len(shown["videos"]))
    media = await api.send("GET", f"/vod/{shown['videos'][0]['id']}/hls/media.mp4", auth=False)
    assert media.body[4:8] == b"ftyp"
    api.emu.faults.add(Fault("*", "delay"))
    api.emu.quirks.add("problem-json")
    await api.send("GET", "/videos")
    assert (await api.send("POST", "/_emulator/reset", auth=False)).status == 204
    shown = await state(api)
    assert "videos" not in shown
    assert "requests" not in shown
    assert (shown["faults"], shown["quirks"]) == ([], {})
    assert set(shown["counts"].values()) == {0}
    assert not any(api.directory.iterdir())


async def test_another_page_may_not_use_it(api: Api) -> None:
    for path in ("/", "/_emulator/updates", "/_emulator/state"):
        headers = {"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site"}
        assert (await api.send("GET", path, auth=False, headers=headers)).status == 403


async def test_an_emulator_with_an_open_dashboard_stops() -> None:
    async with Emulator() as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(b"GET /_emulator/updates HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"data: ")
    writer.close()
