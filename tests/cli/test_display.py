"""Lines about progress: they fit the screen and say what is true."""

import io
import logging

import attrs
import pytest
from rich.cells import cell_len
from rich.console import Console

from apivideo_async import ChunkState, UploadProgress
from apivideo_async.cli.console.bar import ASCII_STRIP, STRIP, Row, strip, strip_for
from apivideo_async.cli.console.display import _LiveDisplay
from apivideo_async.cli.console.formatting import amount_text, bytes_text, shortened, time_text
from apivideo_async.cli.console.logs import note_of
from apivideo_async.cli.console.terminal import Terminal
from apivideo_async.cli.parameters import SIZE
from apivideo_async.errors import ApiConnectionError, RequestSummary, ServerError
from apivideo_async.uploads.plan import Chunk

MIB = 1024 * 1024
ACCEPTED, IN_FLIGHT, PENDING = ChunkState.ACCEPTED, ChunkState.IN_FLIGHT, ChunkState.PENDING


def event(
    total: int | None = 1000 * MIB, accepted: int = 250 * MIB, sent: int = 500 * MIB
) -> UploadProgress:
    chunks = {ChunkState.ACCEPTED: 250, ChunkState.PENDING: 750}
    states = [
        (
            Chunk(n + 1, n * MIB, MIB),
            ACCEPTED if n * MIB < accepted else IN_FLIGHT if n < 750 else PENDING,
        )
        for n in range(1000)
    ]
    return UploadProgress(
        video_id="vi1",
        bytes_total=total,
        bytes_sent=sent,
        bytes_accepted=accepted,
        rate=123.4 * MIB,
        eta=59.0,
        elapsed=3.0,
        chunks=chunks,
        chunk_states=tuple(states),
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
    line = Row(name, 1000 * MIB, seen, stage).render(width, STRIP)
    assert cell_len(line.plain) <= width
    assert "\n" not in line.plain


def test_a_line_shows_chunks_bytes_rate_and_time() -> None:
    line = Row("a.mp4", 1000 * MIB, event()).render(120, ASCII_STRIP).plain
    received, arriving, missing = (line.count(glyph) for glyph in "#=-")
    assert abs(received - missing) <= 1
    assert abs(received + missing - arriving) <= 4, "half of the file; columns are rounded"
    assert " 25%     0.2/1.0 GiB  250/1000 chunks 123.4 MiB/s    0:59" in line
    line = Row("a.mp4", 1000 * MIB, event()).render(79, ASCII_STRIP).plain
    assert " 25%     0.2/1.0 GiB 123.4 MiB/s    0:59" in line
    assert line.count("#") >= 3


def small(
    *states: ChunkState, sizes: int = 10, total: int | None = None, sent: int = 0, start: int = 0
) -> UploadProgress:
    """Return the progress of chunks of one size, from an offset in the file."""
    chunks = [(Chunk(n + 1, start + n * sizes, sizes), state) for n, state in enumerate(states)]
    accepted = start + sum(chunk.size for chunk, state in chunks if state is ACCEPTED)
    return attrs.evolve(
        event(),
        bytes_total=total or start + sizes * len(states),
        bytes_accepted=accepted,
        bytes_sent=accepted + sent,
        chunk_states=tuple(chunks),
    )


def with_gap(state: ChunkState) -> UploadProgress:
    """Return the progress of the first and last chunk of four; the others were sent before."""
    chunks = ((Chunk(1, 0, 10), state), (Chunk(4, 30, 10), state))
    return attrs.evolve(small(), bytes_total=40, bytes_accepted=20, chunk_states=chunks)


@pytest.mark.parametrize(
    ("seen", "width", "text"),
    [
        (small(ACCEPTED, IN_FLIGHT, PENDING), 3, "■▣□"),
        (small(ACCEPTED, IN_FLIGHT, PENDING), 9, "■■■▣▣▣□□□"),
        (small(ChunkState.FAILED, ChunkState.UNKNOWN, ACCEPTED), 3, "□□■"),
        # A column of several chunks: arriving before missing before received.
        (small(ACCEPTED, PENDING, IN_FLIGHT, PENDING, ACCEPTED, ACCEPTED), 3, "□▣■"),
        # The bytes before the first chunk are those of an earlier run.
        (small(IN_FLIGHT, PENDING, start=20), 4, "■■▣□"),
        # Bytes between two chunks are those of an earlier run, too.
        (with_gap(PENDING), 4, "□■■□"),
        (with_gap(IN_FLIGHT), 4, "▣■■▣"),
        (small(ACCEPTED, ACCEPTED), 4, "■■■■"),
        (None, 4, "□□□□"),
        (attrs.evolve(small(), bytes_total=100, bytes_accepted=0), 4, "□□□□"),
        # The end of a stream is unknown: the strip ends with its last chunk.
        (attrs.evolve(small(ACCEPTED, IN_FLIGHT), bytes_total=None), 4, "■■▣▣"),
        (small(*[ACCEPTED, IN_FLIGHT, PENDING] * 1000), 2, "▣▣"),
    ],
)
def test_a_strip_shows_the_states_of_the_chunks_at_their_places(
    seen: UploadProgress | None, width: int, text: str
) -> None:
    assert strip(width, seen, STRIP).plain == text


def test_the_colour_of_an_arriving_chunk_shows_its_sent_share() -> None:
    drawn = strip(8, small(IN_FLIGHT, IN_FLIGHT, sent=10), STRIP)
    assert drawn.plain == "▣" * 8
    assert [str(span.style) for span in drawn.spans] == ["cyan", "cyan", "blue", "blue"] * 2


@pytest.mark.parametrize(
    ("encoding", "glyphs"),
    [
        ("utf-8", STRIP),
        ("gb18030", STRIP),
        ("cp437", ASCII_STRIP),
        ("ascii", ASCII_STRIP),
        ("?", ASCII_STRIP),
    ],
)
def test_a_strip_has_ascii_glyphs_where_the_encoding_lacks_the_others(
    encoding: str, glyphs: object
) -> None:
    assert strip_for(encoding) is glyphs


def test_the_line_about_all_files_counts_ended_uploads_and_those_of_earlier_runs() -> None:
    display = _LiveDisplay(Terminal(), 4, 100 * MIB)
    for name in ("a", "b", "c"):
        display.begin(name, 20 * MIB)
    display.progress("a", attrs.evolve(small(), bytes_total=20 * MIB, bytes_accepted=20 * MIB))
    half = attrs.evolve(small(), bytes_total=20 * MIB, bytes_accepted=10 * MIB, rate=5.0 * MIB)
    display.progress("c", half)
    display.end("a")
    display.skip("b")
    console = Console(width=80, file=io.StringIO())
    with console.capture() as captured:
        console.print(display)
    assert captured.get().splitlines()[-1].rstrip() == (
        "2 of 4 files, 50.0/100.0 MiB, 5.0 MiB/s, 0:10 left"
    )


def test_an_amount_has_the_unit_of_its_total() -> None:
    assert [
        amount_text(done, total)
        for done, total in ((0, 10), (512, 1024), (MIB, 20 * MIB), (MIB, None))
    ] == ["0/10 B", "0.5/1.0 KiB", "1.0/20.0 MiB", "1.0 MiB"]


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
