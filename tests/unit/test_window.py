"""How many requests may start now, judged by the server's headers (service.md#rate-limit-headers).

``Service`` is a server with a fixed window. ``Network`` delivers requests and responses with a
delay each, so that responses overtake each other and arrive in a later window.
"""

import heapq
import itertools
import math
from collections.abc import Callable

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.rate_limit.headers import RateLimitHeaders
from apivideo_async.rate_limit.pace import Pace
from apivideo_async.rate_limit.window import UNKNOWN_BUDGET, Window

# -- one window, step by step


def started(window: Window, count: int) -> Window:
    for _ in range(count):
        window.start(0.0)
    return window


def known(
    limit: int = 40,
    remaining: int = 40,
    resets_in: float = 60.0,
    *,
    reserve: float = 0.0,
    whole: bool = True,
) -> Window:
    """A window that learnt this at time 0. ``whole``: a reset gives the whole limit, as proven."""
    window = started(Window(reserve=reserve, whole=whole), 1)
    window.answered(RateLimitHeaders(limit, remaining, resets_in), 0.0, 0.0)
    return window


def startable(window: Window, now: float) -> int:
    """How many requests the window lets start at once."""
    for count in range(1000):
        if window.wait(now) > 0:
            return count
        window.start(now)
    raise AssertionError("no end")


def test_before_the_first_answer_a_few_may_start() -> None:
    """The smallest documented limit is 40."""
    window = Window()
    assert startable(window, 0.0) == UNKNOWN_BUDGET == 16
    assert window.wait(10**9) == math.inf, "an answer must come first"


def test_a_request_without_an_answer_gives_its_unknown_place_back() -> None:
    window = started(Window(), UNKNOWN_BUDGET)
    window.abandon()
    assert (window.wait(0.0), window.in_flight) == (0.0, 15)


@pytest.mark.parametrize(
    ("reserve", "expected"),
    [
        pytest.param(0.0, 40, id="none"),
        pytest.param(0.25, 30, id="a quarter"),
        pytest.param(0.99, 1, id="one is always left"),
    ],
)
def test_a_reserve_is_left_to_others(reserve: float, expected: int) -> None:
    assert startable(known(40, 40, reserve=reserve), 1.0) == expected


def test_what_is_in_flight_is_counted_against_what_remains() -> None:
    window = started(known(40, 10), 7)
    assert startable(window, 1.0) == 3
    assert window.wait(1.0) == 59.0, "spent: until the reset"
    assert window.wait(59.5) == 0.5


def test_at_the_reset_the_limit_is_there_again_minus_what_is_in_flight() -> None:
    window = started(known(40, 10), 10)
    assert startable(window, 60.0) == 30
    assert window.wait(60.0) == math.inf, "all of a fresh window is in flight: an answer must come"
    assert window.wait(10**6) == math.inf, "no second renewal before an answer"


def test_answers_that_overtake_do_not_raise_the_count() -> None:
    """Two requests start, the later one is answered first: its lower count stays."""
    window = started(known(40, 40), 2)
    window.answered(RateLimitHeaders(40, 38, 59.0), 1.0, 2.0)
    window.answered(RateLimitHeaders(40, 39, 59.0), 1.0, 3.0)
    assert (window.remaining, window.in_flight, startable(window, 3.0)) == (38, 0, 38)


def test_a_lower_count_is_always_believed() -> None:
    """Another process may share the key."""
    window = started(known(40, 40), 2)
    window.answered(RateLimitHeaders(40, 39, 59.0), 1.0, 2.0)
    window.answered(RateLimitHeaders(40, 5, 57.0), 1.0, 3.0)
    assert (window.remaining, window.resets_at) == (5, 61.0)


@pytest.mark.parametrize("began", [0.0, 1.0], ids=["at the moment of the lower count", "after it"])
def test_a_higher_count_is_believed_from_a_request_that_started_later(began: float) -> None:
    """The window was reset earlier than expected, or the plan was raised."""
    window = started(known(40, 3), 1)
    window.answered(RateLimitHeaders(100, 99, 60.0), began, 2.0)
    assert (window.limit, window.remaining, window.resets_at) == (100, 99, 62.0)


