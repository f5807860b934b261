"""Every kind of rate limit header and window, in virtual time (service.md#open-questions).

200 requests at a limit of 40 per 6 s: at most two 429 in each window, at least 90 % of the budget
used. The server consists of the emulator's rules; clients read its headers as text.
"""

import heapq
import itertools
import json
import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any, TypeAlias

import pytest
from attrs import define, field

from apivideo_async.emulator.rules.rate_headers import rate_headers
from apivideo_async.emulator.rules.rate_windows import RateLimiter
from apivideo_async.rate_limit.headers import read_headers
from apivideo_async.rate_limit.shared_window import Exchange, Report, exchange
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

Sometimes: TypeAlias = tuple[float, float, float]
"""A random time: at most so many seconds, but in this share of cases at most so many."""
BUSY: tuple[Sometimes, ...] = ((0.01, 0.0, 0.0), (0.001, 0.02, 0.2), (0.002, 0.01, 0.5))
"""Machines that are slow, or do nothing else for some time now and then."""
FAR: tuple[Sometimes, ...] = ((0.06, 0.0, 0.0), (0.15, 0.0, 0.0), (0.02, 0.05, 0.5))
"""Networks with long and changing times."""


@define
class Simulation:
    """A client that sends ``COUNT`` requests, at most ``width`` at a time."""

    style: str | None
    kind: str | None
    width: int
    trip: Callable[[], float]
    work: Callable[[], float] = lambda: 0.0
    """Seconds for which client and server, on one busy machine, work on a request or response."""
    window: Window = field(factory=Window)
    now: float = 0.0
    accepted: list[float] = field(factory=list)
    refused: list[float] = field(factory=list)
    events: list[tuple[float, int, Callable[[], None]]] = field(factory=list)
    order: "itertools.count[int]" = field(factory=itertools.count)
    in_flight: int = 0
    server: RateLimiter = field(factory=lambda: RateLimiter({"reads": LIMIT}, LENGTH))

    def later(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.now + delay, next(self.order), action))

    def go(self) -> None:
        while self.in_flight < self.width and self.in_flight < COUNT - len(self.accepted):
            wait = self.window.wait(self.now)
            if wait > 0:
                if wait < math.inf:
                    self.later(wait, self.go)
                return
            self.window.start(self.now)
            self.in_flight += 1
            self.later(self.trip(), partial(self.arrive, self.now))

    def arrive(self, started: float) -> None:
        headers, allowed = self.serve()
        self.later(self.trip(), partial(self.answer, headers, started, allowed=allowed))

    def serve(self) -> tuple[dict[str, str], bool]:
        verdict = self.server.take("reads", self.now, self.kind)
        (self.accepted if verdict.allowed else self.refused).append(self.now)
        moment = datetime.fromtimestamp(EPOCH + self.now, UTC)
        headers = rate_headers(verdict, self.style, moment)
        headers["Date"] = format_datetime(moment, usegmt=True)
        return {name.lower(): value for name, value in headers.items()}, verdict.allowed

    def answer(self, headers: dict[str, str], started: float, *, allowed: bool) -> None:
        self.in_flight -= 1
        read = read_headers(headers, EPOCH + self.now)
        self.window.answered(read, started, self.now, refused=not allowed)
        self.go()

    def run(self) -> None:
        self.go()
        steps = 0
        while self.events and len(self.accepted) < COUNT:
            steps += 1
            assert steps < 200_000
            due, _, action = heapq.heappop(self.events)
            self.now = max(self.now, due) + (0.0 if action == self.go else self.work())
            action()
        assert len(self.accepted) == COUNT, "stalled"

    def most_refused(self) -> int:
        """Return the largest number of 429 in any interval of the window's length."""
        times = self.refused
        return max((sum(1 for t in times if at <= t < at + LENGTH) for at in times), default=0)

    def used(self) -> float:
        """Return the accepted requests as a share of the budget of the time that they took."""
        return COUNT / LIMIT * LENGTH / (self.accepted[-1] - self.accepted[0])


