"""Workers that share a budget (``rate_limit.shared_window``) never exceed what the server allows.

``Worker`` makes exchanges with a database that has another clock. All messages take time, answers
of the database get lost, and workers die.
"""

import json
import math
from typing import Any

import pytest
from attrs import asdict, define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.rate_limit.headers import RateLimitHeaders
from apivideo_async.rate_limit.pace import LIMITS, Pace
from apivideo_async.rate_limit.shared_window import UNCOUNTED, Exchange, Grant, Report, exchange
from apivideo_async.rate_limit.window import BLIND_COOL_DOWN, UNKNOWN_BUDGET
from tests.unit.test_window import Network, Service, seconds, services

TTL = 20.0
"""Longer than a request is on its way to the server."""


@define
class Database:
    """One state, and a clock of its own."""

    ahead: float = 1000.0
    state: dict[str, Any] | None = None

    def change(self, given: Exchange, now: float) -> Grant:
        before = None if self.state is None else json.loads(json.dumps(self.state, allow_nan=False))
        self.state, grant = exchange(before, now + self.ahead, given)
        window, owners = self.state["window"], self.state["owners"]
        assert window.get("in_flight", 0) == sum(its["in_flight"] for its in owners.values())
        return grant


@define
class Trip:
    """One exchange, and how long everything takes that follows from it."""

    worker: int
    gap: float
    wanted: int
    to_database: float
    from_database: float
    there: float
    back: list[float]
    repeated: bool
    """The database's first answer gets lost."""
    last: bool
    """The worker ends as soon as the exchange has arrived."""


@define
class Worker:
    name: str
    ahead: float
    network: Network
    database: Database
    alive: bool = True
    busy: bool = False
    number: int = 0
    reports: list[Report] = field(factory=list)

    def go(self, trip: Trip) -> None:
        if self.busy or not self.alive:
            return
        self.busy, self.number = True, self.number + 1
        now, reports, self.reports = self.network.now + self.ahead, tuple(self.reports), []
        given = Exchange(
            owner=self.name,
            number=self.number,
            sent=now,
            reports=reports,
            wanted=trip.wanted,
            ttl=TTL,
        )
        self.network.later(trip.to_database, lambda: self._arrive(given, trip))

    def _arrive(self, given: Exchange, trip: Trip) -> None:
        grant = self.database.change(given, self.network.now)
        self.alive = self.alive and not trip.last
        if trip.repeated:
            again = evolve(given, sent=self.network.now + self.ahead)
            self.network.later(
                trip.from_database, lambda: self._arrive(again, evolve(trip, repeated=False))
            )
        else:
            self.network.later(trip.from_database, lambda: self._take(grant, trip))

    def _take(self, grant: Grant, trip: Trip) -> None:
        self.busy = False
        for index in range(grant.count if self.alive else 0):
            back = trip.back[index % len(trip.back)]
            self.network.later(trip.there, lambda back=back: self._ask(grant.now, back))  # type: ignore[misc]

    def _ask(self, started: float, back: float) -> None:
        allowed, headers = self.network.service.take(self.network.now)
        self.network.refusals += not allowed
        self.network.later(back, lambda: self._hear(started, headers, refused=not allowed))

    def _hear(self, started: float, headers: RateLimitHeaders, *, refused: bool) -> None:
        ended = self.network.now + self.ahead
        self.reports.append(Report("answered", started, ended, headers, refused=refused))


def often(value: Any, otherwise: "st.SearchStrategy[Any]") -> "st.SearchStrategy[Any]":
    return st.one_of(st.just(value), st.just(value), otherwise)


trips = st.builds(
    Trip,
    worker=st.integers(0, 2),
    gap=often(0.25, seconds(0, 6)),
    wanted=often(30, st.integers(0, 10)),
    to_database=often(0.0, seconds(0, 2)),
    from_database=often(0.0, seconds(0, 2)),
    there=often(0.0, seconds(0, 3)),
    back=st.lists(
        often(0.25, seconds(0, 12).map(lambda delay: delay + 0.25)), min_size=1, max_size=4
    ),
    repeated=often(False, st.just(True)),
    last=st.integers(0, 25).map(lambda chance: chance == 1),
)


@given(services, st.lists(trips, max_size=40))
def test_workers_are_never_refused_whatever_happens_to_them(
    service: Service, schedule: list[Trip]
) -> None:
    """With late answers, lost exchanges, dead workers, and frozen workers that continue."""
    network, database = Network(service), Database()
    workers = [Worker(f"w{index}", 100.0 * index, network, database) for index in range(3)]
    for trip in schedule:
        network.run(network.now + trip.gap)
        workers[trip.worker].go(trip)
    network.run()
    assert network.refusals == 0
    assert places_in_the_end(database, network) > 0


