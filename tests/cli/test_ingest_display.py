"""The display of an ingestion fits the screen and shows its state."""

from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from apivideo_async.cli.commands.ingest.display import log_line, screen_lines
from apivideo_async.cli.commands.ingest.progress import RATE_WINDOW, IngestProgress, Snapshot
from apivideo_async.ingest.ingestion import Activity
from apivideo_async.ingest.items import Item, Totals
from apivideo_async.rate_limit.limiter import RequestBudget
from apivideo_async.uploads.progress import Meter

MIB = 1024 * 1024
BUDGETS = (
    RequestBudget("uploads", 100, 23, 0),
    RequestBudget("writes", None, None, 0),
    RequestBudget("reads", 500, 499, 0),
)
BUSY = Snapshot(
    done=1234,
    failed=12,
    working=16,
    total=2000,
    chunks=40,
    bytes=30 * MIB,
    rate=12.5 * MIB,
    items_rate=3.25,
    eta=75.0,
    budgets=BUDGETS,
    failures=(
        "/a name that is longer than any line of any screen " * 5,
        "東京" * 60,
        "a\x1b[31m\nb",
    ),
)


@pytest.mark.parametrize("width", [1, 20, 40, 79, 80, 120, 200])
@pytest.mark.parametrize(
    "seen", [Snapshot(), BUSY, Snapshot(listing=True, total=10_000_000, done=9_999_999)]
)
def test_no_line_is_wider_than_the_screen_or_breaks(width: int, seen: Snapshot) -> None:
    for line in screen_lines(seen, width, unicode=True):
        assert cell_len(line.plain) <= width
        assert not {"\n", "\x1b"} & set(line.plain)


def test_the_bar_shows_done_failed_and_current_items() -> None:
    bar = screen_lines(Snapshot(done=50, failed=25, working=10, total=100), 120, unicode=False)[
        0
    ].plain
    assert [bar.count(glyph) for glyph in "#x=-"] == [30, 15, 6, 9]
    assert bar.endswith("50 of 100 items done  50%, 25 failed")


def test_the_display_shows_counts_rates_and_budgets() -> None:
    lines = [line.plain for line in screen_lines(BUSY, 200, unicode=True)]
    assert "1,234 of 2,000 items done  62%, 12 failed" in lines[0]
    assert (
        lines[1]
        == "16 in progress, 40 chunks, 30.0 MiB in flight | 12.5 MiB/s, 3.2 items/s | 1:15 left"
    )
    assert lines[2] == "requests left in this minute: uploads 23 of 100, reads 499 of 500"
    assert log_line(BUSY) == (
        "1,234 of 2,000 items done, 12 failed, 16 in progress, 12.5 MiB/s, 1:15 left, "
        "uploads 23 of 100, reads 499 of 500"
    )
    assert "10+" in log_line(Snapshot(total=10, listing=True)), "a number that grows is marked"


def test_the_rate_covers_only_the_last_seconds() -> None:
    meter = Meter(0.0, window=RATE_WINDOW)
    for second in range(1, 31):
        meter.add(10, float(second))
    assert meter.rate(30.0) == pytest.approx(10.0, rel=0.1)
    for second in range(31, 100):
        meter.add(1, float(second))
    assert meter.rate(99.0) == pytest.approx(1.0, rel=0.1)


def test_rates_are_reported_after_the_first_second() -> None:
    ingest: Any = SimpleNamespace(activity=Activity(added=10, added_bytes=1000))
    client: Any = SimpleNamespace(budget=lambda name: RequestBudget(name, None, None, 0))
    progress = IngestProgress(ingest, client, Totals(), 0.0)
    result: Any = SimpleNamespace(item=Item(key="k", uri="/a.mp4", size=100), outcome="done")
    progress.add_result(result, 0.4)
    early = progress.snapshot(0.5)
    assert (early.done, early.total, early.items_rate, early.eta) == (1, 10, 0.0, None)
    later = progress.snapshot(2.0)
    assert (later.items_rate, later.eta) == (pytest.approx(0.5), pytest.approx(18.0))
