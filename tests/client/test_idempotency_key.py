"""One idempotency key is one video, however the service behaves. See service.md#repeated-requests.

The quirks of the emulator (docs/conformance.md) stand for services that differ from the
assumptions.
"""

import asyncio
import contextlib
import json
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.errors import (
    ApiConnectionError,
    BadRequestError,
    ConflictError,
    DuplicateVideosError,
    NotFoundError,
)
from apivideo_async.protocol.request import Request
from apivideo_async.resources import _key_records, _key_search
from apivideo_async.resources._key_files import open_key_file
from apivideo_async.resources._key_records import Known
from tests.conftest import CHUNK, QUICK, data_of, options, sha256

DATA = data_of(2 * CHUNK + 17)
KEY = "Job-2024-7"
MINUTE = 60.0
PAGE: dict[str, Any] = {"body": "<html>", "content_type": "text/html"}


@pytest.fixture(autouse=True)
def _empty_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_key_records, "_memory", type(_key_records._memory)())


@pytest.fixture
def key_folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "apivideo" / "keys"


def forget_memory() -> None:
    """Continue as another process, which has only the files."""
    _key_records._memory.clear()


def settling(client: ApiVideoClient, seconds: float) -> ApiVideoClient:
    return client.with_options(retry=attrs.evolve(QUICK, settle=seconds))


async def upload(client: ApiVideoClient, key: str = KEY) -> str:
    return (await client.upload(DATA, title="Talk", idempotency_key=key)).video_id


async def create(client: ApiVideoClient, key: str = KEY) -> str:
    return (await client.videos.create(title="Talk", idempotency_key=key)).video_id


def assert_one_video(emu: Emulator, video_id: str, count: int = 1) -> None:
    talks = [each.id for each in emu.state.videos.values() if each.attributes["title"] == "Talk"]
    assert len(talks) == count
    assert video_id in talks
    assert emu.sha256(video_id) == sha256(DATA)


def forget_all(key_folder: Path) -> None:
    """Continue as a process on another machine."""
    forget_memory()
    for path in key_folder.iterdir():
        path.unlink()


def operations(emu: Emulator, since: int = 0) -> list[str]:
    return [
        record.operation
        for record in emu.requests[since:]
        if record.operation not in ("auth.authenticate", "videos.upload")
    ]


@contextlib.contextmanager
def logged(caplog: pytest.LogCaptureFixture, event: str) -> Iterator[None]:
    """Expect one record with this event."""
    caplog.clear()
    yield
    events = [getattr(record, "event", None) for record in caplog.records]
    assert events.count(event) == 1, events


# -- without a lost response


async def test_no_step_costs_a_request_more_than_without_a_record(
    emu: Emulator, client: ApiVideoClient
) -> None:
    await upload(client)
    # The second list takes the place of the status, because the container is certainly empty.
    first = ["videos.list", "videos.create", "videos.list", "videos.get_status"]
    assert operations(emu) == first
    since = len(emu.requests)
    await upload(client)
    again = ["videos.get", "videos.get_status", "videos.get_status", "videos.get"]
    assert operations(emu, since) == again
    since = len(emu.requests)
    await create(client, "another")
    await create(client, "another")
    assert operations(emu, since) == ["videos.list", "videos.create", "videos.get"]


async def test_a_refused_creation_leaves_no_record(
    emu: Emulator, client: ApiVideoClient, key_folder: Path
) -> None:
    emu.faults.add(Fault("videos.create", "status", status=400, body={"title": "no"}))
    with pytest.raises(BadRequestError):
        await create(client)
    assert list(key_folder.iterdir()) == []
    assert _key_records._memory == {}
    since = len(emu.requests)
    await create(client)
    assert operations(emu, since) == ["videos.list", "videos.create"]


# -- the record


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("quirks", [{"list-delay": MINUTE}, {"metadata-modified": True}])
async def test_a_later_call_needs_no_list(
    emu: Emulator, client: ApiVideoClient, memory: bool, quirks: dict[str, Any]
) -> None:
    emu.quirks.update(quirks)
    first = await create(client)
    if not memory:
        forget_memory()
    since = len(emu.requests)
    assert await create(client) == first
    assert operations(emu, since) == ["videos.get"]