def test_a_request_without_an_answer_may_have_been_counted() -> None:
    window = started(known(40, 10), 4)
    window.abandon()
    assert (window.in_flight, window.remaining, startable(window, 1.0)) == (3, 9, 6)


def test_without_headers_a_class_is_not_limited_until_one_comes() -> None:
    """service.md#rate-limit-headers: /auth/* has none, and the service may stop sending them."""
    window = started(Window(), 2)
    window.answered(None, 0.0, 1.0)
    assert (window.unlimited, window.wait(1.0)) == (True, 0.0)
    assert started(window, 500).wait(1.0) == 0.0
    window.answered(RateLimitHeaders(40, 2, 60.0), 0.0, 2.0)
    assert (window.unlimited, window.wait(2.0)) == (False, 60.0)


def test_one_answer_without_headers_does_not_lift_a_known_limit() -> None:
    window = started(known(40, 1), 1)
    window.answered(None, 1.0, 2.0)
    assert window.unlimited is False
    window.start(2.0)
    assert window.wait(2.0) == 58.0


def refuse(window: Window, told: RateLimitHeaders | None, now: float) -> None:
    """A request that has just started gets a 429."""
    window.start(now)
    window.answered(told, now, now, refused=True)


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        pytest.param(30.0, 30.0, id="as the server says"),
        pytest.param(None, 5.0, id="not said: five seconds"),
        pytest.param(10**9, 120.0, id="not believed beyond two minutes"),
    ],
)
@pytest.mark.parametrize("fresh", [True, False], ids=["limit unknown", "limit known"])
def test_after_a_429_no_request_starts_before_the_window_resets(
    retry_after: float | None, wait: float, fresh: bool
) -> None:
    """service.md#too-many-requests."""
    window = Window() if fresh else known(40, 40, 1.0)
    told = None if retry_after is None else RateLimitHeaders(40, 0, retry_after)
    refuse(window, told, 1.0)
    assert window.wait(1.0) == wait
    assert window.wait(1.0 + wait - 0.5) == 0.5
    assert window.wait(1.0 + wait) == 0.0


@pytest.mark.parametrize("status", [200, 429])
def test_after_two_minutes_one_request_probes_whatever_the_headers_say(status: int) -> None:
    """A value in another unit would stop the client for an hour."""
    window = known(40, 1, 60.0)
    for began in (1.0, 121.0, 241.0):
        assert window.wait(began) == 0.0
        window.start(began)
        assert window.wait(began) > 0.0, "one request"
        told = RateLimitHeaders(40, 0, 3600.0)
        window.answered(told, began, began, refused=status == 429)
        assert window.wait(began + 119.0) == 1.0
    assert list(window.noticed) == ["rate-headers"]
    window.start(361.0)
    window.answered(RateLimitHeaders(40, 39, 3600.0), 361.0, 361.0)
    assert startable(window, 362.0) == 39


def test_a_second_429_never_shortens_the_wait() -> None:
    window = known()
    refuse(window, RateLimitHeaders(40, 0, 30.0), 1.0)
    refuse(window, RateLimitHeaders(40, 0, 5.0), 2.0)
    assert window.wait(2.0) == 29.0


def test_after_the_reset_of_a_429_the_whole_limit_is_available() -> None:
    window = known(40, 0, 60.0)
    refuse(window, RateLimitHeaders(40, 0, 20.0), 2.0)
    assert startable(window, 60.0) == 40


# -- does a reset give the whole limit?


def test_until_it_is_proven_a_reset_allows_one_request() -> None:
    """The window may be a sliding one, so the response to this request decides."""
    window = known(40, 0, 60.0, whole=False)
    assert startable(window, 60.0) == 1
    assert window.wait(60.0) == 1.0, "the response to it may be lost"
    window.answered(RateLimitHeaders(40, 39, 60.0), 60.0, 60.2)
    assert startable(window, 60.2) == 39


