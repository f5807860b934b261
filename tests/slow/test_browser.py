"""The video of the demo really plays in a browser, on the emulator's player page."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.cli.commands.demo.media import make_video
from apivideo_async.emulator import Emulator

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
FLAGS = [
    *(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ),
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
]
PLAYS = """
new Promise((resolve, reject) => {
  const video = document.querySelector("video");
  const say = () => resolve(
    {state: video.readyState, width: video.videoWidth, seconds: video.duration});
  video.addEventListener(
    "error", () => reject(new Error("error " + (video.error && video.error.message))));
  if (video.readyState >= 3) say(); else video.addEventListener("canplay", say);
})
"""


@pytest.fixture
def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.environ.get("CI"):
        pytest.fail("CI must have Chromium: `make browser` installs it")
    pytest.skip("no Chromium on this machine (`make browser` installs it where apt-get can)")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator().in_thread() as running:
        yield running


@asynccontextmanager
async def page(
    chromium: str, url: str, profile: Path
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a page and talk to it through the DevTools protocol."""
    process = subprocess.Popen(
        [chromium, *FLAGS, f"--user-data-dir={profile}", url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port_file = profile / "DevToolsActivePort"
        async with asyncio.timeout(60):
            while not port_file.exists() or not port_file.read_text().strip():
                await asyncio.sleep(0.1)
        port = port_file.read_text().split()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                target = next(item for item in await answer.json() if item["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                async with asyncio.timeout(60):
                    while not await evaluate(socket, 'document.querySelector("video") !== null'):
                        await asyncio.sleep(0.1)
                yield socket
    finally:
        process.terminate()
        process.wait(30)


async def evaluate(socket: aiohttp.ClientWebSocketResponse, expression: str) -> Any:
    parameters = {"expression": expression, "awaitPromise": True, "returnByValue": True}
    await socket.send_json({"id": 1, "method": "Runtime.evaluate", "params": parameters})
    async with asyncio.timeout(60):
        while True:
            message = json.loads((await socket.receive()).data)
            if message.get("id") == 1:
                assert "exceptionDetails" not in message["result"], message
                return message["result"]["result"]["value"]


@pytest.mark.parametrize("public", [True, False])
async def test_the_demo_video_reaches_canplay(
    chromium: str, emulator: Emulator, tmp_path: Path, public: bool
) -> None:
    film = tmp_path / "film.mp4"
    await make_video(film, 12 * MIB)
    async with ApiVideoClient(emulator.api_key, base_url=emulator.url) as client:
        video = await client.upload(film, title="Film", public=public)
        await client.videos.wait_until_playable(video.video_id, timeout=30)
        if not public:
            video = await client.videos.get(video.video_id)  # The token in an address works once.
    assert video.assets is not None
    assert video.assets.player is not None
    async with page(chromium, video.assets.player, tmp_path / "profile") as socket:
        shown = await evaluate(socket, PLAYS)
    assert shown["state"] >= 3
    assert shown["width"] > 0
    assert shown["seconds"] > 0