async def test_the_record_is_private_and_discloses_no_secret(
    emu: Emulator, client: ApiVideoClient, key_folder: Path
) -> None:
    video_id = await create(client)
    [path] = key_folder.iterdir()
    text = path.name + path.read_text()
    assert video_id in text
    for secret in (emu.api_key, KEY, emu.url.removeprefix("http://")):
        assert secret not in text
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


async def test_each_account_and_server_has_its_own_records(emu: Emulator) -> None:
    ids = set()
    async with Emulator(api_key="another") as other:
        for url, key in ((emu.url, emu.api_key), (other.url, other.api_key)):
            async with ApiVideoClient(key, base_url=url, retry=QUICK) as client:
                ids.add(await create(client))
        assert len(ids) == 2
        assert len(emu.state.videos) == len(other.state.videos) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff{",
        b"[]",
        b"{}",
        b'{"version": 2}',
        b'{"version": 1, "video_id": 5, "at": 1, "lost": false, "unseen": false}',
        b'{"version": 1, "video_id": "", "at": 1, "lost": false, "unseen": false}',
        b'{"version": 1, "video_id": "vi1", "at": NaN, "lost": false, "unseen": false}',
        b'{"version": 1, "video_id": "vi1", "at": "x", "lost": false, "unseen": false}',
        b'{"version": 1, "video_id": "vi1", "at": 1, "more": 5}',
        b"[" * 4096,
    ],
)
async def test_a_damaged_record_is_ignored(
    emu: Emulator, client: ApiVideoClient, key_folder: Path, content: bytes
) -> None:
    first = await create(client)
    forget_memory()
    [path] = key_folder.iterdir()
    path.write_bytes(content)
    assert await create(client) == first
    assert json.loads(path.read_bytes())["video_id"] == first


@pytest.mark.parametrize("reason", ["no folder", "no permission", "disk full"])
async def test_a_record_that_cannot_be_written_ends_no_call(
    emu: Emulator,
    client: ApiVideoClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reason: str,
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, reason)

    if reason == "no folder":
        monkeypatch.setattr("apivideo_async.resources._key_files.state_folder", lambda _: None)
    elif reason == "no permission":
        monkeypatch.setattr(_key_records, "open_key_file", fail)
    else:
        monkeypatch.setattr("apivideo_async.resources._key_files.os.ftruncate", fail)
    first = await create(client)
    assert await create(client) == first
    events = {getattr(record, "event", None) for record in caplog.records}
    assert ("key_record_unusable" in events) is (reason != "no folder")


async def test_a_video_that_no_longer_exists_is_forgotten(
    emu: Emulator, client: ApiVideoClient, caplog: pytest.LogCaptureFixture
) -> None:
    first = await create(client)
    emu.state.videos.pop(first)
    with logged(caplog, "key_forgotten"):
        second = await create(client)
    assert second != first
    assert await create(client) == second
    assert list(emu.state.videos) == [second]


async def test_a_video_that_the_user_deletes_is_replaced_at_once(
    emu: Emulator, client: ApiVideoClient
) -> None:
    first = await create(settling(client, MINUTE))
    await client.videos.delete(first)
    with pytest.raises(NotFoundError):
        await client.videos.get(first)
    assert await create(settling(client, MINUTE)) != first


async def test_the_page_of_a_gateway_does_not_make_a_video_forgotten(
    emu: Emulator, client: ApiVideoClient
) -> None:
    first = await create(client)
    await client.videos.get(first)  # From now on, a 404 for it is not premature.
    emu.faults.add(Fault("videos.get", "status", status=404, times=2, **PAGE))
    assert await create(client) == first


async def test_memory_is_bounded(client: ApiVideoClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_key_records, "MOST", 2)
    for number in range(4):
        await create(client, f"k{number}")
    assert len(_key_records._memory) == 2


# -- lost responses


QUIRKS: list[dict[str, Any]] = [
    {},
    {"list-delay": 0.1},
    {"list-ignores-metadata": True},
    {"metadata-modified": True},
    {"new-video-delay": 0.1},
    {"late-creation": 0.1},
    {"list-delay": 0.1, "metadata-modified": True},
    {"list-ignores-metadata": True, "metadata-modified": True},
    {"late-creation": 0.1, "metadata-modified": True},
    {"late-creation": 0.1, "list-ignores-metadata": True},
]
LOST = [None, "drop-response", "reset-before"]


