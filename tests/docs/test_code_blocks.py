"""Every block of code in README.md and docs/ works, against one emulator for each page."""

from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator

from .page_run import DSN, SECRET, PageRun, make_files
from .pages import ROOT, Block, blocks_of, code_pages

EXECUTED = ("python", "sh", "check", "json", "toml")
BLOCKS = [(page, list(blocks_of(page))) for page in code_pages()]
PAGES = {
    str(page.relative_to(ROOT)): blocks
    for page, blocks in BLOCKS
    if any(block.language in EXECUTED for block in blocks)
}
COMMANDS = 3
"""Pages with more commands than this, or with servers, are marked ``slow``: each is a process."""
PENDING: set[str] = set()
"""Pages that do not work yet. Remove a page here when its test passes."""
SKIPPED = 6
"""The number of blocks that are not executed. Raise it only with a reason in the page."""


def skipped(block: Block) -> bool:
    return block.instruction.startswith("skip")


def marks(name: str) -> list[pytest.MarkDecorator]:
    commands = sum(
        block.code.count("apivideo ")
        for block in PAGES[name]
        if block.language == "sh" and not skipped(block)
    )
    servers = any(block.instruction.startswith("background") for block in PAGES[name])
    pending = [pytest.mark.xfail(strict=True)] if name in PENDING else []
    return [*pending, *([pytest.mark.slow] if servers or commands > COMMANDS else [])]


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in PAGES])
async def test_every_block_of_a_page_works(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    needs_database = any(DSN in block.code for block in PAGES[name] if not skipped(block))
    dsn = request.getfixturevalue("postgres_dsn") if needs_database else None
    make_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APIVIDEO_WEBHOOK_SECRET", SECRET)
    with Emulator(webhook_pause=0.01).in_thread() as emu:
        monkeypatch.setenv("APIVIDEO_API_KEY", emu.api_key)
        monkeypatch.setenv("APIVIDEO_BASE_URL", emu.url)
        async with ApiVideoClient() as client:
            run = PageRun(tmp_path, emu, client)
            try:
                await run.prepare(dsn)
                for block in PAGES[name]:
                    if not skipped(block):
                        await run.run(block)
            except Exception as error:
                error.add_note(f"in the block {block.place}")
                raise
            finally:
                run.close()


def test_every_skip_has_a_reason() -> None:
    skips = [block for blocks in PAGES.values() for block in blocks if skipped(block)]
    assert [block.place for block in skips if len(block.instruction.split()) < 3] == []


def test_the_number_of_skipped_blocks_is_known() -> None:
    skips = [block.place for blocks in PAGES.values() for block in blocks if skipped(block)]
    assert len(skips) == SKIPPED, skips


def test_instructions_are_those_of_the_convention() -> None:
    """A misspelt instruction would have no effect."""
    words = ("", "skip:", "background", "exit", "file", "excerpt")
    wrong = [
        block.place
        for blocks in PAGES.values()
        for block in blocks
        if block.instruction.partition(" ")[0] not in words
    ]
    assert wrong == []
