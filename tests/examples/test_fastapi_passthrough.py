"""`fastapi_passthrough.py` under uvicorn forwards request bodies without storing them."""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from apivideo_async.emulator import Emulator, Fault

MIB = 1024 * 1024
PIECE = 256 * 1024
EXAMPLES = Path(__file__).parents[2] / "examples"
CHUNK, CONCURRENCY = 8 * MIB, 2  # As in the example.

pytest.importorskip("fastapi")


@dataclass
class Served:
    """The running example."""

    port: int
    process: psutil.Process
    scratch: Path
    emulator: Emulator

    def files_on_disk(self) -> list[str]:
        """What it wrote or has open for writing, the terminal aside."""
        opened = [file.path for file in self.process.open_files() if file.mode not in {"r", "rb"}]
        return [*opened, *(str(path) for path in self.scratch.rglob("*"))]

    def peak(self) -> int:
        """The most memory it ever held, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    async def open(
        self, query: str, *headers: str, method: str = "PUT"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Begin a request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [
            f"{method} /videos?{query} HTTP/1.1",
            "Host: localhost",
            "Connection: close",
            *headers,
            "",
            "",
        ]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()
        return reader, writer

    async def ask(self, query: str, body: bytes, *headers: str) -> tuple[int, dict[str, str]]:
        """Send a whole small request."""
        reader, writer = await self.open(
            query, f"Content-Length: {len(body)}", *headers, method="POST"
        )
        writer.write(body)
        return await answer(reader, writer)


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[int, dict[str, str]]:
    """Read one response. The server may close the connection afterwards, with the body unread."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    body = await reader.readexactly(int(length.split(b":")[1]))
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return int(head.split()[1]), json.loads(body)


def pieces(size: int) -> Iterator[bytes]:
    """A body of bytes that differ everywhere."""
    for number in range(size // PIECE):
        yield hashlib.sha256(number.to_bytes(8, "big")).digest() * (PIECE // 32)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


@contextmanager
def serve(scratch: Path) -> Iterator[Served]:
    """The app under uvicorn, with its own emulator and an empty folder for temporary files."""
    scratch.mkdir()
    with Emulator().in_thread() as emulator:
        environment = {
            "APIVIDEO_BASE_URL": emulator.url,
            "APIVIDEO_API_KEY": emulator.api_key,
            "TMPDIR": str(scratch),
        }
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "error", "-X", "dev", "-m", "uvicorn"),
                "fastapi_passthrough:app",
                "--app-dir",
                str(EXAMPLES),
                "--port",
                "0",
            ],
            cwd=scratch,
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert process.stderr is not None
        said = ""
        try:
            while (started := re.search(r"running on http://127\.0\.0\.1:(\d+)", said)) is None:
                line = process.stderr.readline()
                assert line, said
                said += line
            yield Served(int(started[1]), psutil.Process(process.pid), scratch, emulator)
        finally:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[1]
        assert not re.search("Warning|Traceback", said), said


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the tests that do not measure it."""
    with serve(tmp_path_factory.mktemp("served") / "scratch") as running:
        yield running


@pytest.fixture
def served(server: Served) -> Served:
    """The server with nothing uploaded yet."""
    server.emulator.state.videos.clear()
    server.emulator.requests.clear()
    server.emulator.faults.clear()
    return server


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
async def test_a_streamed_body_becomes_the_video_in_bounded_memory_and_without_a_file(
    tmp_path: Path,
) -> None:
    with serve(tmp_path / "scratch") as served:
        await stream_and_measure(served, served.emulator)


async def stream_and_measure(served: Served, emulator: Emulator) -> None:
    await served.ask("title=warm-up", b"x" * PIECE)
    # Slow answers: a sender that were not held back would fill the memory.
    emulator.faults.add(Fault("videos.upload", "delay", seconds=0.15, times=None))
    before, size, digest = served.peak(), 128 * MIB, hashlib.sha256()
    reader, writer = await served.open("title=Big%20one", "Transfer-Encoding: chunked")
    for number, piece in enumerate(pieces(size)):
        digest.update(piece)
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()
        if number % 64 == 0:
            assert served.files_on_disk() == []
    writer.write(b"0\r\n\r\n")
    status, video = await answer(reader, writer)
    assert status == 201
    assert emulator.sha256(video["videoId"]) == digest.hexdigest()
    assert emulator.state.videos[video["videoId"]].attributes["title"] == "Big one"
    assert video["videoId"] in video["player"]
    assert served.files_on_disk() == []
    # The documented bound, and room for what the allocator and the sockets keep.
    assert served.peak() - before < (CONCURRENCY + 1) * CHUNK + 8 * MIB


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", f"Content-Length: {64 * MIB}"])
async def test_a_sender_that_goes_away_leaves_no_video(served: Served, framing: str) -> None:
    emulator = served.emulator
    _, writer = await served.open("title=Gone", framing)
    for piece in pieces(20 * MIB):
        writer.write(
            f"{len(piece):x}\r\n".encode() + piece + b"\r\n" if "chunked" in framing else piece
        )
        await writer.drain()
    await until(lambda: any(video.media.size for video in emulator.state.videos.values()))
    writer.transport.abort()
    await until(
        lambda: any(
            record.operation == "videos.delete" and record.status for record in emulator.requests
        )
    )
    assert emulator.state.videos == {}
    uploads = [record for record in emulator.requests if record.operation == "videos.upload"]
    assert all(record.content_range and record.content_range.endswith("/*") for record in uploads)
    # The app goes on serving.
    assert (await served.ask("title=Next", b"y" * PIECE))[0] == 201


async def test_a_refused_upload_is_explained_and_leaves_no_video(served: Served) -> None:
    emulator = served.emulator
    emulator.faults.add(Fault("videos.upload", "status", status=403, body={"title": "not today"}))
    status, said = await served.ask("title=x", b"x" * PIECE)
    assert status == 502
    assert "not today" in said["detail"]
    assert emulator.state.videos == {}


async def test_bodies_that_are_no_file_are_refused(served: Served) -> None:
    emulator = served.emulator
    status, said = await served.ask(
        "title=x", b"--b--", "Content-Type: multipart/form-data; boundary=b"
    )
    assert (status, "curl -T" in said["detail"]) == (415, True)
    status, said = await served.ask("title=x", b"")
    assert (status, "0 bytes" in said["detail"]) == (400, True)
    assert emulator.state.videos == {}
