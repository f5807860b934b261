"""Lines about progress: they fit the screen and say what is true."""

import logging

import pytest
from rich.cells import cell_len

from apivideo_async import ChunkState, UploadProgress
from apivideo_async.cli.console.bar import Row
from apivideo_async.cli.console.formatting import bytes_text, shortened, time_text
from apivideo_async.cli.console.logs import note_of
from apivideo_async.cli.parameters import SIZE
from apivideo_async.errors import ApiConnectionError, RequestSummary, ServerError

MIB = 1024 * 1024


def event(
    total: int | None = 1000 * MIB, accepted: int = 250 * MIB, sent: int = 500 * MIB
) -> UploadProgress:
    chunks = {ChunkState.ACCEPTED: 250, ChunkState.PENDING: 750}
    return UploadProgress(
        video_id="vi1",
        bytes_total=total,
        bytes_sent=sent,
        bytes_accepted=accepted,
        rate=123.4 * MIB,
        eta=59.0,
        elapsed=3.0,
        chunks=chunks,
    )


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 100, 119, 120, 200])
@pytest.mark.parametrize(
    "name", ["a.mp4", "a name that is much longer than what fits into any column.mp4", "東京" * 30]
)
@pytest.mark.parametrize(
    "seen", [None, event(), event(total=None), event(accepted=1000 * MIB, sent=1000 * MIB)]
)
@pytest.mark.parametrize("stage", ["", "encoding"])
def test_a_bar_never_is_wider_than_the_screen(
    width: int, name: str, seen: UploadProgress | None, stage: str
) -> None:
    line = Row(name, 1000 * MIB, seen, stage).render(width, unicode=True)
    assert cell_len(line.plain) <= width
    assert "\n" not in line.plain


def test_a_bar_tells_accepted_from_sent() -> None:
    line = Row("a.mp4", 1000 * MIB, event()).render(120, unicode=False).plain
    accepted, sent, missing = (line.count(glyph) for glyph in "#=-")
    assert abs(accepted - sent) <= 1
    assert abs(accepted + sent - missing) <= 1
    assert "25%" in line
    assert "250.0 MiB / 1000.0 MiB" in line or "250.0 MiB / 1.0 GiB" in line
    assert "250/1000 chunks" in line
    assert "123.4 MiB/s" in line


def test_amounts() -> None:
    assert [bytes_text(size) for size in (0, 1023, 1024, MIB - 1, MIB, 52_428_800_000)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.0 MiB",
        "1.0 MiB",
        "48.8 GiB",
    ]
    assert [time_text(seconds) for seconds in (None, 0, 4.4, 61, 3723)] == [
        "-:--",
        "0:00",
        "0:04",
        "1:01",
        "1:02:03",
    ]
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert shortened("abc", 5) == "abc"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("5242880", 5242880),
        ("16M", 16 * MIB),
        ("16MiB", 16 * MIB),
        ("16mib", 16 * MIB),
        ("16MB", 16_000_000),
        ("1.5G", 1536 * MIB),
        ("7 b", 7),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert SIZE.convert(text, None, None) == size


def record(
    level: int = logging.DEBUG, message: str = "message", **fields: object
) -> logging.LogRecord:
    made = logging.LogRecord("apivideo_async", level, __file__, 1, message, (), None)
    vars(made).update(fields)
    return made


NO_SERVER = ApiConnectionError("http://x cannot be reached (no)", delivery="not_sent")
REFUSED = ServerError("503", status=503, request=RequestSummary("POST", "/x", "videos.upload"))


@pytest.mark.parametrize(
    ("made", "note"),
    [
        (
            record(event="retry", operation="videos.list", chunk=None, delay=0.3, error=NO_SERVER),
            "http://x cannot be reached (no); trying again in 0.3 s",
        ),
        (
            record(event="retry", operation="videos.upload", chunk=3, delay=1.0, error=REFUSED),
            "chunk 3: the server answered 503; trying again in 1.0 s",
        ),
        (
            record(event="budget_wait", limit_class="uploads", waiting=1, delay=59.0),
            "the request budget is used up: uploads continue in 59 s",
        ),
        (record(logging.WARNING, "something else"), "something else"),
        (record(logging.INFO, "next attempt in 1 s: budget spent"), None),
    ],
)
def test_a_note_is_built_from_the_fields_of_a_record(
    made: logging.LogRecord, note: str | None
) -> None:
    assert note_of(made) == note
