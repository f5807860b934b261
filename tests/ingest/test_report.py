"""Reports: correct counts, bounded memory, no secrets, and no partial files."""

import base64
import csv
import hashlib
import html
import io
import json
import os
import re
import sqlite3
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import ApiVideoError, ConfigurationError, LedgerError
from apivideo_async.ingest import failures
from apivideo_async.ingest.failures import advice_for
from apivideo_async.ingest.ledger.ledger import Ledger, Usage
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger
from apivideo_async.ingest.reports.data import MAX_BUCKETS, Timeline, collect
from apivideo_async.ingest.reports.files import check_report, to_document, write_report

BEGIN = 1_790_000_000.0
MIB = 1024 * 1024
COLUMNS = (
    "key",
    "uri",
    "size",
    "fields",
    "strategy",
    "state",
    "started_at",
    "finished_at",
    "cause",
    "message",
    "attempts",
    "video_id",
    "added_at",
    "sent",
)
SECRET = "X-Amz-Signature=5ec7e7"


def row(number: int, state: str = "done", **changes: Any) -> tuple[Any, ...]:
    """An item that took ``number`` tenths of a second."""
    finished = None if state in ("new", "uploading") else BEGIN + number + number / 10
    given = {
        "key": f"k{number}",
        "uri": f"s3://bucket/{number}.mp4",
        "size": MIB,
        "fields": "{}",
        "strategy": "stream",
        "state": state,
        "started_at": BEGIN + number,
        "finished_at": finished,
        "cause": None,
        "message": None,
        "attempts": 0,
        "video_id": f"vi{number}",
        "added_at": BEGIN,
        "sent": MIB,
        **changes,
    }
    return tuple(given[name] for name in COLUMNS)


def insert(path: Path, rows: Iterator[tuple[Any, ...]]) -> None:
    with sqlite3.connect(path) as connection:
        marks = ", ".join("?" for _ in COLUMNS)
        connection.executemany(
            f"INSERT INTO apivideo_ingest_items ({', '.join(COLUMNS)}) VALUES ({marks})", rows
        )
    connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[Ledger]:
    opened = await open_sqlite_ledger(path)
    yield opened
    await opened.aclose()


