"""Faults that a test adds, in the process and over the control API."""

import asyncio
import time

import aiohttp
import attrs
import pytest

from apivideo_async.emulator import Fault, FaultList
from apivideo_async.emulator.faults.actions import ACTIONS


async def test_drop_response_executes(api):
    """The request is executed, and its response is lost."""
    api.emu.faults.add(Fault("videos.create", "drop-response"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.send("POST", "/videos", json={"title": "x"})
    assert len((await api.send("GET", "/videos")).json["data"]) == 1
    record = api.emu.requests[0]
    assert (record.status, record.fault, record.operation) == (
        None,
        "drop-response",
        "videos.create",
    )
    assert record.video_id is not None


async def test_drop_response_of_the_second_chunk(api, content):
    api.emu.faults.add(Fault("videos.upload", "drop-response", nth=2))
    video_id = await api.create()
    assert (await api.chunk(video_id, content(2000), "part 1/3")).status == 201
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.chunk(video_id, content(2000), "part 2/3")
    assert (await api.status(video_id))["ingest"]["receivedParts"]["parts"] == [1, 2]
    assert (await api.chunk(video_id, content(2000), "part 3/3")).status == 201


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (None, "application/json", b""),
        (
            {"status": 500, "title": "Server error"},
            "application/json",
            b'{"status": 500, "title": "Server error"}',
        ),
        ("<html>Bad gateway</html>", "text/html", b"<html>Bad gateway</html>"),
        (b"\xff\x00", "application/octet-stream", b"\xff\x00"),
    ],
)
async def test_status_does_not_execute(api, body, content_type, expected):
    api.emu.faults.add(
        Fault(
            "*",
            "status",
            status=502,
            body=body,
            content_type=content_type,
            headers={"Retry-After": "3"},
        )
    )
    reply = await api.send("POST", "/videos", json={"title": "x"})
    assert (reply.status, reply.body) == (502, expected)
    assert reply.headers.get("Content-Type") == (content_type if expected else None)
    assert reply.headers["Retry-After"] == "3"
    assert (await api.send("GET", "/videos")).json["data"] == []


async def test_status_reads_the_whole_body(api, content):
    """The connection can be used for the next request."""
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "status", status=503))
    assert (await api.chunk(video_id, content(60_000))).status == 503
    assert api.emu.requests[-1].body_bytes > 60_000
    assert (await api.chunk(video_id, content(60_000))).status == 201


@pytest.mark.parametrize("action", ["reset-before", "reset-during"])
async def test_resets_store_nothing(api, content, action):
    big = await api.again(max_chunk=20_000_000)
    video_id = await big.create()
    big.emu.faults.add(Fault("videos.upload", action, after_bytes=100_000))
    with pytest.raises(aiohttp.ClientError):
        await big.chunk(video_id, content(10_000_000), "part 1/2")
    record = big.emu.requests[-1]
    assert record.status is None
    assert (
        (100_000 <= record.body_bytes < 10_000_000)
        if action == "reset-during"
        else record.body_bytes == 0
    )
    assert (await big.status(video_id))["ingest"] is None
    assert (await big.chunk(video_id, content(10_000), "part 1/2")).status == 201


async def test_delay_executes_first(api):
    api.emu.faults.add(Fault("videos.create", "delay", seconds=0.2))
    started = time.monotonic()
    pending = asyncio.create_task(api.send("POST", "/videos", json={"title": "x"}))
    await asyncio.sleep(0.1)
    assert len((await api.send("GET", "/videos")).json["data"]) == 1
    assert (await pending).status == 201
    assert time.monotonic() - started >= 0.2


