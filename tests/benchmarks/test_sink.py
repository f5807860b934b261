"""The server that benchmarks upload to answers as the service does, though it keeps nothing."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient, SourceError, UploadError
from tests.conftest import CHUNK, QUICK, data_of, options

SINK = Path(__file__).parents[2] / "benchmarks" / "servers" / "sink.py"


@contextmanager
def sink(*arguments: object) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, str(SINK), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def client_of(url: str, **changes: object) -> ApiVideoClient:
    return ApiVideoClient("any-key", base_url=url, retry=QUICK, upload=options(**changes))


async def flowing(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


@pytest.mark.parametrize("size", [1, CHUNK, CHUNK + 1, 5 * CHUNK])
async def test_a_file_of_any_size_passes_the_last_look_at_the_status(size: int) -> None:
    with sink() as url:
        async with client_of(url) as client:
            video = await client.upload(data_of(size), title="bench")
            status = await client.videos.get_status(video.video_id)
    assert status.ingest is not None
    assert (status.ingest.status, status.ingest.filesize) == ("uploaded", size)


async def test_numbered_parts_of_a_stream_are_complete_when_the_last_has_come() -> None:
    with sink() as url:
        async with client_of(url) as client:
            video = await client.upload(flowing(data_of(3 * CHUNK + 7)), title="bench")
            status = await client.videos.get_status(video.video_id)
    assert status.ingest is not None
    assert status.ingest.filesize == 3 * CHUNK + 7
    assert status.ingest.received_parts is not None
    assert status.ingest.received_parts.parts == [1, 2, 3, 4]


async def test_an_upload_that_is_not_finished_says_so() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield data_of(CHUNK)
        yield data_of(CHUNK)
        raise OSError("the camera fell")

    with sink() as url:
        async with client_of(url, concurrency=1) as client:
            with pytest.raises(SourceError) as caught:
                await client.upload(broken(), title="bench")
            assert caught.value.video_id is not None
            status = await client.videos.get_status(caught.value.video_id)
    assert status.ingest is None or (status.ingest.status, status.ingest.filesize) == (
        "uploading",
        None,
    )


async def test_what_comes_while_too_many_are_in_flight_is_refused_readably() -> None:
    with sink("--most", 0) as url:
        async with client_of(url) as client:
            with pytest.raises(UploadError) as caught:
                await client.upload(data_of(4 * CHUNK), title="bench")
    assert caught.value.status == 503


async def test_the_connection_that_brings_the_bytes_to_lose_is_reset() -> None:
    with sink("--lose", 1) as url:
        async with client_of(url) as client:
            with pytest.raises(UploadError):
                await client.upload(data_of(2 * CHUNK), title="bench")


async def test_a_container_is_found_by_its_key() -> None:
    with sink() as url:
        async with client_of(url) as client:
            videos = [
                await client.videos.create(title="bench", idempotency_key=key)
                for key in ("a", "a", "b")
            ]
    assert videos[0].video_id == videos[1].video_id != videos[2].video_id


async def test_what_is_to_be_fetched_is_there_at_the_second_look() -> None:
    with sink() as url:
        async with client_of(url) as client:
            video = await client.videos.create(title="bench", source="http://127.0.0.1:1/a.mp4")
            looks = [(await client.videos.get_status(video.video_id)).ingest for _ in range(2)]
    assert [look.status for look in looks if look is not None] == ["ingesting", "ingested"]