def test_a_reset_that_forgets_a_recent_request_is_whole() -> None:
    window = started(known(40, 39, 60.0, whole=False), 1)
    window.answered(RateLimitHeaders(40, 0, 58.0), 2.0, 2.1)  # A sliding window counts it until 62.
    window.start(60.1)
    window.answered(RateLimitHeaders(40, 39, 60.0), 60.1, 60.2)
    assert window.whole
    assert startable(window, 121.0) == 40


def test_a_reset_after_a_pause_proves_nothing() -> None:
    window = known(40, 39, 60.0, whole=False)
    window.start(60.1)
    window.answered(RateLimitHeaders(40, 39, 60.0), 60.1, 60.2)
    assert not window.whole


def test_requests_in_flight_may_have_used_up_the_next_window() -> None:
    window = started(known(2, 2, 60.0, whole=False), 2)
    assert window.wait(61.0) == math.inf
    window.abandon()
    assert window.wait(61.0) == 0.0


def test_a_refusal_after_a_whole_reset_is_a_contradiction() -> None:
    """From then on, one request goes first after each reset."""
    window = started(known(40, 0, 60.0), 1)
    assert window.wait(61.0) == 0.0
    window.answered(RateLimitHeaders(40, 0, 3.0), 61.0, 61.1, refused=True)
    assert (window.whole, window.doubted) == (False, True)
    assert startable(window, 65.0) == 1


def test_a_request_that_is_withdrawn_gives_the_probe_back() -> None:
    window = known(40, 0, 60.0, whole=False)
    assert startable(window, 60.0) == 1
    window.withdraw(60.0)
    assert window.wait(60.0) == 0.0


# -- headers of which a part is missing


def test_a_limit_alone_is_compared_with_our_own_requests() -> None:
    window = started(Window(), 1)
    for _ in range(3):
        window.answered(RateLimitHeaders(limit=3, retry_after=10.0), 0.0, 0.5)
        window.start(0.5)
    assert (window.remaining, window.wait(1.0)) == (0, 9.5)
    assert window.wait(10.5) == 0.0


def test_a_count_alone_tells_the_limit() -> None:
    window = started(Window(), 1)
    window.answered(RateLimitHeaders(remaining=7, retry_after=10.0), 0.0, 0.5)
    assert (window.limit, startable(window, 1.0)) == (8, 7)


def test_a_higher_count_without_a_time_forgets_the_reset() -> None:
    window = started(known(40, 3, 60.0), 1)
    window.answered(RateLimitHeaders(40, 39), 5.0, 5.1)
    assert (window.resets_at, startable(window, 6.0)) == (None, 39)


@pytest.mark.parametrize(("retry_after", "quirk"), [(None, "partial"), (0.0, "zero")])
def test_a_spent_budget_without_a_time_is_probed_and_its_period_learned(
    retry_after: float | None, quirk: str
) -> None:
    window, now = Window(), 0.0
    for remaining in range(19, -1, -1):
        assert window.wait(now) == 0.0
        window.start(now)
        window.answered(RateLimitHeaders(20, remaining, retry_after), now, now)
        now += 0.01
    assert list(window.noticed) == [f"rate-headers={quirk}"]
    assert math.isclose(window.wait(now), 5.0, abs_tol=0.02)
    assert window.spare(now) == 0
    refuse(window, RateLimitHeaders(20, 0), 5.2)
    assert math.isclose(window.wait(5.2), 2.6), "half of the time that was too short"
    window.start(7.801)
    window.answered(RateLimitHeaders(20, 19, retry_after), 7.801, 7.801)
    assert (window.pace.count, window.remaining) == (20, 19)
    assert window.spare(7.9) == 19
    assert math.isclose(window.pace.period, 7.801)


def test_the_pace_of_a_class_without_headers_is_learned_from_a_refusal() -> None:
    window = Window()
    for _ in range(10):
        window.start(0.0)
        window.answered(None, 0.0, 0.0)
    refuse(window, RateLimitHeaders(standard=2.0), 0.1)
    assert list(window.noticed) == ["rate-headers=standard"]
    assert (window.wait(0.1), window.pace.count) == (2.0, 10)
    assert window.spare(0.1) is None, "not known"
    assert not window.free


