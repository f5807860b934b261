"""`delegated_tokens.html` in a real browser: chunks with one video id, a lost answer survived, the token given back."""

import asyncio
import hashlib
import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, web

from apivideo_async.emulator import Emulator, Fault

MIB = 1024 * 1024
BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium here")]

Load = Callable[[str], ModuleType]
MakeFile = Callable[[str, int], Path]


class Tab:
    """A tab of the browser, driven through the DevTools protocol."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0

    async def call(self, method: str, **params: Any) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while (said := await self._socket.receive_json()).get("id") != self._number:
            pass
        assert "error" not in said, said
        return said["result"]

    async def evaluate(self, code: str) -> Any:
        return (await self.call("Runtime.evaluate", expression=code))["result"].get("value")

    async def until(self, code: str) -> Any:
        """Wait until an expression is true."""
        async with asyncio.timeout(20):
            while not (value := await self.evaluate(code)):
                await asyncio.sleep(0.05)
            return value

    async def choose_file(self, selector: str, path: Path) -> None:
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        await self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    """A fresh browser."""
    process = await asyncio.create_subprocess_exec(
        *(BROWSER or "", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--no-first-run", "--remote-debugging-port=0", f"--user-data-dir={tmp_path / 'profile'}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        said = ""
        while (found := re.search(r"listening on ws://([^/]+)/", said)) is None:
            line = await asyncio.wait_for(process.stderr.readline(), 20)
            assert line, said
            said += line.decode()
        rest = asyncio.create_task(process.stderr.read())
        async with ClientSession() as session:
            async with session.get(f"http://{found[1]}/json/list") as answer:
                address = next(target for target in await answer.json() if target["type"] == "page")
            async with session.ws_connect(address["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Tab(socket)
    finally:
        process.terminate()
        await process.wait()
        await rest


@pytest.fixture
async def backend(load: Load, emulator: Emulator) -> AsyncIterator[str]:
    """The example with a login of the test's own: a cookie."""

    async def cookie(request: web.Request) -> str | None:
        return request.cookies.get("user")

    runner = web.AppRunner(load("delegated_tokens_server").create_app(cookie))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def page(tab: Tab, backend: str) -> Tab:
    """The upload page, Bob signed in."""
    await tab.call("Network.setCookie", name="user", value="bob", url=backend)
    await tab.call("Page.navigate", url=backend)
    await tab.until("document.readyState === 'complete' && !!document.getElementById('send')?.onclick")
    return tab


RESULT = "/^(Uploaded as|Not uploaded)/.test(byId.textContent) && byId.textContent".replace(
    "byId", "document.getElementById('state')"
)


async def upload(page: Tab, path: Path) -> str:
    await page.choose_file("#file", path)
    await page.evaluate("document.getElementById('send').click()")
    return str(await page.until(RESULT))


async def test_a_file_goes_up_in_chunks_even_when_an_answer_is_lost(
    page: Tab, emulator: Emulator, make_file: MakeFile
) -> None:
    movie = make_file("holiday film.mp4", 35 * MIB)
    emulator.faults.add(Fault("videos.upload_with_token", "drop-response", nth=2))
    said = await upload(page, movie)
    (video_id,) = emulator.world.videos
    assert said == f"Uploaded as {video_id}."
    assert emulator.sha256(video_id) == hashlib.sha256(movie.read_bytes()).hexdigest()
    assert emulator.world.videos[video_id].attributes["title"] == "holiday film.mp4"
    sent = [record for record in emulator.requests if record.operation == "videos.upload_with_token"]
    assert [record.content_range for record in sent] == ["part 1/3", "part 2/3", "part 2/3", "part 3/3"]
    assert await page.evaluate("document.getElementById('progress').value") == 1
    assert emulator.world.upload_tokens == {}


async def test_a_small_file_is_one_request_and_a_refusal_is_shown(
    page: Tab, emulator: Emulator, make_file: MakeFile
) -> None:
    clip = make_file("clip.mp4", 1000)
    emulator.faults.add(Fault("videos.upload_with_token", "status", status=403, body={"title": "Not today."}))
    assert await upload(page, clip) == "Not uploaded: Not today."
    await page.evaluate("document.getElementById('state').textContent = ''")
    assert (await upload(page, clip)).startswith("Uploaded as vi")
    assert [record.content_range for record in emulator.requests if record.path == "/upload"] == [None, None]
    assert emulator.world.upload_tokens == {}
