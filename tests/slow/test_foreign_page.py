"""A page of another origin in a browser cannot control the emulator; it can upload with a token."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator
from tests.examples.browser import Tab, needs_browser, tab

__all__ = ["tab"]

pytestmark = needs_browser

ATTEMPTS = """
(async () => {
  const results = {};
  const attempt = async (name, path, options) => {
    try {
      const answer = await fetch(EMULATOR + path, options);
      results[name] = answer.type === "opaque" ? "opaque" : answer.status;
    } catch (error) { results[name] = error.name; }
  };
  await attempt("read", "/_emulator/requests");
  await attempt("page", "/");
  await attempt("fault", "/_emulator/faults", {method: "POST", body: RULES});
  await attempt("blind fault", "/_emulator/faults", {method: "POST", mode: "no-cors", body: RULES});
  await attempt("delete", "/_emulator/requests", {method: "DELETE"});
  await attempt("key", "/auth/api-key",
    {method: "POST", body: JSON.stringify({apiKey: "emulator-api-key"})});
  await attempt("videos", "/videos");
  const form = new FormData();
  form.append("file", new Blob(["video"]), "clip.mp4");
  await attempt("upload", "/upload?token=" + TOKEN, {method: "POST", body: form});
  const image = new Image();
  await new Promise((done) => {
    image.onload = image.onerror = done; image.src = EMULATOR + "/_emulator/health"; });
  window.results = JSON.stringify(results);
})()
"""


@pytest.fixture
async def page() -> AsyncIterator[str]:
    """An empty page; its origin is another one than the emulator's."""

    async def serve(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>foreign</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://localhost:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_foreign_page_uploads_with_a_token_and_does_nothing_else(
    tab: Tab, page: str
) -> None:
    async with Emulator() as emu, ApiVideoClient(emu.api_key, base_url=emu.url) as client:
        token = (await client.upload_tokens.create()).token
        rules = json.dumps([{"operation": "*", "action": "status"}])
        await tab.call("Page.navigate", url=page)
        await tab.until("document.title === 'foreign'")
        code = ATTEMPTS.replace("EMULATOR", json.dumps(emu.url)).replace("TOKEN", json.dumps(token))
        await tab.evaluate(code.replace("RULES", json.dumps(rules)))
        results = json.loads(await tab.until("window.results"))
        assert len(emu.faults) == 0
        assert emu.requests != []
        assert [emu.size(video_id) for video_id in emu.state.videos] == [len(b"video")]
    refused = ("read", "page", "fault", "blind fault", "delete")
    assert results == {
        **dict.fromkeys(refused, "TypeError"),
        "key": 400,
        "videos": 401,
        "upload": 201,
    }