def places_in_the_end(database: Database, network: Network) -> int:
    """What a new worker gets once all that can end has ended."""
    now = network.now + TTL + network.service.length + 1
    grant = database.change(ask("new", wanted=100), now)
    assert [*(database.state or {})["owners"]] == ["new"]
    return grant.count


# -- step by step


def ask(owner: str = "a", number: int = 1, wanted: int = 0, **more: Any) -> Exchange:
    return Exchange(owner=owner, number=number, sent=0.0, wanted=wanted, ttl=TTL, **more)


def report(remaining: int, started: float, limit: int = 100, resets_in: float = 60.0) -> Report:
    return Report("answered", started, 0.0, RateLimitHeaders(limit, remaining, resets_in))


def opened(remaining: int = 99) -> Database:
    """A database that learnt at time 1 what remained."""
    database = Database(0.0)
    database.change(ask("first", wanted=1), 0.0)
    database.change(ask("first", 2, reports=(report(remaining, 0.0),)), 1.0)
    return database


def test_what_is_in_flight_anywhere_counts() -> None:
    database = opened(10)
    assert database.change(ask("a", wanted=7), 1.0).count == 7
    grant = database.change(ask("b", wanted=7), 1.0)
    assert (grant.count, grant.wait, grant.sooner) == (3, 60.0, True)


def test_no_earlier_recheck_if_no_other_worker_has_a_request_in_flight() -> None:
    grant = opened(10).change(ask("a", wanted=11), 1.0)
    assert (grant.count, grant.wait, grant.sooner) == (10, 60.0, False)


def test_the_first_answer_is_awaited_by_all() -> None:
    database = Database(0.0)
    assert database.change(ask("a", wanted=20), 0.0).count == UNKNOWN_BUDGET
    grant = database.change(ask("b", wanted=1), 0.0)
    assert (grant.count, grant.wait, grant.sooner) == (0, math.inf, True)


@pytest.mark.parametrize("told_wait", [7.0, None])
def test_a_refusal_of_one_worker_pauses_all(told_wait: float | None) -> None:
    database = opened()
    started = database.change(ask("a", wanted=1), 2.0).now
    headers = None if told_wait is None else RateLimitHeaders(100, 0, told_wait)
    database.change(
        ask("a", 2, reports=(Report("answered", started, 0.0, headers, refused=True),)), 3.0
    )
    grant = database.change(ask("b", wanted=5), 4.0)
    assert (grant.count, grant.wait) == (0, (told_wait or BLIND_COOL_DOWN) - 1.0)
    assert not grant.sooner


def test_a_response_counts_from_its_arrival_and_not_from_its_report() -> None:
    """Else every window would seem to last longer by what a report takes."""
    database = Database(0.0)
    started = database.change(ask("a", wanted=1), 0.0).now
    late = Report("answered", started, 4.0, RateLimitHeaders(100, 0, 60.0))
    grant = database.change(evolve(ask("a", 2, wanted=1, reports=(late,)), sent=7.0), 10.0)
    assert grant.wait == 57.0


def test_a_repeated_exchange_changes_nothing_and_grants_the_same() -> None:
    database = opened(10)
    first = database.change(ask("a", wanted=4), 2.0)
    again = database.change(ask("a", wanted=4), 5.0)
    assert (again.count, again.now) == (first.count, first.now) == (4, 2.0)
    assert database.change(ask("b", wanted=10), 5.0).count == 6


@pytest.mark.parametrize(("outcome", "left"), [("withdrawn", 10), ("abandoned", 9)])
def test_a_request_without_an_answer_was_perhaps_counted(outcome: Any, left: int) -> None:
    database = opened(10)
    started = database.change(ask("a", wanted=1), 2.0).now
    database.change(ask("a", 2, reports=(Report(outcome, started, 0.0),)), 2.0)
    assert database.change(ask("b", wanted=20), 2.0).count == left


@pytest.mark.parametrize(("silent", "places"), [(TTL, 6), (TTL + 1, 6)])
def test_requests_of_a_worker_that_is_gone_were_perhaps_counted(silent: float, places: int) -> None:
    database = opened(10)
    database.change(ask("gone", wanted=4), 2.0)
    assert database.change(ask("b", wanted=20), 2.0 + silent).count == places
    assert ("gone" in (database.state or {})["owners"]) is (silent <= TTL)