def test_counts_without_a_time_that_come_late_are_no_news() -> None:
    window = started(known(40, 3, 60.0), 1)
    window.answered(RateLimitHeaders(40, 30), -1.0, 5.1)
    assert (window.remaining, window.resets_at) == (3, 60.0)


def test_a_single_response_without_a_time_does_not_start_a_search() -> None:
    """A server that rounds down sends 0 in the last second of its window."""
    window = started(Window(), 2)
    window.answered(RateLimitHeaders(40, 20, 0.0), 0.0, 0.1)
    assert window.timeless
    window.answered(RateLimitHeaders(40, 39, 60.0), 1.0, 1.1)
    assert (window.timeless, window.paced, window.pace.starts) == (False, False, [])


def test_a_timestamp_is_noticed_and_proves_no_whole_reset() -> None:
    """A moment may be rounded to a whole second, so the reset may be later."""
    window = started(known(40, 39, 60.0, whole=False), 1)
    told = RateLimitHeaders(40, 0, 58.0, quirk="rate-headers=timestamp")
    window.answered(told, 2.0, 2.1)
    window.start(60.1)
    window.answered(RateLimitHeaders(40, 39, 60.0, quirk="rate-headers=timestamp"), 60.1, 60.2)
    assert not window.whole
    assert list(window.noticed) == ["rate-headers=timestamp"]


def test_a_refusal_that_the_headers_do_not_explain_starts_the_search_for_a_pace() -> None:
    window = known(1000, 900, 60.0)
    refuse(window, RateLimitHeaders(1000, 899, 59.0), 1.0)
    assert window.paced
    assert list(window.noticed) == ["rate-headers"]
    assert window.spare(1.0) == 0
    window.start(60.0)
    window.answered(RateLimitHeaders(1000, 999, 60.0), 60.0, 60.1)
    assert window.paced
    refuse(window, RateLimitHeaders(1000, 998, 59.0), 61.0)
    assert window.pace.count == 1, "one request was accepted since the first refusal"
    assert len(window.noticed) == 1


def test_a_short_wait_that_a_header_states_does_not_bring_another_refusal_at_once() -> None:
    window = Window()
    window.pace = Pace(
        starts=[0.0, 1.0],
        arrived=[0.0, 1.0],
        count=2,
        period=10.0,
        refuted=9.0,
        accepted=9,
        proven=True,
    )
    refuse(window, RateLimitHeaders(standard=0.01), 10.1)
    assert window.cool_until >= 11.0


# -- against a server


