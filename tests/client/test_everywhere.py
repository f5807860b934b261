"""The same uploads on both event loops, with and without TLS, from a disk and from tmpfs."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator
from tests.conftest import CHUNK, data_of, options, sha256
from tests.ways import LOOPS, certificates, run

CHUNKS = 24
LARGE = data_of(CHUNKS * CHUNK - 5)
SMALL = data_of(CHUNK - 5)


class Reader:
    """A file that only flows, as web frameworks give it."""

    def __init__(self, path: Path) -> None:
        self._handle = path.open("rb", buffering=0)

    async def read(self, size: int) -> bytes:
        return self._handle.read(min(size, 30_011))

    def close(self) -> None:
        self._handle.close()


async def upload(client: ApiVideoClient, kind: str, path: Path) -> str:
    if kind == "stream":
        reader = Reader(path)
        try:
            return (await client.upload(reader, title="t")).video_id
        finally:
            reader.close()
    if kind == "token":
        token = await client.upload_tokens.create()
        return (await client.videos.upload_with_token(token.token, path)).video_id
    how: Any = options(mode=None if kind == "whole" else kind)
    return (await client.upload(path, title="t", options=how)).video_id


@pytest.fixture(params=["disk", "tmpfs"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    with ExitStack() as stack:
        if request.param == "disk":
            yield tmp_path
        elif os.path.isdir("/dev/shm"):
            yield Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="apivideo-", dir="/dev/shm"))
            )
        else:
            pytest.skip("no tmpfs here")


@pytest.fixture(params=["plain", "tls"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Emulator, dict[str, Any]]]:
    """An emulator in a thread of its own, and what a client needs to trust it."""
    theirs, ours = certificates() if request.param == "tls" else (None, None)
    with Emulator(min_chunk=CHUNK, ssl_context=theirs).in_thread() as emu:
        yield emu, {"base_url": emu.url, "ssl_context": ours}


@pytest.mark.parametrize("kind", ["bytes", "part", "token", "stream", "whole"])
@pytest.mark.parametrize("loop", LOOPS)
def test_every_kind_of_upload_arrives_whole(
    served: tuple[Emulator, dict[str, Any]], folder: Path, loop: str, kind: str
) -> None:
    emu, access = served
    path = folder / "clip.mp4"
    path.write_bytes(SMALL if kind == "whole" else LARGE)

    async def main() -> str:
        async with ApiVideoClient(emu.api_key, upload=options(), **access) as client:
            return await upload(client, kind, path)

    assert emu.sha256(run(loop, main())) == sha256(path.read_bytes())
    sent = [
        record
        for record in emu.requests
        if record.operation and record.operation.startswith("videos.upload")
    ]
    assert len(sent) == (1 if kind == "whole" else CHUNKS)