def cases() -> Iterator[Any]:
    """Yield every quirk with every loss. A few are quick enough to be run each time."""
    for quirks in QUIRKS:
        for lost in LOST:
            quick = len(quirks) == 1 and lost == (
                None if "late-creation" in quirks or "new-video-delay" in quirks else LOST[1]
            )
            marks = () if quick else (pytest.mark.slow,)
            yield pytest.param(quirks, lost, marks=marks, id=f"{' '.join(quirks)}-{lost}")


@pytest.mark.parametrize(("quirks", "lost"), [*cases()])
async def test_a_key_is_one_video_with_every_quirk(
    emu: Emulator, client: ApiVideoClient, quirks: dict[str, Any], lost: str | None
) -> None:
    await client.videos.create(title="another")
    emu.quirks.update(quirks)
    if lost is not None:
        emu.faults.add(Fault("videos.create", lost))
    video_id = await upload(client)
    assert_one_video(emu, video_id)
    forget_memory()
    assert await upload(client) == video_id
    assert_one_video(emu, video_id)


@pytest.mark.parametrize(
    "quirks", [{}, {"list-ignores-metadata": True}, {"metadata-modified": True}]
)
async def test_a_creation_that_arrives_after_settle_is_deleted_by_the_next_call(
    emu: Emulator,
    client: ApiVideoClient,
    caplog: pytest.LogCaptureFixture,
    quirks: dict[str, Any],
) -> None:
    await client.videos.create(title="another")
    emu.quirks.update(quirks)
    emu.faults.add(Fault("videos.create", "reset-before"))
    video_id = await create(settling(client, 0.02))
    await client.videos.create(title="Talk", metadata={"ingestKey": KEY})  # It arrives now.
    forget_memory()
    with logged(caplog, "duplicate_deleted"):
        assert await upload(client) == video_id
    assert_one_video(emu, video_id)


async def test_a_creation_that_arrives_during_the_upload_is_deleted_at_its_end(
    emu: Emulator, client: ApiVideoClient, caplog: pytest.LogCaptureFixture
) -> None:
    emu.faults.add(Fault("videos.create", "reset-before"))
    arrived = asyncio.Event()

    async def before(request: Request) -> None:
        if request.operation == "videos.upload" and not arrived.is_set():
            arrived.set()
            await client.videos.create(title="Talk", metadata={"ingestKey": KEY})

    uploading = settling(client, 0.02).with_options(before_request=before)
    with logged(caplog, "duplicate_deleted"):
        video_id = await upload(uploading)
    assert_one_video(emu, video_id)


