"""Fixed windows per class, three headers, a 429 that executes nothing (service.md#rate-limits)."""

import time

import pytest

from apivideo_async.emulator.rules.rate_windows import UNREACHED
from apivideo_async.emulator.state.state import State

NAMES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Retry-After")


def numbers(reply) -> tuple[int, int]:
    return int(reply.headers[NAMES[0]]), int(reply.headers[NAMES[1]])


async def test_off_sends_the_headers_of_a_limit_that_is_never_reached(api):
    """Responses of the service always have the headers, also for a plan without limits."""
    reply = await api.send("GET", "/videos")
    assert numbers(reply) == (UNREACHED, UNREACHED - 1)
    assert 59 <= int(reply.headers[NAMES[2]]) <= 60


async def test_each_class_has_its_own_budget(start, content):
    api = await start(rate_limits={"uploads": 2, "writes": 3, "reads": 4}, rate_window=30)
    first = await api.send("POST", "/videos", json={"title": "x"})
    assert numbers(first) == (3, 2)
    assert 29 <= int(first.headers[NAMES[2]]) <= 30
    video_id = first.json["videoId"]
    assert numbers(await api.chunk(video_id, content(2000), "part 1/9")) == (2, 1)
    token = (await api.send("POST", "/upload-tokens", json={})).json["token"]
    delegated = await api.post_form(
        f"/upload?token={token}", api.file(b"x"), content_range="part 1/1"
    )
    assert numbers(delegated) == (2, 0)
    assert numbers(await api.send("GET", "/videos/vi0")) == (
        4,
        3,
    )  # errors count and have headers too
    assert numbers(await api.send("GET", "/videos", auth=False)) == (4, 2)
    assert numbers(await api.send("GET", "/nothing")) == (4, 1)
    assert numbers(await api.send("DELETE", "/nothing")) == (3, 0)


async def test_429_executes_nothing(start, content, monkeypatch):
    later = 0.0
    monkeypatch.setattr(State, "now", property(lambda state: time.monotonic() + later))
    api = await start(rate_limits={"uploads": 1, "writes": 1, "reads": 10}, rate_window=9)
    video_id = await api.create()
    refused = await api.send("POST", "/videos", json={"title": "y"})
    assert refused.status == 429
    assert refused.json == {
        "type": "https://docs.api.video/reference/too-many-requests",
        "title": "Too many requests.",
        "status": 429,
    }
    assert refused.headers["Content-Type"] == "application/json"
    assert numbers(refused) == (1, 0)
    await api.chunk(video_id, content(2000), "part 1/2")
    assert (await api.chunk(video_id, content(50_000), "part 2/2")).status == 429
    assert (await api.status(video_id))["ingest"]["receivedParts"]["parts"] == [1]
    assert len((await api.send("GET", "/videos")).json["data"]) == 1
    wait = (await api.send("POST", "/videos", json={"title": "y"})).headers[NAMES[2]]
    assert len(wait.partition(".")[2]) == 3
    later = float(wait)
    assert (await api.send("POST", "/videos", json={"title": "y"})).status == 201


async def test_operations_without_a_limit(start):
    """/auth/*, assets, preflights and the control API have no headers and no limit."""
    api = await start(rate_limits={"uploads": 1, "writes": 1, "reads": 1})
    video_id = await api.create()
    for _ in range(3):
        for method, path, options in (
            ("POST", "/auth/api-key", {"json": {"apiKey": api.emu.api_key}}),
            ("GET", f"/vod/{video_id}/player", {}),
            ("OPTIONS", "/videos", {}),
            ("GET", "/_emulator/health", {}),
        ):
            reply = await api.send(method, path, **options)
            assert reply.status in {200, 204}
            assert not [name for name in NAMES if name in reply.headers]


@pytest.mark.parametrize(("name", "uploads"), [("sandbox", 40), ("production", 100)])
async def test_presets(start, name, uploads):
    api = await start(rate_limits=name)
    reply = await api.post_form("/upload", api.file(b"x"))
    assert (reply.status, numbers(reply)) == (401, (uploads, uploads - 1))
    assert int(reply.headers[NAMES[2]]) == 60
