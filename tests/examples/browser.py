"""A real browser, driven through the DevTools protocol."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)

needs_browser = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium here")]


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
        async with asyncio.timeout(60):
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
        *(
            BROWSER or "",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ),
        *(
            "--no-first-run",
            "--remote-debugging-port=0",
            f"--user-data-dir={tmp_path / 'profile'}",
            "about:blank",
        ),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        said = ""
        while (found := re.search(r"listening on ws://([^/]+)/", said)) is None:
            line = await asyncio.wait_for(process.stderr.readline(), 60)
            assert line, said
            said += line.decode()
        rest = asyncio.create_task(process.stderr.read())
        async with ClientSession() as session:
            async with session.get(f"http://{found[1]}/json/list") as answer:
                address = next(target for target in await answer.json() if target["type"] == "page")
            async with session.ws_connect(
                address["webSocketDebuggerUrl"], max_msg_size=0
            ) as socket:
                yield Tab(socket)
    finally:
        process.terminate()
        await process.wait()
        await rest
