"""The player page in a browser: captions, chapters, theme and URL fragments."""

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from apivideo_async import ApiVideoClient
from apivideo_async.cli.commands.demo.media import make_video
from apivideo_async.emulator import Emulator
from apivideo_async.models import Video

from .conftest import until_true

pytestmark = pytest.mark.slow

CAPTIONS = b"WEBVTT\n\n00:00:00.000 --> 01:00:00.000\nA caption.\n"
CHAPTERS = (
    b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nBeginning\n\n00:00:01.000 --> 00:00:09.000\nMiddle\n"
)


@pytest.fixture
async def video(client: ApiVideoClient, tmp_path: Path) -> Video:
    """A playable video with captions in two languages, chapters and a theme."""
    theme = await client.players.create(
        name="Red", track_played="rgba(255, 0, 0, 1)", hide_title=False
    )
    movie, logo = tmp_path / "movie.mp4", tmp_path / "logo.png"
    await make_video(movie, 14 * 2**20)
    logo.write_bytes(b"\x89PNG\r\n\x1a\n")
    await client.players.upload_logo(theme.player_id, logo, link="javascript:alert(1)")
    made = await client.upload(movie, title="Shown <title>", player_id=theme.player_id)
    (tmp_path / "words.vtt").write_bytes(CAPTIONS)
    (tmp_path / "chapters.vtt").write_bytes(CHAPTERS)
    for language in ("fr", "en"):
        await client.captions.upload(made.video_id, language, tmp_path / "words.vtt")
    await client.chapters.upload(made.video_id, "en", tmp_path / "chapters.vtt")
    return await client.videos.get(made.video_id)


async def open_player(page: Page, video: Video, fragments: str = "") -> None:
    assert video.assets is not None
    await page.goto(f"{video.assets.player}{fragments}")
    await until_true(page, "document.querySelector('video').duration > 1")


async def showing(page: Page) -> list[str]:
    """The languages of the captions on the screen."""
    return list(
        await page.evaluate(
            "[...document.querySelector('video').textTracks].filter(track =>"
            " track.kind === 'captions' && track.mode === 'showing').map(track => track.language)"
        )
    )


async def test_title_captions_chapters_and_theme_are_shown(page: Page, video: Video) -> None:
    await open_player(page, video)
    await expect(page.locator("#title")).to_have_text("Shown <title>")
    colour = "getComputedStyle(document.documentElement).getPropertyValue('--trackPlayed')"
    assert await page.evaluate(colour) == "rgba(255, 0, 0, 1)"
    assert await showing(page) == []
    await page.get_by_label("Captions").select_option("fr")
    assert await showing(page) == ["fr"]
    chapters = page.get_by_label("Chapter")
    await expect(chapters.locator("option")).to_have_text(["0:00 Beginning", "0:01 Middle"])
    await chapters.select_option(label="0:01 Middle")
    await expect(page.locator("#time")).to_contain_text("0:01 /")
    assert await page.locator("#logo").get_attribute("href") is None, "a script is no link"


async def test_fragments_change_the_player(page: Page, video: Video) -> None:
    await open_player(page, video, "#hide-title;hide-controls;loop;show-subtitles")
    await expect(page.locator("#title")).to_be_hidden()
    await expect(page.locator("#controls")).to_be_hidden()
    assert await page.evaluate("document.querySelector('video').loop") is True
    assert await showing(page) == ["fr"]


async def test_a_part_of_the_video_plays_and_stops(page: Page, video: Video) -> None:
    await open_player(page, video, "#autoplay;t=0:00.2,0.6")
    await until_true(page, "document.querySelector('video').currentTime >= 0.6")
    await until_true(page, "document.querySelector('video').paused")


async def test_the_captions_that_are_the_default_are_shown(
    page: Page, client: ApiVideoClient, video: Video
) -> None:
    await client.captions.update(video.video_id, "en", default=True)
    await open_player(page, video)
    assert await showing(page) == ["en"]


async def test_a_private_video_plays_with_its_captions(
    page: Page, client: ApiVideoClient, video: Video
) -> None:
    """The token is used by the page; everything else is loaded with the session."""
    await client.videos.update(video.video_id, public=False)
    await open_player(page, await client.videos.get(video.video_id), "#show-subtitles")
    await until_true(page, "document.querySelector('video').textTracks[0].cues?.length === 1")


async def test_the_keyboard_controls_the_player(page: Page, video: Video) -> None:
    await open_player(page, video)
    await page.get_by_role("button", name="Play").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Pause")).to_be_focused()
    found = (await Axe().run(page)).response["violations"]
    assert [each for each in found if each["impact"] in ("serious", "critical")] == []


async def test_the_theme_hides_controls_and_starts_the_video(
    page: Page, client: ApiVideoClient, video: Video, emu: Emulator
) -> None:
    assert video.player_id is not None
    await client.players.update(
        video.player_id, enable_controls=False, hide_title=True, force_autoplay=True
    )
    assert video.assets is not None
    await page.goto(str(video.assets.player))
    await until_true(page, "!document.querySelector('video').paused")
    await expect(page.locator("#controls")).to_be_hidden()
    await expect(page.locator("#title")).to_be_hidden()