class Page(HTMLParser):
    """Checks that tags are balanced, and collects the addresses that a browser would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.captions = self.tables = 0
        self.addresses: list[str | None] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [
            value for name, value in attrs if name in ("src", "href", "srcset", "action")
        ]
        self.captions += tag == "caption"
        self.tables += tag == "table"
        if tag not in ("meta", "line", "br", "input", "!doctype"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_everything_is_counted_once_by_state_cause_and_time(
    ledger: Ledger, path: Path
) -> None:
    failed = {"cause": "connection", "message": "no answer"}
    insert(
        path,
        iter(
            [
                *(row(number) for number in range(1, 31)),
                *(row(number, "failed", **failed) for number in range(31, 38)),
                row(38, "quarantined", cause="duplicate", message="two videos"),
                *(row(number, "new", started_at=None, sent=0) for number in range(39, 42)),
            ]
        ),
    )
    report = await collect(ledger)
    assert report.totals == await ledger.totals()
    assert (report.started, report.ended) == (BEGIN + 1, BEGIN + 38 + 3.8)
    assert sum(bucket.items for bucket in report.timeline) == 30
    assert sum(bucket.bytes for bucket in report.timeline) == 30 * MIB
    assert [(each.cause, each.count, each.message) for each in report.failures] == [
        ("connection", 7, "no answer"),
        ("duplicate", 1, "two videos"),
    ]
    assert report.failures[0].uris == [f"s3://bucket/{number}.mp4" for number in range(31, 38)]
    assert [slow.uri for slow in report.slowest] == [
        f"s3://bucket/{number}.mp4" for number in range(30, 10, -1)
    ]
    assert report.slowest[0].seconds == pytest.approx(3.0, abs=1e-5)
    assert [waiting.uri for waiting in report.waiting] == [
        f"s3://bucket/{number}.mp4" for number in range(39, 42)
    ]


async def test_the_budget_is_shown_by_minute_and_class_with_its_share(ledger: Ledger) -> None:
    minute = int(BEGIN // 60)
    counts = (("one", 60), ("two", 35))
    for owner, requests in counts:
        used = Usage(
            minute=minute, limit_class="uploads", requests=requests, refused=1, allowed=100
        )
        await ledger.note_usage(
            owner, [used, Usage(minute=minute, limit_class="reads", requests=3)]
        )
    usage = to_document(await collect(ledger))["usage"]
    assert [
        (each["limitClass"], each["requests"], each["refused"], each["share"]) for each in usage
    ] == [
        ("reads", 6, 0, None),
        ("uploads", 95, 2, 0.95),
    ]


async def test_an_empty_ledger_has_a_report_too(ledger: Ledger, tmp_path: Path) -> None:
    for name in ("r.html", "r.json", "r.csv"):
        await write_report(ledger, tmp_path / name)
    Page((tmp_path / "r.html").read_text())
    assert json.loads((tmp_path / "r.json").read_text())["states"] == {}
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 1


async def test_the_page_is_one_file_that_loads_nothing_and_runs_only_its_own_script(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    bad = '<script>alert("x")</script>\x1b&\u202e'
    rows = [
        row(1),
        row(2, uri=f"/videos/{bad}.mp4"),
        row(3, "failed", cause=bad, message=bad),
        row(4, "uploading"),
    ]
    insert(path, iter(rows))
    await ledger.note_usage(
        "one", [Usage(minute=int(BEGIN // 60), limit_class="uploads", requests=9, allowed=10)]
    )
    await write_report(ledger, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    page = Page(text)
    assert not page.tags & {"link", "img", "iframe", "object", "form"}
    assert page.addresses == []
    scripts = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert len(scripts) == 1
    assert text.count("<script") == 2, "the other one is data"
    assert "default-src 'none'; style-src 'sha256-" in html.unescape(text)
    assert f"script-src 'sha256-{digest}'\"" in html.unescape(text)
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"\son\w+=", text)
    player = "https://embed.api.video/vod/"
    assert text.replace("http-equiv", "").count("http") == text.count(player) == 1
    assert page.tables == page.captions >= 5
    assert "light-dark(" in text
    assert "&lt;script&gt;" in text


async def test_failures_come_first_with_what_to_do(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    insert(path, iter([row(1), row(2, "failed", cause="expired", message="403"), row(3, "new")]))
    await write_report(ledger, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    headings = re.findall("<h2[^>]*>([^<]*)<", text)
    assert headings[0] == "Failures: action required"
    assert "Ingest the sources again with new signed URLs." in text
    await write_report(ledger, tmp_path / "r.json")
    [failure] = json.loads((tmp_path / "r.json").read_text())["failures"]
    assert failure["advice"] == "Ingest the sources again with new signed URLs."


async def test_the_page_lists_every_item_and_the_player_of_its_server(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    insert(path, (row(number) for number in range(1, 1001)))
    await write_report(ledger, tmp_path / "r.html", base_url="http://127.0.0.1:8700")
    text = (tmp_path / "r.html").read_text()
    data = re.search(r'<script type="application/json" id="items">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    items = json.loads(data[1])
    assert items["player"] == "http://127.0.0.1:8700/vod/"
    at = items["columns"].index("video")
    assert [each[at] for each in items["rows"]] == [f"vi{number}" for number in range(1, 1001)]


def test_every_cause_of_a_failure_has_advice_of_its_own() -> None:
    """All causes that the package gives: those of sources, of classes, and of the ledger."""
    package = Path(failures.__file__).parents[1]
    given = {
        cause
        for module in (package / "ingest").rglob("*.py")
        for cause in re.findall(r'cause="(\w+)"', module.read_text())
    }
    classes = {cause for _, cause in failures._CAUSES} - {"upload"}
    known = {"duplicate", "source", "credentials", "bucket", "expired"}
    for cause in given | classes | known:
        assert cause in failures._ADVICE, cause


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("authentication-invalid-api-key", "Set a valid API key."),
        ("503", "api.video failed."),
        ("invalid-attribute", "Correct what the message names"),
        ("other", "Correct what the message names"),
    ],
)
def test_causes_that_the_service_names_have_advice(cause: str, words: str) -> None:
    assert advice_for(cause).startswith(words)


async def test_a_page_without_its_packages_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    check_report(tmp_path / "r.csv")
    with pytest.raises(ConfigurationError, match=r"pip install 'apivideo-async\[cli\]'"):
        check_report(tmp_path / "r.html")


async def test_no_report_holds_a_signature_or_a_password(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    uri = f"https://me:pa55word@store.example/movie.mp4?{SECRET}"
    states = [
        row(1, uri=uri),
        row(2, "failed", uri=uri, cause="expired", message=f"403 from {uri}: expired"),
    ]
    insert(path, iter([*states, row(3, "new", uri=uri, message=f"'{uri}'")]))
    for name in ("r.html", "r.json", "r.csv"):
        await write_report(ledger, tmp_path / name)
        text = (tmp_path / name).read_text()
        assert "https://store.example/movie.mp4" in text
        assert "5ec7e7" not in text
        assert "pa55word" not in text


async def test_the_table_has_a_line_for_each_item_and_no_formula(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    insert(path, iter([row(1), row(2, "failed", cause="source", message='=HYPERLINK("x"),\n"y"')]))
    await write_report(ledger, tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as file:
        done, failed = csv.DictReader(file)
    assert (done["uri"], done["state"], done["video_id"], done["seconds"]) == (
        "s3://bucket/1.mp4",
        "done",
        "vi1",
        "0.1",
    )
    assert done["finished_at"].startswith("2026-09-21T")
    assert failed["message"] == '\'=HYPERLINK("x"),\n"y"'


async def test_a_report_that_fails_leaves_the_old_one_and_no_rest(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "r.csv"
    target.write_text("old")
    insert(path, iter([row(1), row(2, fields="no JSON")]))
    with pytest.raises(LedgerError, match="the ledger is damaged: item 2"):
        await write_report(ledger, target)
    assert target.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["report", "report.pdf", "missing/report.html"])
async def test_a_report_that_cannot_be_written_is_refused(
    ledger: Ledger, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigurationError):
        await write_report(ledger, tmp_path / name)


def test_time_is_cut_into_a_bounded_number_of_buckets_and_nothing_is_lost() -> None:
    timeline = Timeline()
    moments = [BEGIN + number * 37.3 % 900_000 for number in range(20_000)]
    for moment in moments:
        timeline.add(moment, 10)
    buckets = timeline.buckets()
    assert len(buckets) <= MAX_BUCKETS
    assert (sum(each.items for each in buckets), sum(each.bytes for each in buckets)) == (
        20_000,
        200_000,
    )
    for each in buckets:
        assert each.items == sum(
            each.start <= moment < each.start + timeline.width for moment in moments
        )


def test_a_year_between_two_items_costs_no_memory() -> None:
    timeline = Timeline()
    for moment in (BEGIN, BEGIN + 1, BEGIN + 86_400 * 3650):
        timeline.add(moment, 1)
    assert len(timeline.buckets()) <= MAX_BUCKETS
    assert sum(each.items for each in timeline.buckets()) == 3


@pytest.mark.slow
@pytest.mark.parametrize(("name", "items"), [("r.html", 40_000), ("r.csv", 20_000)])
async def test_memory_does_not_grow_with_the_items(
    ledger: Ledger, path: Path, tmp_path: Path, name: str, items: int
) -> None:
    """The peak is the same for a tenth of the items and for all of them."""

    async def peak() -> int:
        tracemalloc.start()
        await write_report(ledger, tmp_path / name)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    def rows(start: int, stop: int) -> Iterator[tuple[Any, ...]]:
        states = ("done", "done", "done", "failed", "new")
        return (
            row(number, states[number % 5], cause="c", message=f"no {number}")
            for number in range(start, stop)
        )

    insert(path, rows(0, items // 10))
    small = await peak()
    insert(path, rows(items // 10, items))
    assert await peak() < small + 512 * 1024


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    '"=1"',
    " =1",
    "\u3000=1",
)


@pytest.mark.parametrize(
    "start", ["", "\t", "\r", "\n", "\r\n", "a;", "a,", "a\t", "a\n", "a\r", "a|", 'a;"', "a; "]
)
async def test_no_cell_is_a_formula_wherever_a_reader_splits_it(
    ledger: Ledger, path: Path, tmp_path: Path, start: str
) -> None:
    texts = [start + formula for formula in FORMULAS]
    insert(
        path,
        iter(
            row(at, "failed", uri=text, cause=text, message=text) for at, text in enumerate(texts)
        ),
    )
    await write_report(ledger, tmp_path / "r.csv")
    text = (tmp_path / "r.csv").read_bytes().decode()
    for delimiter in ",;\t|":
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            for cell in line:
                assert not re.match(r'[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]', cell), (
                    delimiter,
                    cell,
                )
                assert cell[:1] not in ("\t", "\r", "\n"), (delimiter, cell)


async def test_numbers_and_plain_texts_of_the_table_stay_as_they_are(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    name = "/videos/Été - 50 % (a+b=c), n@me: 日本.mp4"
    insert(path, iter([row(1, uri=name, size=12, sent=7)]))
    await write_report(ledger, tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="", encoding="utf-8") as file:
        [line] = csv.DictReader(file)
    assert (line["uri"], line["size"], line["sent"], line["attempts"]) == (name, "12", "7", "0")


async def test_reports_hold_no_character_that_acts_on_its_reader(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    bad = "</script><!--\x1b[31m\x00\x9b\u202egpj.\u2028\u200b\ud800"
    stored = bad.replace("\ud800", "")
    insert(
        path,
        iter(
            [
                row(1, "failed", uri=f"/{stored}.mp4", cause="x", message=stored),
                row(2, uri=f"/{stored}"),
            ]
        ),
    )
    for name in ("r.html", "r.csv", "r.json"):
        await write_report(ledger, tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u202e]", text), name
        assert "\\u202e" in text, name
        ends = {"r.html": 2, "r.json": 0}  # Those of the page itself.
        assert name not in ends or text.count("</script>") == ends[name], name
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["failures"][0]["message"] == stored


async def test_a_report_on_a_full_disk_is_an_error_with_its_path(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = open

    def full(path: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(path, Path) and path.parent == tmp_path:
            return real("/dev/full", "w", **options)
        return real(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", full)
    for name in ("r.html", "r.csv", "r.json"):
        with pytest.raises(
            ApiVideoError, match=rf"{name} cannot be written: No space left on device"
        ):
            await write_report(ledger, tmp_path / name)


async def test_a_report_has_the_permissions_of_the_umask(ledger: Ledger, tmp_path: Path) -> None:
    """A report is meant to be shared. A temporary umask would affect files of other threads."""
    before = os.umask(0o027)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "umask", lambda _: pytest.fail("the umask was changed"))
            await write_report(ledger, tmp_path / "r.csv")
    finally:
        os.umask(before)
    assert (tmp_path / "r.csv").stat().st_mode & 0o777 == 0o640
