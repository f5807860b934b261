"""``--limit-rate``: a rate, optionally for some hours of the day."""

import asyncio
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from apivideo_async.cli.commands.distributed.commands import worker
from apivideo_async.cli.commands.ingest.command import ingest
from apivideo_async.cli.commands.upload.command import command as upload
from apivideo_async.cli.limit_rate import LIMIT_RATE, RateSchedule, limiting
from apivideo_async.client import ApiVideoClient
from apivideo_async.emulator import Emulator
from tests.unit.test_bandwidth import run

from .conftest import Cli

MIB = 1024 * 1024
M20, M50 = 20 * MIB, 50 * MIB
DAY = 24 * 3600


def schedule(text: str) -> RateSchedule:
    value = LIMIT_RATE.convert(text, None, None)
    assert isinstance(value, RateSchedule)
    return value


def second(text: str) -> int:
    hour, minute, *rest = map(int, text.split(":"))
    return hour * 3600 + minute * 60 + (rest[0] if rest else 0)


@pytest.mark.parametrize(
    ("text", "at", "rate"),
    [
        ("20M", "00:00", M20),
        ("20M", "23:59", M20),
        ("1", "12:00", 1),
        ("1.5K", "12:00", 1536),
        ("2G", "12:00", 2 * 1024**3),
        ("20MB", "12:00", 20_000_000),
        ("20MiB", "12:00", M20),
        ("20M 08:00-18:00", "07:59:59", None),
        ("20M 08:00-18:00", "08:00", M20),
        ("20M 08:00-18:00", "17:59:59", M20),
        ("20M 08:00-18:00", "18:00", None),
        ("20M 8:00-18:30", "08:00", M20),
        ("20M 22:00-06:00", "21:59:59", None),
        ("20M 22:00-06:00", "22:00", M20),
        ("20M 22:00-06:00", "00:00", M20),
        ("20M 22:00-06:00", "05:59:59", M20),
        ("20M 22:00-06:00", "06:00", None),
        ("20M 18:00-24:00", "23:59:59", M20),
        ("20M 18:00-24:00", "00:00", None),
        ("20M 18:00-00:00", "23:59:59", M20),
        ("20M 18:00-00:00", "00:00", None),
        ("20M 00:00-24:00", "00:00", M20),
        ("20M 24:00-06:00", "00:00", M20),
        ("20M 08:00-12:00 13:00-18:00", "12:30", None),
        ("20M 08:00-12:00 13:00-18:00", "13:00", M20),
        ("20M 08:00-18:00, 50M", "09:00", M20),
        ("20M 08:00-18:00,50M", "19:00", M50),
        ("50M,20M 08:00-18:00", "09:00", M50),
        ("20M 08:00-18:00, 50M 18:00-20:00", "20:00", None),
    ],
)
def test_the_limit_at_a_time_of_the_day(text: str, at: str, rate: int | None) -> None:
    assert schedule(text).limit_rate(second(at)) == rate


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a rate"),
        ("20M,", "is not a rate"),
        ("fast", "is not a size"),
        ("-5M", "is not a size"),
        ("0", "at least 1 byte"),
        ("20M 8-18", "is not a period"),
        ("20M 08:00-18:00-19:00", "is not a period"),
        ("20M 08:00", "is not a period"),
        ("20M 08:61-18:00", "is not a time"),
        ("20M 08:00-24:01", "is not a time"),
        ("20M 25:00-26:00", "is not a time"),
        ("20M 08:00-08:00", "the same time"),
        ("08:00-18:00", "is not a size"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, says: str) -> None:
    with pytest.raises(click.BadParameter, match=says):
        schedule(text)


@pytest.mark.parametrize(
    ("text", "at", "seconds"),
    [
        ("20M", "12:00", DAY),
        ("20M 08:00-18:00", "07:59:50", 10),
        ("20M 08:00-18:00", "08:00", 10 * 3600),
        ("20M 08:00-18:00", "18:00", 14 * 3600),
        ("20M 08:00-18:00, 50M 19:00-20:00", "18:30", 1800),
        ("20M 18:00-24:00", "23:59:59", 1),
    ],
)
def test_the_time_until_a_limit_may_change(text: str, at: str, seconds: int) -> None:
    assert schedule(text).until_change(second(at)) == seconds


class Client:
    """Records which limits were set, and when."""

    def __init__(self) -> None:
        self.__dict__["changes"] = []
        self.__dict__["limit_rate"] = None

    def __setattr__(self, name: str, value: Any) -> None:
        assert name == "limit_rate"
        self.__dict__[name] = value
        self.changes.append((now().strftime("%H:%M"), value))

    changes: list[tuple[str, int | None]]


START = datetime(2026, 11, 30, 20, 0)


def now() -> datetime:
    elapsed = asyncio.get_running_loop().time() - 1000.0
    return START + timedelta(seconds=elapsed)


async def follow(text: str, hours: float) -> list[tuple[str, int | None]]:
    client: Any = Client()
    async with limiting(schedule(text), now) as limit:
        assert limit(client) is client
        await asyncio.sleep(hours * 3600)
    changes: list[tuple[str, int | None]] = client.changes
    return changes


def test_the_limit_of_a_client_follows_the_hours() -> None:
    """In virtual time, from 20:00 on."""
    changes = [("20:00", None), ("22:00", M20), ("06:00", None)]
    assert run(follow("20M 22:00-06:00", 12)) == changes
    assert run(follow("20M", 1)) == [("20:00", M20)]


def test_without_the_option_a_client_is_left_alone() -> None:
    async def main() -> int | None:
        async with limiting(None) as limit, ApiVideoClient("key", limit_rate=9) as client:
            return limit(client).limit_rate

    assert run(main()) == 9


def test_the_option_is_the_same_in_all_commands() -> None:
    options = []
    for command in (upload, ingest, worker):
        [option] = [one for one in command.params if one.opts == ["--limit-rate"]]
        options.append(option.to_info_dict())
    assert options[0] == options[1] == options[2]


@pytest.fixture
def connected(cli: Cli, emu: Emulator) -> Cli:
    return cli.use(emu)


@pytest.mark.parametrize("command", ["upload", pytest.param("ingest", marks=pytest.mark.slow)])
def test_a_command_that_waits_for_its_limit_can_be_interrupted(
    connected: Cli, emu: Emulator, make_file: Callable[..., Path], command: str
) -> None:
    file = make_file("clip.mp4", 200_000)
    with connected.start(command, file, "--limit-rate", "1") as process:
        while not any(record.operation == "videos.create" for record in emu.requests):
            assert process.poll() is None
            time.sleep(0.01)
        # 200,000 seconds would be needed.
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err


def test_a_wrong_limit_is_reported_as_wrong_usage(connected: Cli) -> None:
    result = connected("upload", "x.mp4", "--limit-rate", "20M 9-17")
    assert result.code == 2
    assert "'9-17' is not a period: write 08:00-18:00" in " ".join(result.err.split())
