"""Pages in a real Chromium, driven with Playwright."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A fresh browser of the system; Playwright's own is not downloaded."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have Chromium: `make browser` installs it")
        pytest.skip("no Chromium on this machine (`make browser` installs it where apt-get can)")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=found, args=[*FLAGS])
        yield chromium
        await chromium.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page that fails the test if a script fails or the policy of the page refuses something."""
    context = await browser.new_context(viewport={"width": 1200, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(60_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield page
    assert problems == []


async def until_true(page: Page, expression: str) -> None:
    """Wait for an expression. Playwright's own function needs ``eval``, which pages forbid."""
    async with asyncio.timeout(60):
        while not await page.evaluate(expression):
            await asyncio.sleep(0.05)


@pytest.fixture
async def emu() -> AsyncIterator[Emulator]:
    async with Emulator(api_key="secret-of-this-test", rate_limits="production") as running:
        yield running


@pytest.fixture
async def client(emu: Emulator) -> AsyncIterator[ApiVideoClient]:
    async with ApiVideoClient("secret-of-this-test", base_url=emu.url) as made:
        yield made
