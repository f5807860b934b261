"""The dashboard of the emulator in a browser: live chunk map, switches, details, accessibility."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from apivideo_async import ApiVideoClient, NotFoundError, Source, UploadOptions
from apivideo_async.emulator import Emulator

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
CHUNK = 5 * MIB
SECTIONS = ("videos", "requests", "webhooks", "faults", "quirks", "plays")


class Gate:
    """The source of an upload whose chunks are read only when the test lets them pass."""

    name = "gated.mp4"

    def __init__(self, chunks: int) -> None:
        self.size = chunks * CHUNK
        self.passes = [asyncio.Event() for _ in range(chunks)]


@pytest.fixture
async def gate(client: ApiVideoClient, emu: Emulator) -> AsyncIterator[tuple[Gate, str]]:
    """An upload in progress, with half of each chunk but the last."""
    gate = Gate(8)

    class Gated(Source):
        name, size = gate.name, gate.size

        async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
            half = size // 2
            yield bytes(half)
            await gate.passes[start // CHUNK].wait()
            yield bytes(size - half)

    video = await client.videos.create(title="Gated")
    options = UploadOptions(chunk_size=CHUNK, concurrency=8)
    upload = asyncio.create_task(client.videos.upload(video.video_id, Gated(), options=options))
    yield gate, video.video_id
    for each in gate.passes:
        each.set()
    await upload


async def states(page: Page) -> list[str]:
    """The states of the first seven of eight chunks; the last one is sent later."""
    shown = await page.locator("#uploads .map .cell").evaluate_all(
        "cells => cells.map(cell => cell.className.split(' ')[1])"
    )
    return shown[:7] if len(shown) == 8 else shown
    return shown[:7] if len(shown) == 8 else shown


async def until(page: Page, wanted: list[str]) -> None:
    try:
        async with asyncio.timeout(60):
            while (shown := await states(page)) != wanted:
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"the map shows {shown}, not {wanted}")


async def test_the_chunk_map_fills_out_of_order_during_an_upload(
    page: Page, emu: Emulator, gate: tuple[Gate, str]
) -> None:
    passes = gate[0].passes
    await page.goto(emu.url)
    await until(page, ["arriving"] * 7)
    cells = page.locator("#uploads .map .cell")
    # Half of each chunk has arrived.
    async with asyncio.timeout(60):
        while await cells.nth(6).evaluate("cell => cell.style.getPropertyValue('--fill')") != "50%":
            await asyncio.sleep(0.05)
    for passed in ((5,), (5, 2), (5, 2, 6)):
        passes[passed[-1]].set()
        await until(page, ["received" if at in passed else "arriving" for at in range(7)])
    await cells.nth(2).focus()
    line = page.locator("#uploads .chunk")
    await expect(line).to_contain_text("bytes 10,485,760 to 15,728,639, received, attempt 1, 5 MiB")
    await page.keyboard.press("ArrowRight")
    await expect(line).to_contain_text("bytes 15,728,640 to 20,971,519, arriving")


async def test_a_fault_that_is_added_on_the_page_affects_the_next_request(
    page: Page, emu: Emulator, client: ApiVideoClient
) -> None:
    await page.goto(f"{emu.url}/#faults")
    form = page.locator("#fault-form")
    await form.get_by_label("Operation").select_option("tags.list")
    await form.get_by_label("Action").select_option("status")
    await form.get_by_label("Status", exact=True).fill("404")
    await expect(page.locator("#fault-python")).to_have_text(
        'emu.faults.add(Fault("tags.list", "status", status=404))'
    )
    await form.get_by_role("button", name="Add").click()
    await expect(page.locator("#fault-list")).to_contain_text("status for tags.list, 1 time more")
    with pytest.raises(NotFoundError):
        await client.tags.list()
    await expect(page.locator("#fault-list")).to_contain_text("fired 1 time")
    assert (await client.tags.list()).data == []


async def test_a_quirk_that_is_switched_on_the_page_affects_the_next_request(
    page: Page, emu: Emulator, client: ApiVideoClient
) -> None:
    await page.goto(f"{emu.url}/#quirks")
    switch = page.locator('.quirk[data-name="problem-json"]').get_by_role("checkbox")
    await switch.check()
    await expect(page.locator("#quirk-count")).to_have_text("1 quirk")
    with pytest.raises(NotFoundError):
        await client.videos.get("viNone")
    answer = emu._log.details(emu.requests[-1].number)
    assert answer is not None
    assert answer.response_headers["Content-Type"].startswith("application/problem+json")
    await switch.uncheck()
    await expect(page.locator("#quirk-count")).to_have_text("no quirks")
    assert dict(emu.quirks) == {}


async def test_the_commands_that_the_page_shows_do_the_same(page: Page, emu: Emulator) -> None:
    """The curl command of a fault adds it, the Python text of a quirk sets it."""
    await page.goto(f"{emu.url}/#faults")
    await page.locator("#fault-form").get_by_label("Action").select_option("rate-limit")
    command = await page.locator("#fault-curl").text_content() or ""
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert json.loads((await process.communicate())[0]) == {"faults": 1}
    await expect(page.locator("#fault-list")).to_contain_text("rate-limit for videos.upload")
    await page.goto(f"{emu.url}/#quirks")
    text = await page.locator('.quirk[data-name="list-delay"] pre').text_content() or ""
    exec(text.splitlines()[0], {"emu": emu})
    await expect(page.locator("#quirk-count")).to_have_text("1 quirk")


async def test_a_request_opens_with_its_headers_and_without_secrets(
    page: Page, emu: Emulator, client: ApiVideoClient
) -> None:
    await client.videos.create(title="Shown <b>as text</b>")
    await page.goto(f"{emu.url}/#requests")
    await page.get_by_label("Search").locator("visible=true").fill("videos.create")
    await page.get_by_role("button", name="Details of request").click()
    details = page.locator("#details")
    await expect(details).to_contain_text("Shown <b>as text</b>")
    await expect(details).to_contain_text("Authorization: ***")
    await expect(details).to_contain_text("curl -X POST")
    text = await page.content()
    assert "secret-of-this-test" not in text
    await page.keyboard.press("Escape")
    await expect(details).to_be_hidden()


async def test_samples_and_reset_change_the_page_at_once(page: Page, emu: Emulator) -> None:
    await page.goto(emu.url)
    await page.get_by_role("button", name="Add samples").click()
    await expect(page.locator("#video-list > li")).to_have_count(5)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Reset").click()
    await expect(page.locator("#video-list .video")).to_have_count(0)
    assert len(emu.state.videos) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_section_has_a_serious_problem_of_accessibility(
    page: Page, emu: Emulator, client: ApiVideoClient, scheme: str
) -> None:
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(emu.url)
    await page.get_by_role("button", name="Add samples").click()
    await client.upload(bytes(12 * MIB), title="Uploaded", options=UploadOptions(chunk_size=CHUNK))
    for section in SECTIONS:
        await page.goto(f"{emu.url}/#{section}")
        await expect(page.locator(f"#{section}")).to_be_visible()
        found = (await Axe().run(page)).response["violations"]
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        assert serious == [], section


async def test_the_page_fits_360_pixels(page: Page, emu: Emulator) -> None:
    await page.set_viewport_size({"width": 360, "height": 700})
    await page.goto(emu.url)
    await page.get_by_role("button", name="Add samples").click()
    await expect(page.locator("#video-list > li")).to_have_count(5)
    for section in SECTIONS:
        await page.goto(f"{emu.url}/#{section}")
        await expect(page.locator(f"#{section}")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, section


async def test_ten_thousand_requests_and_500_videos_leave_the_page_usable(
    page: Page, emu: Emulator
) -> None:
    """Each filter shows its rows; at most 200 lines are in the document."""
    for number in range(500):
        emu.state.create_video({"title": f"Video {number}"})
    for number in range(10_000):
        name = f"/videos/vi{number}"
        emu._log.open("GET", name, "", "videos.get", None).end(404 if number % 2 else 200)
    await page.goto(f"{emu.url}/#requests")
    await expect(page.locator("#count-requests")).to_have_text("10,000")
    await expect(page.locator("#request-list > tr")).to_have_count(200)
    await page.get_by_label("Search").locator("visible=true").fill("/videos/vi77")
    await expect(page.locator("#request-more")).to_have_text("")
    await expect(page.locator("#request-list > tr")).to_have_count(111)
    await page.goto(f"{emu.url}/#videos")
    await expect(page.locator("#video-list > li")).to_have_count(200)
    await page.get_by_label("Search").locator("visible=true").fill("Video 499")
    await expect(page.locator("#video-list > li")).to_have_count(1)


async def test_the_page_polls_where_events_do_not_arrive(page: Page, emu: Emulator) -> None:
    await page.route("**/_emulator/updates", lambda route: route.fulfill(status=404))
    await page.goto(emu.url)
    await expect(page.locator("#connection")).to_have_text("polling")
    emu.state.create_video({"title": "Later"})
    await expect(page.locator("#video-list")).to_contain_text("Later")
