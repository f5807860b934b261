"""The request budget with many requests at once: never overrun, shared, and polls come last.

Whether every window is used up depends on the speed of the machine. That is tested in virtual time
by tests/unit/test_shared_budget.py.
"""

import asyncio
from collections import Counter
from typing import Any

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator, Fault, RequestRecord
from apivideo_async.rate_limit import window as rate_limit
from tests.client.test_uploads import uploads
from tests.conftest import CHUNK, QUICK, data_of, options, sha256

WINDOW = 0.4
LIMIT = 20
"""More than may start before the limit is known."""


def limited(uploads: int = LIMIT, reads: int = 1_000, window: float = WINDOW) -> dict[str, Any]:
    return {
        "rate_limits": {"uploads": uploads, "writes": 1_000, "reads": reads},
        "rate_window": window,
    }


def windows(records: list[RequestRecord]) -> list[int]:
    """Count the requests of each window. A window begins with the first request after the last."""
    counts: list[int] = []
    ends = 0.0
    for record in records:
        if record.started >= ends:
            counts.append(0)
            ends = record.started + WINDOW
        counts[-1] += 1
    return counts


async def several_uploads(client: ApiVideoClient, emu: Emulator) -> None:
    """Five uploads of twelve chunks each, at once."""
    files = [data_of(12 * CHUNK, seed) for seed in range(5)]
    videos = await asyncio.gather(
        *(client.upload(file, title="t", options=options(concurrency=3)) for file in files)
    )
    for file, video in zip(files, videos, strict=True):
        assert emu.sha256(video.video_id) == sha256(file)


async def test_several_uploads_at_once_overrun_no_window() -> None:
    async with (
        Emulator(min_chunk=CHUNK, **limited()) as emu,
        ApiVideoClient(emu.api_key, base_url=emu.url) as client,
    ):
        await several_uploads(client, emu)
        assert [record for record in emu.requests if record.status == 429] == []
        assert sum(windows(uploads(emu))) == 3 * LIMIT
        assert max(windows(uploads(emu))) <= LIMIT


async def test_several_uploads_at_once_leave_the_reserve_to_others() -> None:
    async with Emulator(min_chunk=CHUNK, **limited()) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, reserve=0.3) as client:
            await several_uploads(client, emu)
        used = windows(uploads(emu))
        # The first answer tells the limit; what started before it is not held back.
        assert max(used[1:]) <= LIMIT * 7 // 10


async def test_polls_wait_until_no_other_request_waits() -> None:
    async with Emulator(encoding="polls:1000", **limited(reads=2)) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
            video = await client.upload(b"x", title="t")
            await client.videos.get(video.video_id)
            polling = [
                asyncio.create_task(client.videos.wait_until_playable(video.video_id, timeout=30))
                for _ in range(4)
            ]
            await asyncio.sleep(WINDOW / 4)
            before = len(emu.requests)
            await asyncio.gather(*(client.videos.get(video.video_id) for _ in range(6)))
            order = [record.operation for record in emu.requests[before:]]
            for task in polling:
                task.cancel()
            await asyncio.gather(*polling, return_exceptions=True)
    assert Counter(order)["videos.get"] == 6
    assert "videos.get_status" not in order, "the polls came first, and are served last"


@pytest.mark.parametrize("retry_after", [2.0, None], ids=["with the header", "without it"])
async def test_a_429_holds_up_every_request_of_its_class_and_no_other(
    monkeypatch: pytest.MonkeyPatch, retry_after: float | None
) -> None:
    """Requests that arrive soon after the refusal had started before it."""
    monkeypatch.setattr(rate_limit, "BLIND_COOL_DOWN", 2.0)
    async with Emulator(min_chunk=CHUNK) as emu:
        emu.faults.add(Fault("videos.upload", "rate-limit", retry_after=retry_after, nth=8))
        async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=QUICK) as client:
            working = asyncio.create_task(several_uploads(client, emu))
            while not (refused := [record for record in emu.requests if record.status == 429]):
                await asyncio.sleep(0.01)
            await asyncio.sleep(1.0)
            await client.videos.list()
            await working
    since = [round(record.started - refused[0].started, 3) for record in uploads(emu)]
    assert [moment for moment in since if 1.0 < moment < 2.0] == []
    assert [moment for moment in since if moment >= 2.0]
    order = [
        record.operation for record in emu.requests if record.started - refused[0].started > 1.0
    ]
    assert order[0] == "videos.list", "another class is not held up"


@pytest.mark.parametrize("count", [40, 200])
async def test_many_small_uploads_never_run_into_a_refusal(count: int) -> None:
    async with Emulator(discard=True, **limited(uploads=50, window=0.2)) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
            results = [
                result async for result in client.upload_many([b"x" * 100] * count, concurrency=16)
            ]
        assert all(result.video for result in results)
        assert [record for record in emu.requests if record.status == 429] == []


@pytest.mark.parametrize("style", ["timestamp", "unlimited", "standard", "absent", "partial"])
async def test_an_unusual_form_of_the_headers_causes_one_warning(
    style: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the quirk. The client goes on, and all requests are answered."""
    monkeypatch.setattr(rate_limit, "BLIND_COOL_DOWN", 0.3)
    monkeypatch.setattr(rate_limit, "PROBE_PAUSE", 0.1)
    async with Emulator(
        rate_limits={"reads": 5}, rate_window=0.3, quirks={"rate-headers": style}
    ) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
            await asyncio.gather(*(client.videos.list() for _ in range(12)))
    warned = [record for record in caplog.records if getattr(record, "event", "") == "quirk"]
    assert [record.__dict__["quirk"] for record in warned] == [f"rate-headers={style}"]