def test_a_worker_that_is_gone_holds_up_no_window_after_its_time() -> None:
    database = opened(0)
    database.change(ask("gone", wanted=0), 2.0)
    assert database.state is not None
    database.state["window"]["whole"] = True
    assert database.change(ask("gone", 2, wanted=100), 61.0).count == 100
    assert database.change(ask("b", wanted=1), 61.0 + TTL).wait == math.inf
    assert database.change(ask("b", 2, wanted=1), 61.5 + TTL).count == 1


def test_a_worker_that_was_only_taken_for_dead_is_listened_to() -> None:
    database = opened(10)
    started = database.change(ask("slow", wanted=4), 2.0).now
    database.change(ask("b"), 3.0 + TTL)
    database.change(ask("slow", 2, reports=(report(5, started),)), 4.0 + TTL)
    assert database.change(ask("b", 2, wanted=20), 4.0 + TTL).count == 5


def test_a_worker_that_leaves_has_nothing_in_flight() -> None:
    database = opened(10)
    database.change(ask("a", wanted=4), 2.0)
    database.change(ask("a", 2, leaving=True), 2.0)
    assert "a" not in (database.state or {})["owners"]
    assert database.change(ask("b", wanted=20), 2.0).count == 6


def test_until_it_is_proven_a_reset_allows_one_request_of_all_workers() -> None:
    database = opened(0)
    assert database.change(ask("a", wanted=5), 61.0).count == 1
    assert database.change(ask("b", wanted=5), 61.0).count == 0
    assert database.change(ask("a", 2, wanted=5, reports=(report(99, 61.0),)), 61.1).count == 5
    assert database.change(ask("b", 2, wanted=5), 61.1).count == 5


def without_limit() -> Database:
    """A database that has learnt that more requests are accepted than any limit allows."""
    window = {"unlimited": True, "pace": asdict(Pace(most=2 * LIMITS[-1]))}
    return Database(0.0, {"at": 0.0, "window": window, "owners": {}})


def test_responses_without_a_limit_are_counted_at_first() -> None:
    """A 429 in spite of them tells the limit only if the requests were counted."""
    database = Database(0.0)
    database.change(ask("a", wanted=1), 0.0)
    database.change(ask("a", 2, reports=(Report("answered", 0.0, 0.0),)), 1.0)
    grant = database.change(ask("b", wanted=1000), 1.0)
    assert (grant.free, grant.count) == (False, LIMITS[0] - 1)


def test_a_class_without_limits_is_free() -> None:
    grant = without_limit().change(ask("b", wanted=1000), 1.0)
    assert (grant.free, grant.count, grant.wait) == (True, 0, 0.0)


def test_a_pace_that_another_version_stored_is_learned_again() -> None:
    window = {"unlimited": True, "pace": {"cleared": 4}}
    database = Database(0.0, {"at": 0.0, "window": window, "owners": {}})
    grant = database.change(ask("b", wanted=1000), 1.0)
    assert (grant.free, grant.count) == (False, LIMITS[0])


@pytest.mark.parametrize("headers", [None, RateLimitHeaders(100, 0, 5.0)])
def test_a_refusal_ends_that_it_is_free(headers: RateLimitHeaders | None) -> None:
    database = without_limit()
    refusal = Report("answered", UNCOUNTED, 0.0, headers, refused=True)
    database.change(ask("a", reports=(refusal,)), 1.0)
    grant = database.change(ask("b", wanted=1), 1.0)
    assert (grant.free, grant.count, grant.wait) == (False, 0, 5.0)


def test_the_response_to_an_uncounted_request_sets_the_limit() -> None:
    database = without_limit()
    database.change(ask("a", reports=(report(7, UNCOUNTED),)), 1.0)
    assert database.change(ask("b", wanted=20), 1.0).count == 7


def test_each_worker_leaves_its_reserve() -> None:
    database = opened(50)
    assert database.change(ask("a", wanted=50, reserve=0.3), 2.0).count == 20
    assert database.change(ask("b", wanted=50), 2.0).count == 30


def test_a_clock_that_is_set_back_stops_no_worker() -> None:
    """Else nothing would start before the clock is where it was."""
    database = opened(0)
    database.change(ask("a", wanted=1), 5000.0)
    assert database.change(ask("b", wanted=100), 1400.0).count == UNKNOWN_BUDGET - 1
    assert database.change(ask("b", 2), 1401.0 + TTL).count == 0
    assert [*(database.state or {})["owners"]] == ["b"], (
        "the requests of the dead worker were abandoned, too"
    )
