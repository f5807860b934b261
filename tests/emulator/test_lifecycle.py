"""Start and stop: in an event loop, in a thread, with TLS. Nothing remains after the stop."""

import asyncio
import gc
import json
import os
import socket
import ssl
import threading
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from apivideo_async.emulator import Emulator, Fault


def descriptors() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except FileNotFoundError:
            continue
    return found


async def test_it_has_an_address_while_it_is_running():
    async with Emulator() as emu:
        assert emu.url == f"http://127.0.0.1:{emu.port}"
    with pytest.raises(RuntimeError):
        _ = emu.url


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
async def test_stop_leaves_nothing(start):
    """No task, descriptor or file remains. Idle and busy connections end at once."""
    gc.collect()
    tasks, fds = asyncio.all_tasks(), descriptors()
    api = await start(min_chunk=1)
    directory = api.directory
    video_id = await api.create()
    await api.chunk(video_id, b"x" * 1000, "part 1/2")
    api.emu.faults.add(Fault("videos.get", "delay", seconds=600))
    slow = asyncio.create_task(api.send("GET", f"/videos/{video_id}"))
    reader, writer = await asyncio.open_connection(api.emu.host, api.emu.port)
    head = [
        f"POST /videos/{video_id}/source HTTP/1.1",
        "Host: localhost",
        f"Authorization: {api.auth['Authorization']}",
        "Content-Range: part 2/2",
        f"Content-Type: {api.multipart['Content-Type']}",
        "Content-Length: 50000\r\n\r\n",
    ]
    writer.write("\r\n".join(head).encode() + api.form(api.file(b"y" * 20_000))[:20_000])
    await asyncio.sleep(0.1)
    async with asyncio.timeout(60):
        await api.emu.stop()
    with pytest.raises(aiohttp.ClientError):
        await slow
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    await api.session.close()
    await asyncio.sleep(0.05)
    assert not directory.exists()
    assert asyncio.all_tasks() == tasks
    gc.collect()
    assert descriptors() == fds
    await api.emu.stop()


async def test_stop_ends_downloads(start, content):
    """A download that never ends does not delay the stop."""
    origin, api = await start(), await start()
    origin.emu.faults.add(Fault("assets.mp4", "delay", seconds=600))
    url = f"{origin.emu.url}/vod/vi0/mp4/source.mp4"
    await api.send("POST", "/videos", json={"title": "x", "source": url})
    await asyncio.sleep(0.05)
    async with asyncio.timeout(60):
        await api.emu.stop()


async def test_given_directory_is_kept(tmp_path):
    directory = tmp_path / "new" / "media"
    async with Emulator(directory=directory):
        assert directory.is_dir()
    assert directory.is_dir()


async def test_a_restart_begins_with_a_new_state():
    emu = Emulator()
    async with emu:
        first = emu.state
        assert emu.world is first
        with pytest.raises(RuntimeError):
            await emu.start()
    async with emu:
        assert emu.state is not first


def test_there_is_no_state_before_the_start():
    with pytest.raises(RuntimeError):
        _ = Emulator().state


async def test_port_in_use_leaves_nothing():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        emu = Emulator(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="address"):
            await emu.start()
        assert emu._temporary is None


@pytest.mark.parametrize(
    ("host", "url_host"), [("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")]
)
async def test_clients_can_connect_to_the_url(host, url_host):
    async with Emulator(host=host) as emu, aiohttp.ClientSession() as session:
        assert emu.url.startswith(f"http://{url_host}:")
        async with session.get(f"{emu.url}/_emulator/health") as response:
            assert response.status == 200


async def test_tls(start):
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    async with Emulator(ssl_context=server) as emu:
        assert emu.url.startswith("https://127.0.0.1:")
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{emu.url}/_emulator/health", ssl=client) as response,
        ):
            assert (await response.json())["status"] == "ok"


def test_in_thread():
    """The same object, from code without an event loop."""
    with Emulator().in_thread() as emu:
        with urllib.request.urlopen(f"{emu.url}/_emulator/health") as response:
            assert json.load(response)["status"] == "ok"
        body = json.dumps({"apiKey": emu.api_key}).encode()
        with urllib.request.urlopen(f"{emu.url}/auth/api-key", data=body) as response:
            assert json.load(response)["token_type"] == "Bearer"
        assert [record.operation for record in emu.requests] == ["auth.authenticate"]
    assert not [thread for thread in threading.enumerate() if thread.name == "apivideo-emulator"]


def test_in_thread_reports_a_failed_start():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(OSError, match="address"),
            Emulator(port=taken.getsockname()[1]).in_thread(),
        ):
            pass


@pytest.mark.parametrize(
    "settings",
    [
        {"rate_limits": "none"},
        {"rate_limits": {"uploadz": 1}},
        {"encoding": "soon"},
        {"encoding": -1},
        {"encoding": "polls:x"},
        {"invalid_key_status": 500},
    ],
)
def test_wrong_settings(settings):
    with pytest.raises(ValueError, match=r"rate|encoding|convert|literal|400"):
        Emulator(**settings)
