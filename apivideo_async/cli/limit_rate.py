"""The option ``--limit-rate``: a bandwidth limit, optionally for some hours of the day."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import click
from attrs import frozen

from ..client import ApiVideoClient
from .parameters import ParsedText, parse_size

__all__ = ["LIMIT_RATE", "Limit", "RateSchedule", "limit_rate_option", "limiting"]

DAY = 24 * 3600
LONGEST_SLEEP = 30.0
"""Seconds after which the clock is read again: it may have been set, or summer time has begun."""

_HOURS = re.compile(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)")


@frozen
class Limit:
    """A limit in bytes per second, and the hours in which it applies; always if there are none.

    Each period is a pair of seconds since midnight. It ends on the next day if its end is not after
    its start.
    """

    limit_rate: int
    hours: tuple[tuple[int, int], ...] = ()

    def applies(self, second: int) -> bool:
        """Return whether the limit applies at a second of the day."""
        return not self.hours or any(
            start <= second < end if start < end else second >= start or second < end
            for start, end in self.hours
        )


@frozen
class RateSchedule:
    """The limits of a day. The first one that applies counts."""

    limits: tuple[Limit, ...]

    def limit_rate(self, second: int) -> int | None:
        """Return the limit at a second of the day, in bytes per second; None: no limit."""
        return next((limit.limit_rate for limit in self.limits if limit.applies(second)), None)

    def until_change(self, second: int) -> int:
        """Return the seconds until the next start or end of a period, at most a day."""
        times = [time for limit in self.limits for period in limit.hours for time in period]
        return min(((time - second - 1) % DAY + 1 for time in times), default=DAY)


def _time(hour: str, minute: str) -> int:
    seconds = int(hour) * 3600 + int(minute) * 60
    if int(minute) > 59 or seconds > DAY:
        raise ValueError(f"{hour}:{minute} is not a time of the day")
    return seconds


def _period(text: str) -> tuple[int, int]:
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a period: write 08:00-18:00")
    # 24:00 is the end of the day as an end, and its beginning as a start.
    start, end = _time(match[1], match[2]) % DAY, _time(match[3], match[4])
    if start == end:
        raise ValueError(f"{text!r} starts and ends at the same time: leave it out for all day")
    return start, end


def _limit(text: str) -> Limit:
    rate, *hours = text.split()
    limit_rate = parse_size(rate)
    if limit_rate < 1:
        raise ValueError("the rate must be at least 1 byte per second: leave it out for no limit")
    return Limit(limit_rate, tuple(_period(each) for each in hours))


def _schedule(text: str) -> RateSchedule:
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise ValueError(f"{text!r} is not a rate: write 20M or '20M 08:00-18:00'")
    return RateSchedule(tuple(_limit(part) for part in parts))


LIMIT_RATE: ParsedText[RateSchedule] = ParsedText("rate", _schedule)
"""``20M``, ``20M 08:00-18:00``, or several of them with commas."""

limit_rate_option: Callable[[click.Command], click.Command] = click.option(
    "--limit-rate",
    type=LIMIT_RATE,
    metavar="RATE",
    help="Bytes per second for all files together, such as 20M (K, M and G are powers of 1024; KB, "
    "MB and GB of 1000). '20M 08:00-18:00' limits only these hours of local time; '20M "
    "08:00-18:00, 50M 18:00-06:00' has several limits, of which the first that applies counts.",
)


def _now() -> datetime:
    return datetime.now()


def _second(now: datetime) -> int:
    return now.hour * 3600 + now.minute * 60 + now.second


@asynccontextmanager
async def limiting(
    schedule: RateSchedule | None, now: Callable[[], datetime] = _now
) -> AsyncIterator[Callable[[ApiVideoClient], ApiVideoClient]]:
    """Keep the limit of clients as the schedule says during the block.

    Yields a function that takes a client, limits it, and returns it. ``now`` returns the local
    time.
    """
    clients: list[ApiVideoClient] = []

    def limit(client: ApiVideoClient) -> ApiVideoClient:
        if schedule is not None:
            client.limit_rate = schedule.limit_rate(_second(now()))
            clients.append(client)
        return client

    async def follow(schedule: RateSchedule) -> None:
        while True:
            second = _second(now())
            for client in clients:
                if client.limit_rate != schedule.limit_rate(second):
                    client.limit_rate = schedule.limit_rate(second)
            await asyncio.sleep(min(LONGEST_SLEEP, schedule.until_change(second)))

    following = asyncio.create_task(follow(schedule)) if schedule is not None else None
    try:
        yield limit
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
