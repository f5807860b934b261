"""Streams whose chunks lie on disk until the server has them."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient, ConfigurationError, SourceError, UploadOptions
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.uploads.sources.chunker import WRITE_SIZE, Spool
from tests.conftest import CHUNK, REFUSED, blocks_of, data_of, options, sha256

DATA = data_of(9 * CHUNK + 1_000)


def spools() -> int:
    """Descriptors of temporary chunks that are open in this process."""
    links = (Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd"))
    return sum("apivideo-" in os.readlink(link) for link in links if link.is_symlink())


async def nothing_is_open() -> bool:
    """A descriptor closes when the last thread is done with it, which may be a moment later."""
    for _ in range(6_000):
        if not spools():
            return True
        await asyncio.sleep(0.01)
    return False


async def no_file_is_left(folder: Path) -> bool:
    """A thread of a cancelled call may be between the creation of its file and the unlinking."""
    for _ in range(6_000):
        if not list(folder.iterdir()):
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("concurrency", ["auto", 1, 3])
async def test_a_spooled_stream_arrives_whole(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path, concurrency: int
) -> None:
    given = options(spool=tmp_path, concurrency=concurrency)
    video = await client.upload(blocks_of(DATA, 9_999), title="t", options=given)
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert await no_file_is_left(tmp_path)
    assert await nothing_is_open()


async def test_a_chunk_that_failed_is_sent_again_from_disk(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    for nth in (2, 5):
        emu.faults.add(Fault("videos.upload", "reset-during", nth=nth, after_bytes=30_000))
    emu.faults.add(Fault("videos.upload", "status", status=503, nth=7))
    video = await client.upload(blocks_of(DATA, 70_001), title="t", options=options(spool=tmp_path))
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert await nothing_is_open()


async def test_an_upload_that_ends_early_leaves_no_file(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield DATA[: 3 * CHUNK + 10]
        raise RuntimeError("the producer is gone")

    with pytest.raises(SourceError, match="the producer is gone"):
        await client.upload(failing(), title="t", options=options(spool=tmp_path))
    assert await no_file_is_left(tmp_path)
    assert await nothing_is_open()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(10_000)

    task = asyncio.create_task(client.upload(endless(), title="t", options=options(spool=tmp_path)))
    while len([r for r in emu.requests if r.operation == "videos.upload"]) < 8:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await no_file_is_left(tmp_path)
    assert await nothing_is_open()


async def test_a_resumed_stream_skips_what_is_held(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    given = options(spool=tmp_path, mode="bytes")
    container = await client.videos.create(title="t")
    emu.faults.add(Fault("videos.upload", "status", nth=4, **REFUSED))
    with pytest.raises(Exception, match="refused"):
        await client.videos.upload(container.video_id, blocks_of(DATA, 50_000), options=given)
    await client.videos.upload(container.video_id, blocks_of(DATA, 50_000), options=given)
    assert emu.sha256(container.video_id) == sha256(DATA)
    assert await nothing_is_open()


@pytest.mark.parametrize("folder", ["missing", "a file"])
async def test_a_folder_that_cannot_be_written_to_is_named(
    client: ApiVideoClient, tmp_path: Path, folder: str
) -> None:
    if folder == "a file":
        where, reason = tmp_path / "file", "Not a directory"
        where.write_bytes(b"")
    else:
        where, reason = tmp_path / "missing", "No such file or directory"
    with pytest.raises(SourceError, match=reason) as caught:
        await client.upload(blocks_of(DATA, 50_000), title="t", options=options(spool=where))
    assert str(where) in str(caught.value)


async def test_memory_does_not_hold_the_chunk(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        piece = spool.new_buffer()
        for _ in range(50):
            await piece.append(memoryview(bytes(WRITE_SIZE // 10)))
            assert len(piece._unwritten) < WRITE_SIZE
        assert piece.size == 50 * (WRITE_SIZE // 10)
        assert os.fstat(piece._fd).st_size > 4 * WRITE_SIZE
        for _ in range(2):
            assert sum([len(block) async for block in piece.read(256 * 1024)]) == piece.size
    assert await nothing_is_open()


async def test_the_default_folder_is_that_of_the_system() -> None:
    assert Spool(None).folder == Path(tempfile.gettempdir())


def test_spool_is_a_folder_or_a_yes() -> None:
    assert UploadOptions(spool=Path("x")).spool == Path("x")
    with pytest.raises(ConfigurationError, match="spool"):
        UploadOptions(spool="x")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="concurrency"):
        UploadOptions(concurrency="much")  # type: ignore[arg-type]