@define
class Shared(Simulation):
    """Three workers with one budget in a database (``rate_limit.shared_window``)."""

    state: dict[str, Any] | None = None
    numbers: list[int] = field(factory=lambda: [0, 0, 0])
    reports: list[list[Report]] = field(factory=lambda: [[], [], []])
    in_flight_of: list[int] = field(factory=lambda: [0, 0, 0])
    timers: list[float] = field(factory=lambda: [-1.0, -1.0, -1.0])

    def go(self) -> None:
        for worker in range(3):
            self.trade(worker)

    def trade(self, worker: int) -> None:
        wanted = max(0, self.width // 3 + 1 - self.in_flight_of[worker])
        wanted = min(wanted, COUNT - len(self.accepted) - self.in_flight)
        self.numbers[worker] += 1
        given = Exchange(
            owner=f"w{worker}",
            number=self.numbers[worker],
            sent=self.now,
            reports=tuple(self.reports[worker]),
            wanted=wanted,
            ttl=600.0,
        )
        self.reports[worker] = []
        stored = json.loads(json.dumps(self.state, allow_nan=False))
        self.state, grant = exchange(stored, self.now, given)
        for _ in range(wanted if grant.free else grant.count):
            self.in_flight += 1
            self.in_flight_of[worker] += 1
            self.later(self.trip(), partial(self.reach, worker, grant.now))
        if 0 < grant.wait < math.inf and self.timers[worker] <= self.now:
            # A worker checks again earlier than it was told, because others make room.
            self.timers[worker] = self.now + min(grant.wait, 0.2)
            self.later(self.timers[worker] - self.now, partial(self.trade, worker))

    def reach(self, worker: int, started: float) -> None:
        headers, allowed = self.serve()
        self.later(self.trip(), partial(self.hear, worker, started, headers, refused=not allowed))

    def hear(self, worker: int, started: float, headers: dict[str, str], *, refused: bool) -> None:
        self.in_flight -= 1
        self.in_flight_of[worker] -= 1
        read = read_headers(headers, EPOCH + self.now)
        self.reports[worker].append(Report("answered", started, self.now, read, refused=refused))
        self.trade(worker)


def simulate(
    style: str | None,
    kind: str | None,
    width: int,
    seed: int = 0,
    *,
    make: Any = Simulation,
    work: Sometimes = (0.0, 0.0, 0.0),
    trip: Sometimes = (0.02, 0.0, 0.0),
) -> Any:
    """Run a simulation with random times."""
    chance = random.Random(seed)

    def draw(most: float, share: float, longest: float) -> float:
        return chance.uniform(0.0, longest if chance.random() < share else most)

    simulation = make(style, kind, width, lambda: 0.001 + draw(*trip), lambda: draw(*work))
    simulation.run()
    return simulation


def check(ended: Simulation) -> None:
    assert ended.most_refused() <= 2
    assert ended.used() >= 0.9


@pytest.mark.parametrize("kind", WINDOWS, ids=str)
@pytest.mark.parametrize("style", HEADERS, ids=str)
def test_a_client_uses_the_budget_with_few_refusals(style: str | None, kind: str | None) -> None:
    for width in (4, 200):
        check(simulate(style, kind, width))


@pytest.mark.parametrize("style", [None, "absent", "zero"], ids=str)
def test_workers_with_a_shared_budget_use_it_with_few_refusals(style: str | None) -> None:
    check(simulate(style, None, 12, make=Shared))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", WINDOWS, ids=str)
@pytest.mark.parametrize("style", HEADERS, ids=str)
def test_the_same_with_other_times_and_widths(
    style: str | None, kind: str | None, seed: int
) -> None:
    for width in (1, 2, 8, 16, 50):
        check(simulate(style, kind, width, seed))
    check(simulate(style, kind, 30, seed, make=Shared))


@pytest.mark.parametrize("work", BUSY, ids=str)
@pytest.mark.parametrize("kind", WINDOWS, ids=str)
@pytest.mark.parametrize("style", ["absent", "zero"], ids=str)
def test_a_busy_machine_changes_nothing(style: str, kind: str | None, work: Sometimes) -> None:
    """It does not make the client too fast, or much too slow."""
    check(simulate(style, kind, 200, work=work))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("kind", WINDOWS, ids=str)
@pytest.mark.parametrize("style", HEADERS, ids=str)
def test_busy_machines_and_far_networks(style: str | None, kind: str | None, seed: int) -> None:
    for width in (4, 16, 200):
        for work in BUSY:
            check(simulate(style, kind, width, seed, work=work))
        for trip in FAR:
            ended = simulate(style, kind, width, seed, trip=trip)
            assert ended.most_refused() <= 3
            assert ended.used() >= 0.7


@pytest.mark.parametrize("style", [None, "timestamp"], ids=str)
@pytest.mark.parametrize("kind", WINDOWS, ids=str)
def test_complete_headers_are_enough_to_avoid_every_refusal(
    style: str | None, kind: str | None
) -> None:
    """Whatever the kind of the window is: a reset is proven before it is trusted."""
    for width in (1, 16, 200):
        assert simulate(style, kind, width).refused == []
