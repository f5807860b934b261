"""`delegated_tokens.html` in a browser: chunks of one video, a lost response, a deleted token."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp import web

from apivideo_async.emulator import Emulator, Fault

from .browser import Tab, needs_browser, tab

__all__ = ["tab"]

MIB = 1024 * 1024
pytestmark = needs_browser

Load = Callable[[str], ModuleType]
MakeFile = Callable[[str, int], Path]


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
    await tab.until(
        "document.readyState === 'complete' && !!document.getElementById('send')?.onclick"
    )
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
    (video_id,) = emulator.state.videos
    assert said == f"Uploaded as {video_id}."
    assert emulator.sha256(video_id) == hashlib.sha256(movie.read_bytes()).hexdigest()
    assert emulator.state.videos[video_id].attributes["title"] == "holiday film.mp4"
    sent = [
        record for record in emulator.requests if record.operation == "videos.upload_with_token"
    ]
    assert [record.content_range for record in sent] == [
        "part 1/3",
        "part 2/3",
        "part 2/3",
        "part 3/3",
    ]
    assert await page.evaluate("document.getElementById('progress').value") == 1
    assert emulator.state.upload_tokens == {}


async def test_a_small_file_is_one_request_and_a_refusal_is_shown(
    page: Tab, emulator: Emulator, make_file: MakeFile
) -> None:
    clip = make_file("clip.mp4", 1000)
    emulator.faults.add(
        Fault("videos.upload_with_token", "status", status=403, body={"title": "Not today."})
    )
    assert await upload(page, clip) == "Not uploaded: Not today."
    await page.evaluate("document.getElementById('state').textContent = ''")
    assert (await upload(page, clip)).startswith("Uploaded as vi")
    assert [record.content_range for record in emulator.requests if record.path == "/upload"] == [
        None,
        None,
    ]
    assert emulator.state.upload_tokens == {}