async def test_a_call_that_was_interrupted_during_its_creation_creates_no_second_video(
    emu: Emulator, client: ApiVideoClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The response never reached the process, and the list does not show the video yet."""
    emu.quirks["list-delay"] = 0.3
    emu.faults.add(Fault("videos.create", "delay", seconds=1))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.15):
            await create(client)
    assert len(emu.state.videos) == 1
    forget_memory()
    with logged(caplog, "creation_adopted"):
        video_id = await create(settling(client, 1.0))
    assert list(emu.state.videos) == [video_id]


async def test_a_creation_that_was_interrupted_long_ago_is_searched_once(
    emu: Emulator, client: ApiVideoClient, key_folder: Path
) -> None:
    await create(client)
    [path] = key_folder.iterdir()
    emu.state.videos.clear()
    forget_memory()
    path.write_bytes(Known(video_id=None, at=time.time() - 3600).to_json())
    since = len(emu.requests)
    await create(settling(client, MINUTE))
    assert operations(emu, since)[:2] == ["videos.list", "videos.create"]


async def test_an_unknown_result_is_raised_and_remembered(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.create", "reset-before", times=None))
    with pytest.raises(ApiConnectionError) as caught:
        await create(settling(client, 0.02))
    assert caught.value.delivery == "unknown"
    emu.faults.clear()
    [known] = _key_records._memory.values()
    assert known.video_id is None
    assert await create(client) in emu.state.videos


@pytest.mark.parametrize("body", [{}, {"videoId": ""}, "<html>"])
async def test_a_response_without_an_id_is_a_lost_response(
    emu: Emulator, client: ApiVideoClient, body: object
) -> None:
    emu.faults.add(Fault("videos.create", "status", status=201, body=body))
    video_id = await create(settling(client, 0.02))
    assert list(emu.state.videos) == [video_id]


async def test_the_page_of_a_gateway_does_not_say_whether_a_video_was_created(
    emu: Emulator, client: ApiVideoClient
) -> None:
    client = settling(client, 0.02)
    emu.faults.add(Fault("videos.create", "status", status=409, times=1, **PAGE))
    video_id = await create(client)
    assert list(emu.state.videos) == [video_id]
    # The gateway refuses each creation: no attempt will help.
    emu.faults.add(Fault("videos.create", "status", status=409, times=None, **PAGE))
    since = len(emu.requests)
    with pytest.raises(ConflictError):
        await create(client, "another")
    assert operations(emu, since).count("videos.create") == 2


# -- several videos


async def test_of_several_empty_videos_the_oldest_is_kept(
    emu: Emulator, client: ApiVideoClient, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [
        (await client.videos.create(title="Talk", metadata={"ingestKey": KEY})).video_id
        for _ in range(3)
    ]
    for video_id, hours in zip(ids, (1, 3, 2), strict=True):
        emu.state.videos[video_id].created -= timedelta(hours=hours)
    kept = await create(client)
    assert list(emu.state.videos) == [kept] == [ids[1]]
    deleted = {getattr(record, "video_id", None) for record in caplog.records}
    assert deleted >= {*ids} - {kept}


async def test_the_video_with_bytes_is_kept(emu: Emulator, client: ApiVideoClient) -> None:
    await client.videos.create(title="Talk", metadata={"ingestKey": KEY})
    full = await client.upload(DATA, title="Talk", metadata={"ingestKey": KEY})
    await client.videos.create(title="Talk", metadata={"ingestKey": KEY})
    assert await upload(client) == full.video_id
    assert_one_video(emu, full.video_id)


async def test_two_videos_with_bytes_are_reported_and_none_is_deleted(
    emu: Emulator, client: ApiVideoClient
) -> None:
    for _ in range(2):
        await client.upload(DATA, title="Talk", metadata={"ingestKey": KEY})
    spare = await client.videos.create(title="Talk", metadata={"ingestKey": KEY})
    full = {*emu.state.videos} - {spare.video_id}
    with pytest.raises(DuplicateVideosError) as caught:
        await upload(client)
    assert {*caught.value.video_ids} == full
    assert len(emu.state.videos) == 3


async def test_a_container_of_an_ingestion_is_never_deleted(
    emu: Emulator, client: ApiVideoClient
) -> None:
    marks = {"ingestKey": KEY, "ingestLedger": "0a1b2c3d"}
    foreign = (await client.videos.create(title="Talk", metadata=marks)).video_id
    await client.videos.create(title="Talk", metadata={"ingestKey": KEY})
    assert await upload(client) == foreign
    assert_one_video(emu, foreign)


async def test_a_proxy_that_delivers_creations_twice_is_noticed(
    emu: Emulator, client: ApiVideoClient, caplog: pytest.LogCaptureFixture
) -> None:
    emu.faults.add(Fault("videos.create", "duplicate", times=None))
    with logged(caplog, "quirk"):
        video_id = await upload(client)
    assert_one_video(emu, video_id)
    assert not client.profile.delivers_once
    # From now on, each creation is checked.
    assert await create(client, "another") in emu.state.videos
    assert len(emu.state.videos) == 2


async def test_another_creation_at_the_same_time_is_found_before_the_upload(
    emu: Emulator, client: ApiVideoClient
) -> None:
    """A process on another machine creates after this call has searched, and before it creates."""
    others = list[str]()

    async def before(request: Request) -> None:
        if request.operation == "videos.create" and not others:
            others.append("")
            other = await client.videos.create(title="Talk", metadata={"ingestKey": KEY})
            others[0] = other.video_id
            emu.state.videos[others[0]].created -= timedelta(seconds=1)

    assert await upload(client.with_options(before_request=before)) == others[0]
    assert_one_video(emu, others[0])


async def test_keys_that_the_service_makes_equal_are_not_mixed_up(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.quirks["metadata-modified"] = True
    first = await create(client, "job-2024-7")
    emu.faults.add(Fault("videos.create", "reset-before"))
    second = await create(client, "JOB-2024-7")
    assert first != second
    assert [await create(client, "job-2024-7"), await create(client, "JOB-2024-7")] == [
        first,
        second,
    ]


# -- a list that cannot be filtered


async def test_an_ignored_filter_is_noticed_and_the_whole_list_is_read(
    emu: Emulator,
    client: ApiVideoClient,
    caplog: pytest.LogCaptureFixture,
    key_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(_key_search.NEWEST_FIRST, "pageSize", 10)
    first = await create(client)
    for number in range(30):
        await client.videos.create(title=f"{number}")
    for hours, video in enumerate(reversed(emu.state.videos.values())):
        video.created -= timedelta(hours=hours)
    forget_all(key_folder)
    emu.quirks["list-ignores-metadata"] = True
    with logged(caplog, "quirk"):
        assert await create(client) == first
    assert not client.profile.filters_metadata
    since = len(emu.requests)
    # Later searches read only the videos that are newer than those of the first search.
    await create(client, "another")
    assert operations(emu, since) == ["videos.list", "videos.create"]
    # A video of the index may have been deleted.
    emu.state.videos.pop(first)
    forget_all(key_folder)
    assert await create(client) != first


async def test_an_unsorted_list_is_read_to_its_end(
    emu: Emulator, client: ApiVideoClient, key_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new video is on the last page, behind older ones."""
    monkeypatch.setitem(_key_search.NEWEST_FIRST, "pageSize", 5)
    monkeypatch.setitem(_key_search.NEWEST_FIRST, "sortOrder", "asc")
    for number in range(12):
        await client.videos.create(title=f"{number}")
    for hours, video in enumerate(emu.state.videos.values()):
        video.created -= timedelta(hours=50 - hours)
    emu.quirks["list-ignores-metadata"] = True
    emu.faults.add(Fault("videos.create", "drop-response"))
    video_id = await upload(client)
    assert_one_video(emu, video_id)


# -- several processes


def in_threads(count: int, work: Callable[[], Awaitable[str]]) -> set[str]:
    """Run ``work`` in several event loops at the same time. Records in memory are not shared."""
    found = list[str]()
    threads = [
        threading.Thread(target=lambda: found.append(asyncio.run(work()))) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count
    return {*found}


async def test_processes_with_one_key_take_turns(emu: Emulator) -> None:
    """The second process waits, although the list shows no video yet, and uses the file."""
    emu.quirks["list-delay"] = MINUTE

    async def work() -> str:
        async with ApiVideoClient(
            emu.api_key, base_url=emu.url, retry=attrs.evolve(QUICK, settle=0), upload=options()
        ) as client:
            return await upload(client)

    ids = await asyncio.to_thread(in_threads, 3, work)
    assert_one_video(emu, *ids)


async def test_a_long_wait_for_another_process_is_logged(
    client: ApiVideoClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_key_records, "SLOW", 0.05)
    await create(client)
    [digest] = _key_records._memory
    with logged(caplog, "key_in_use"):
        other = open_key_file(digest)
        assert other is not None
        calling = asyncio.create_task(create(client))
        async with asyncio.timeout(10):
            while not caplog.records:
                await asyncio.sleep(0.01)
        other.close()
        await calling


async def test_a_call_that_is_cancelled_while_it_waits_leaves_the_file_unlocked(
    client: ApiVideoClient,
) -> None:
    for _ in range(5):
        calling = asyncio.create_task(create(client))
        await asyncio.sleep(0)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    async with asyncio.timeout(10):
        await create(client)


PROCESS = """
import asyncio, sys
from apivideo_async import ApiVideoClient, RetryPolicy

async def main():
    url, api_key, key = sys.argv[1:]
    async with ApiVideoClient(api_key, base_url=url, retry=RetryPolicy(settle=2)) as client:
        print((await client.upload(b"x" * 100, title="Talk", idempotency_key=key)).video_id)

asyncio.run(main())
"""


def start_process(emu: Emulator) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROCESS, emu.url, emu.api_key, KEY]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
async def test_a_killed_process_and_three_later_ones_make_one_video(emu: Emulator) -> None:
    emu.quirks["list-delay"] = 1.0
    emu.faults.add(Fault("videos.create", "delay", seconds=60))
    killed = start_process(emu)
    async with asyncio.timeout(60):
        while not emu.state.videos:
            await asyncio.sleep(0.01)
    killed.kill()
    await asyncio.to_thread(killed.communicate)
    others = [start_process(emu) for _ in range(3)]
    outputs = [(await asyncio.to_thread(each.communicate))[0].strip() for each in others]
    assert outputs == list(emu.state.videos) * 3