@define
class Service:
    """Allows ``limit`` requests per window. The first request after a window opens the next."""

    limit: int
    length: float
    by_the_clock: bool = False
    """Windows begin at multiples of their length instead."""
    whole_seconds: bool = False
    used: int = 0
    ends: float = -math.inf

    def take(self, now: float) -> tuple[bool, RateLimitHeaders]:
        if now >= self.ends:
            self.used = 0
            self.ends = (
                (now // self.length + 1) * self.length if self.by_the_clock else now + self.length
            )
        allowed = self.used < self.limit
        self.used += allowed
        left = self.ends - now
        wait_header = float(math.ceil(left)) if self.whole_seconds else left
        return allowed, RateLimitHeaders(self.limit, self.limit - self.used, wait_header)


@define
class Network:
    """Clients of one service, and the time."""

    service: Service
    now: float = 0.0
    refusals: int = 0
    coming: list[tuple[float, int, Callable[[], None]]] = field(factory=list)
    order: "itertools.count[int]" = field(factory=itertools.count)

    def run(self, until: float = math.inf) -> None:
        while self.coming and self.coming[0][0] <= until:
            self.now, _, arrive = heapq.heappop(self.coming)
            arrive()
        self.now = self.now if until == math.inf else until

    def later(self, delay: float, arrive: Callable[[], None]) -> None:
        heapq.heappush(self.coming, (self.now + delay, next(self.order), arrive))

    def ask(
        self,
        window: Window,
        back: float,
        there: float = 0.0,
        then: Callable[[], None] = lambda: None,
    ) -> bool:
        """Start a request if the window lets it; ``then`` is called when the answer has come."""
        if window.wait(self.now) > 0:
            return False
        window.start(self.now)
        began = self.now

        def arrive() -> None:
            allowed, headers = self.service.take(self.now)
            self.refusals += not allowed
            self.later(back, lambda: answer(allowed, headers))

        def answer(allowed: bool, headers: RateLimitHeaders) -> None:
            window.answered(headers, began, self.now, refused=not allowed)
            then()

        if there:
            self.later(there, arrive)
        else:
            arrive()
        return True


def seconds(low: int, high: int) -> st.SearchStrategy[float]:
    """Quarters of a second, so that moments coincide."""
    return st.integers(low * 4, high * 4).map(lambda quarters: quarters / 4)


@define
class Burst:
    gap: float
    count: int
    back: list[float]
    client: int


bursts = st.builds(
    Burst,
    gap=seconds(0, 8),
    count=st.integers(1, 20),
    back=st.lists(seconds(0, 25).map(lambda delay: delay + 0.25), min_size=1, max_size=4),
    client=st.integers(0, 2),
)
services = st.builds(
    Service,
    limit=st.integers(UNKNOWN_BUDGET, 24),
    length=st.sampled_from([5.0, 10.0]),
    by_the_clock=st.booleans(),
    whole_seconds=st.booleans(),
)


def opens(window: Window, now: float) -> float:
    """How long a client that does what ``wait`` says waits, once every answer is in."""
    begun = now
    for _ in range(3):
        now += window.wait(now)
    return math.inf if window.wait(now) else now - begun


@given(services, st.lists(bursts, max_size=25))
def test_a_client_alone_is_never_refused(service: Service, schedule: list[Burst]) -> None:
    """A foreseeable 429 does not happen, in whatever order responses arrive.

    See service.md#rate-limit-headers, design.md §1 promise 3.
    """
    network, window = Network(service), Window()
    for burst in schedule:
        network.run(network.now + burst.gap)
        for index in range(burst.count):
            network.ask(window, burst.back[index % len(burst.back)])
    network.run()
    assert network.refusals == 0
    assert window.in_flight == 0
    assert opens(window, network.now) <= service.length + 1


@given(services, st.lists(bursts, max_size=25))
def test_clients_that_share_a_key_stop_at_a_429_and_never_for_ever(
    service: Service, schedule: list[Burst]
) -> None:
    """After a 429, no request starts before the reset, and all may start afterwards.

    See service.md#too-many-requests.
    """
    network, windows = Network(service), [Window(), Window(), Window(reserve=0.25)]
    for burst in schedule:
        network.run(network.now + burst.gap)
        window = windows[burst.client]
        for index in range(burst.count):
            begun = network.ask(window, burst.back[index % len(burst.back)])
            assert not (begun and network.now < window.cool_until)
    network.run()
    for window in windows:
        assert window.in_flight == 0
        assert opens(window, network.now) <= service.length + 1


@given(
    st.integers(40, 60), st.lists(st.tuples(seconds(0, 2), seconds(1, 20)), min_size=1, max_size=40)
)
def test_with_nothing_in_flight_the_count_is_the_servers(
    limit: int, sent: list[tuple[float, float]]
) -> None:
    """Within one window no budget is wasted either, in whatever order answers came."""
    network, window = Network(Service(limit, 1000.0)), Window()
    for gap, back in sent:
        network.run(network.now + gap)
        network.ask(window, back)
    network.run()
    assert window.remaining == limit - network.service.used


# -- what goes wrong


def test_a_request_that_reaches_the_server_after_the_reset_is_counted_in_the_new_window() -> None:
    network, window = Network(Service(40, 10.0)), Window()
    network.ask(window, back=0.5)
    network.run(8.0)
    network.ask(window, there=0.5, back=1.0)  # Answered at 9.5: what is known now is of then.
    network.run(9.0)
    network.ask(
        window, there=1.5, back=0.25
    )  # Counted at 10.5, in the next window; answered at 10.75.
    network.run(11.0)
    for _ in range(40):
        network.ask(window, back=5.0)
    assert network.refusals == 0


def test_a_higher_count_of_a_request_that_started_before_the_lower_one_is_not_believed() -> None:
    """``remaining`` is the lowest count. A higher one needs a request that started later."""
    network, window = Network(Service(40, 100.0)), Window()
    network.ask(window, back=1.0)
    network.run(0.5)
    network.ask(window, there=4.0, back=0.5)  # Counted third at 4.5, answered second at 5.
    network.run(2.0)
    network.ask(window, there=1.0, back=4.0)  # Counted second at 3, answered last at 7.
    network.run(8.0)
    assert window.remaining == 37


def test_a_window_whose_requests_all_got_lost_opens_again() -> None:
    """An outage: every request since the reset ends without a response."""
    window = known(40, 40, 60.0)
    assert startable(window, 61.0) == 40
    for _ in range(40):
        window.abandon()
    assert window.in_flight == 0
    assert window.wait(10_000.0) == 0.0


@pytest.mark.parametrize("refused", [False, True], ids=["answer", "429"])
def test_a_reset_in_zero_seconds_does_not_stop_the_class_for_ever(refused: bool) -> None:
    """A server that rounds down says 0 in the last second of its window."""
    window = started(known(40, 1, 10.0), 1)
    window.answered(RateLimitHeaders(40, 0, 0.0), 9.0, 9.5, refused=refused)
    assert window.wait(10_000.0) == 0.0


@pytest.mark.parametrize(
    ("limit", "reserve"),
    [pytest.param(0, 0.0, id="limit 0"), pytest.param(1, 0.5, id="the reserve is all of it")],
)
def test_a_window_never_waits_for_an_answer_that_cannot_come(limit: int, reserve: float) -> None:
    """Infinity means that an answer must come first: never with nothing in flight."""
    window = known(limit, limit, 10.0, reserve=reserve)
    assert window.in_flight == 0
    assert window.wait(11.0) < math.inf


def test_an_answer_without_headers_may_have_been_counted() -> None:
    """A 502 of a proxy: the server may have counted the request."""
    window = started(known(40, 10), 1)
    window.answered(None, 1.0, 2.0)
    assert startable(window, 2.0) == 9


def test_a_429_of_the_last_window_does_not_hide_the_counts_of_this_one() -> None:
    """Others spent window one; our 429 arrives when five requests of window two are under way."""
    window = started(known(40, 1, 10.0), 1)  # Started at 9, refused in window one, answered at 15.
    assert window.wait(10.0) == 0.0
    started(window, 5)  # Started at 10, counted in window two.
    window.answered(RateLimitHeaders(40, 0, 1.0), 9.0, 15.0, refused=True)
    for remaining in (39, 38, 37, 36, 35):
        window.answered(RateLimitHeaders(40, remaining, 5.0), 10.0, 15.5)
    assert startable(window, 16.0) <= 35


def test_a_place_that_is_given_back_was_never_taken() -> None:
    """Let in, then cancelled before anything was sent: the server cannot have counted it."""
    window = started(known(40, 2), 2)
    assert window.wait(1.0) > 0
    window.withdraw(0.0)
    assert startable(window, 1.0) == 1


def test_a_late_answer_of_the_last_window_does_not_end_the_new_one() -> None:
    """Its reset counts from its arrival, so an ended window seems to end in the future."""
    network, window = Network(Service(16, 10.0, by_the_clock=True)), Window()
    network.run(9.0)
    network.ask(window, back=3.5)  # Counted in window one, "resets in 1 s"; answered at 12.5: 13.5?
    network.run(9.75)
    network.ask(
        window, back=4.0
    )  # Counted in window one, "resets in 0.25 s"; answered at 13.75: 14?
    network.run(11.0)
    network.ask(
        window, back=1.5
    )  # Counted in window two, "resets in 9 s"; answered at 12.5: 21.5 at the latest.
    network.run(19.0)
    for _ in range(20):
        network.ask(window, back=0.25)  # 15 are left until 20.
    network.run()
    assert network.refusals == 0
