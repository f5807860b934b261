"""The report of an ingestion in a browser: the list of all items, its filters, accessibility."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.ingest import Ingest, IngestOptions, Item, write_report

pytestmark = pytest.mark.slow


@pytest.fixture
async def emu() -> AsyncIterator[Emulator]:
    async with Emulator(api_key="secret-of-this-test") as running:
        yield running


@pytest.fixture
async def report(client: ApiVideoClient, emu: Emulator, tmp_path: Path) -> Path:
    """250 items of an ingestion, three of which failed."""
    emu.faults.add(Fault("videos.create", "status", status=403, nth=5))
    movie = tmp_path / "movie.mp4"
    movie.write_bytes(b"bytes")
    items = [Item(key=f"item {number}", uri=str(movie)) for number in range(248)]
    items += [Item(key=f"no {number}", uri=str(tmp_path / f"{number}.mp4")) for number in range(2)]
    options = IngestOptions(attempts=1)
    async with Ingest(client, tmp_path / "ledger.db", options=options) as ingest:
        async for _ in ingest.run(items):
            pass
        await write_report(ingest.ledger, tmp_path / "report.html", base_url=emu.url)
    return tmp_path / "report.html"


async def test_failures_lead_to_their_items_and_the_filters_to_all(
    page: Page, report: Path
) -> None:
    await page.goto(report.as_uri())
    await expect(page.locator("h2").first).to_have_text("Failures: action required")
    await expect(page.locator("#count")).to_have_text(
        "The first 200 of 250 items. Use the filters for others."
    )
    await page.locator(".failure", has_text="missing").get_by_role("button").click()
    await expect(page.locator("#item-list > tr")).to_have_count(2)
    await page.locator("#cause").select_option("")
    await page.locator("#state").select_option("done")
    link = page.locator("#item-list a").first
    address = await link.get_attribute("href") or ""
    await page.goto(address)
    await expect(page.locator("#player")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_report_has_no_serious_problem_of_accessibility(
    page: Page, report: Path, scheme: str
) -> None:
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(report.as_uri())
    found = (await Axe().run(page)).response["violations"]
    assert [each for each in found if each["impact"] in ("serious", "critical")] == []
    await page.set_viewport_size({"width": 360, "height": 700})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
