"""Every kind of rate limit header and window, in virtual time (service.md#open-questions).

200 requests at a limit of 40 per 6 s: at most two 429 in each window, at least 90 % of the budget
used. The server consists of the emulator's rules; clients read its headers as text.
"""

import heapq
import itertools
import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define, field

from apivideo_async.emulator.rules.rate_headers import rate_headers
from apivideo_async.emulator.rules.rate_windows import RateLimiter
from apivideo_async.rate_limit.headers import read_headers
from apivideo_async.rate_limit.window import Window

LIMIT, LENGTH, COUNT = 40, 6.0, 200
EPOCH = 1_900_000_000.37
HEADERS = (
    None,
    "absent",
    "partial",
    "zero",
    "timestamp",
    "standard",
    "standard-date",
    "unlimited",
)
WINDOWS = (None, "sliding", "token-bucket")


@define
class Simulation:
    """A client that wants to send ``count`` requests, at most ``width`` at a time."""

    style: str | None
    kind: str | None
    width: int
    trip: Callable[[], float]
    count: int = COUNT
    limit: int = LIMIT
    length: float = LENGTH
    with_date: bool = True
    window: Window = field(factory=Window)
    now: float = 0.0
    accepted: list[float] = field(factory=list)
    refused: list[float] = field(factory=list)
    events: list[tuple[float, int, Callable[[], None]]] = field(factory=list)
    order: "itertools.count[int]" = field(factory=itertools.count)
    in_flight: int = 0
    timer: float = math.inf
    server: RateLimiter = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.server = RateLimiter({"reads": self.limit}, self.length)

    def later(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.now + delay, next(self.order), action))

    def go(self) -> None:
        while self.in_flight < self.width and self.in_flight + len(self.accepted) < self.count:
            wait = self.window.wait(self.now)
            if wait > 0:
                if wait < math.inf:
                    self.later(wait, self.go)
                return
            self.window.start(self.now)
            self.in_flight += 1
            started = self.now
            self.later(self.trip(), lambda started=started: self.arrive(started))  # type: ignore[misc]

    def arrive(self, started: float) -> None:
        verdict = self.server.take("reads", self.now, self.kind)
        (self.accepted if verdict.allowed else self.refused).append(self.now)
        # It stays in flight until its response arrives.
        self.in_flight -= verdict.allowed
        moment = datetime.fromtimestamp(EPOCH + self.now, UTC)
        headers = {k.lower(): v for k, v in rate_headers(verdict, self.style, moment).items()}
        if self.with_date:
            headers["date"] = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
        self.in_flight += verdict.allowed
        self.later(self.trip(), lambda: self.answer(headers, started, allowed=verdict.allowed))

    def answer(self, headers: dict[str, str], started: float, *, allowed: bool) -> None:
        self.in_flight -= 1
        read = read_headers(headers, EPOCH + self.now)
        self.window.answered(read, started, self.now, refused=not allowed)
        self.go()

    def run(self) -> None:
        self.go()
        steps = 0
        while self.events and len(self.accepted) < self.count:
            steps += 1
            assert steps < 200_000
            self.now, _, action = heapq.heappop(self.events)
            action()
        assert len(self.accepted) == self.count, "stalled"

    def most_refused(self) -> int:
        """Return the largest number of 429 in any interval of the window's length."""
        times = self.refused
        return max((sum(1 for t in times if at <= t < at + self.length) for at in times), default=0)

    def used(self) -> float:
        """Return the accepted requests as a share of the budget of the time that they took."""
        return self.count / self.limit * self.length / (self.accepted[-1] - self.accepted[0])


def simulate(
    style: str | None, kind: str | None, width: int, seed: int = 0, **more: Any
) -> Simulation:
    chance = random.Random(seed)
    simulation = Simulation(style, kind, width, lambda: chance.uniform(0.001, 0.02), **more)
    simulation.run()
    return simulation


@pytest.mark.parametrize("kind", WINDOWS, ids=str)
@pytest.mark.parametrize("style", HEADERS, ids=str)
@pytest.mark.parametrize("width", [4, 16, 200])
def test_each_kind(style: str | None, kind: str | None, width: int) -> None:
    ended = simulate(style, kind, width)
    assert ended.most_refused() <= 2
    assert ended.used() >= 0.9