async def test_reject_early_responds_before_the_body(api):
    """The response arrives before the body was sent; then the connection is closed."""
    video_id = await api.create()
    api.emu.faults.add(Fault("videos.upload", "reject-early", status=413, body={"status": 413}))
    reader, writer = await asyncio.open_connection(api.emu.host, api.emu.port)
    writer.write(
        f"POST /videos/{video_id}/source HTTP/1.1\r\n"
        "Host: localhost\r\nContent-Length: 1000000\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in head.lower()
    assert body == b'{"status": 413}'
    assert api.emu.requests[-1].status == 413


async def test_expire_tokens(api):
    pair = (await api.send("POST", "/auth/api-key", json={"apiKey": api.emu.api_key})).json
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert (await api.send("GET", "/videos", headers=headers)).status == 200
    api.emu.faults.add(Fault("videos.list", "expire-tokens"))
    assert (
        await api.send("GET", "/videos", headers=headers)
    ).slug == "authentication-invalid-access-token"
    renewed = (
        await api.send("POST", "/auth/refresh", json={"refreshToken": pair["refresh_token"]})
    ).json
    headers = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert (await api.send("GET", "/videos", headers=headers)).status == 200


async def test_only_the_named_operation(api, content):
    api.emu.faults.add(Fault("videos.get_status", "status", status=500, times=None))
    video_id = await api.create()
    for _ in range(3):
        assert (await api.send("GET", f"/videos/{video_id}/status")).status == 500
    assert (await api.send("GET", f"/videos/{video_id}")).status == 200
    api.emu.faults.clear()
    assert (await api.send("GET", f"/videos/{video_id}/status")).status == 200


def fired(faults: FaultList, operations: list[str]) -> list[bool]:
    return [faults.due(operation) is not None for operation in operations]


def test_counting():
    """``nth`` is the first request that may fail, ``times`` how often; the first due rule fires."""
    faults = FaultList()
    faults.add(Fault("a", "status", nth=2, times=2))
    assert fired(faults, ["a", "b", "a", "a", "a"]) == [False, False, True, True, False]
    faults.clear()
    first, second = Fault("a", "status"), Fault("*", "delay")
    faults.add(first, second)
    assert [faults.due("a"), faults.due("a"), faults.due("a")] == [first, second, None]
    assert (second.seen, second.fired, len(faults)) == (3, 1, 2)


def test_probability_is_repeatable():
    def run(seed: int) -> list[bool]:
        faults = FaultList(seed)
        faults.add(Fault("*", "status", probability=0.5, times=None))
        return fired(faults, ["a"] * 50)

    assert run(1) == run(1) != run(2)
    assert 10 < sum(run(1)) < 40


def test_unknown_action():
    with pytest.raises(ValueError, match="unknown fault action"):
        Fault("*", "explode")


def test_the_parameters_of_actions_are_attributes_of_a_fault():
    names = {attribute.name for attribute in attrs.fields(Fault)}
    assert {name for action in ACTIONS.values() for name in action.parameters} <= names


async def test_control_api(api):
    """Other processes add faults without credentials; their requests are not logged."""
    assert (await api.send("GET", "/_emulator/health", auth=False)).json == {
        "status": "ok",
        "videos": 0,
    }
    rules = [{"operation": "videos.list", "action": "status", "status": 500}]
    added = await api.send("POST", "/_emulator/faults", json=rules, auth=False)
    assert (added.status, added.json) == (201, {"faults": 1})
    assert (await api.send("GET", "/videos")).status == 500
    listed = (await api.send("GET", "/_emulator/faults", auth=False)).json
    assert (listed[0]["seen"], listed[0]["fired"]) == (1, 1)
    assert (await api.send("DELETE", "/_emulator/faults", auth=False)).status == 204
    assert (await api.send("GET", "/_emulator/faults", auth=False)).json == []
    for wrong in (
        [{"operation": "*", "action": "x"}],
        [{"nonsense": 1}],
        [5],
        5,
        [{"operation": "*"}],
    ):
        reply = await api.send("POST", "/_emulator/faults", json=wrong, auth=False)
        assert (reply.status, reply.slug) == (400, "invalid-payload")
    assert (await api.send("POST", "/_emulator/faults", data=b"{", auth=False)).status == 400
    await api.send("GET", "/videos?title=%C3%A9&token=secret")
    log = (await api.send("GET", "/_emulator/requests", auth=False)).json
    assert [record["operation"] for record in log] == ["videos.list", "videos.list"]
    assert (log[0]["number"], log[0]["status"], log[0]["fault"]) == (1, 500, "status")
    assert (log[1]["query"], log[1]["status"]) == ("title=%C3%A9&token=***", 200)
    assert (await api.send("DELETE", "/_emulator/requests", auth=False)).status == 204
    assert api.emu.requests == []


async def test_a_fault_that_can_never_occur_is_refused(api):
    for operation, meant in (("videos.uplaod", "videos.upload"), ("upload", "videos.upload")):
        with pytest.raises(ValueError, match=f"did you mean .*{meant}"):
            api.emu.faults.add(Fault(operation, "drop-response"))
    with pytest.raises(ValueError, match=r"is named 'x', so the fault would never occur \("):
        api.emu.faults.add(Fault("*", "status"), Fault("x", "status"))
    assert len(api.emu.faults) == 0
    given = ({"nth": 0}, {"times": 0}, {"probability": 2}, {"status": "503"}, {"status": 99})
    for values in given:
        with pytest.raises(ValueError, match=f"{next(iter(values))} of a fault is"):
            Fault("*", "status", **values)
    path = "/_emulator/faults"
    answer = await api.send("POST", path, json={"operation": "x", "action": "html"})
    assert (answer.status, "would never occur" in answer.json["detail"]) == (400, True)
    answer = await api.send("POST", path, json=["status"])
    assert (answer.status, "a fault is an object" in answer.json["detail"]) == (400, True)


async def test_one_fault_can_be_added_without_an_array(api):
    fault = {"operation": "videos.list", "action": "status", "status": 503}
    answer = await api.send("POST", "/_emulator/faults", json=fault)
    assert (answer.status, answer.json) == (201, {"faults": 1})
