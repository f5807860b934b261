"""On a terminal: bars move and never wrap, the cursor is restored, questions are asked."""

import codecs
import io
import os
import pty
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from apivideo_async import Video
from apivideo_async.cli.commands.videos import VIDEO
from apivideo_async.cli.crud.listing import table
from apivideo_async.emulator import Emulator, Fault

from .conftest import MIB, Cli
from .test_interruptions import wait_for

Make = Callable[..., Path]


class Screen:
    """A terminal of 80 columns in which a command runs."""

    def __init__(self, cli: Cli, *arguments: str | Path) -> None:
        self._ours, theirs = pty.openpty()
        environment = {**cli.env, "TERM": "xterm-256color", "COLUMNS": "80"}
        self.process = cli.start(
            *arguments,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self.text = ""
        # A read may end within a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def read(self, until: str = "") -> None:
        """Read until a text shows up, or to the end."""
        while not until or until not in self.text:
            try:
                data = os.read(self._ours, 65536)
            except OSError:
                break
            if not data:
                break
            self.text += self._decoder.decode(data)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        self.read()
        os.close(self._ours)
        with self.process as process:
            return process.wait(timeout=60)

    @property
    def lines(self) -> list[str]:
        """Everything that was ever written on a line of its own, without colours."""
        return re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text))


def test_bars_fit_the_screen_and_the_cursor_comes_back(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    emu.faults.add(Fault("videos.upload", "delay", times=None, seconds=0.25))
    long = "a name that is much longer than what fits into the column of names.mp4"
    files = [
        make_file(long, 20 * MIB),
        make_file("東京" * 20 + ".mp4", 20 * MIB),
        make_file("c.mp4"),
    ]
    screen = Screen(online, "upload", *files, "--chunk-size", "5M", "--concurrency", "2")
    assert screen.end() == 0, screen.text
    strips = [line for line in screen.lines if "▣" in line]
    assert any(re.search("■+▣", line) and "10.0/20.0 MiB" in line for line in strips)
    assert all(cell_len(line) < 80 for line in screen.lines if "http" not in line), screen.lines
    assert screen.text.rindex("\x1b[?25h") > screen.text.rindex("\x1b[?25l")
    assert sum("http" in line for line in screen.lines) == 3
    assert "1 of 3 files, " in screen.text
    assert "/40.1 MiB, " in screen.text


def test_ctrl_c_on_a_terminal_leaves_it_in_order(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    emu.faults.add(Fault("videos.upload", "delay", times=None, seconds=30))
    screen = Screen(online, "upload", make_file(size=25 * MIB), "--chunk-size", "5M")
    wait_for(lambda: sum(record.operation == "videos.upload" for record in emu.requests) == 4)
    time.sleep(0.2)
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
    assert screen.text.rindex("\x1b[?25h") > screen.text.rindex("\x1b[?25l")
    assert "apivideo: interrupted; the same command continues" in screen.text
    assert "Traceback" not in screen.text


@pytest.mark.slow
def test_delete_asks(online: Cli, emu: Emulator, make_file: Make) -> None:
    video_id = online("upload", make_file()).out.split()[0]
    for answer, left in (("n", 1), ("y", 0)):
        screen = Screen(online, "videos", "delete", video_id)
        screen.read(until="[y/N]")
        screen.type(f"{answer}\n")
        assert screen.end() == left
        assert len(emu.state.videos) == left


def test_a_list_is_a_table_that_fits(online: Cli, make_file: Make) -> None:
    online("upload", make_file(), "--title", "t" * 100, "--tag", "x" * 50)
    screen = Screen(online, "videos", "list")
    assert screen.end() == 0
    assert "created" in screen.text
    assert all(cell_len(line) <= 80 for line in screen.lines)


def test_a_table_keeps_ids_whole() -> None:
    videos = [
        Video(video_id="vi" + "x" * 22, title="東京" * 60, tags=["a", "b"]),
        Video(video_id="vi1", public=False),
    ]
    for width in (60, 80, 120):
        console = Console(width=width, file=io.StringIO())
        with console.capture() as captured:
            console.print(table(VIDEO, videos, width))
        lines = captured.get().splitlines()
        assert len(lines) == 3
        assert "vi" + "x" * 22 in lines[1]
        assert all(cell_len(line) <= width for line in lines)


@pytest.mark.slow
def test_every_section_is_a_table_that_fits(online: Cli, emu: Emulator) -> None:
    online("live-streams", "create", "--name", "東京" * 40)
    online("webhooks", "create", "https://a.test/" + "x" * 100)
    online("tokens", "create", "--ttl", "2h")
    for section, head in (
        ("live-streams", "broadcasting"),
        ("webhooks", "url"),
        ("tokens", "expires"),
    ):
        whole = online(section, "list").out.split("\t")[0]
        screen = Screen(online, section, "list")
        assert screen.end() == 0
        assert head in screen.lines[0]
        assert whole in screen.text, "what names a thing is never cut"
        assert all(cell_len(line) <= 80 for line in screen.lines)
    nothing = Screen(online, "watermarks", "list")
    assert nothing.end() == 0
    assert nothing.lines[0] == "no watermarks"


def test_a_narrow_screen_leaves_out_the_last_columns() -> None:
    video = Video(video_id="vi" + "x" * 22, title="a title", public=True, tags=["a"])
    for width, heads in (
        (100, ["id", "title", "created", "public", "tags"]),
        (45, ["id", "title", "created"]),
    ):
        console = Console(width=width, file=io.StringIO())
        with console.capture() as captured:
            console.print(table(VIDEO, [video], width))
        assert captured.get().splitlines()[0].split() == heads


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("players", "list"),
        ("tokens", "create"),
        ("tokens", "delete", "to123", "--yes"),
        ("doctor",),
    ],
)
def test_ctrl_c_ends_every_command_with_one_line(
    online: Cli, emu: Emulator, arguments: tuple[str, ...]
) -> None:
    emu.faults.add(Fault("*", "delay", times=None, seconds=30))
    with online.start(*arguments) as process:
        wait_for(lambda: emu.requests)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(r"apivideo: interrupted.*\n", err)


@pytest.mark.slow
def test_one_question_for_any_number_of_things(online: Cli) -> None:
    ids = [online("players", "create", "--json").json["playerId"] for _ in range(2)]
    screen = Screen(online, "players", "delete", *ids)
    screen.read(until="[y/N]")
    assert "Delete 2 player themes?" in screen.text
    screen.type("y\n")
    assert screen.end() == 0
    assert online("players", "list").out == ""
