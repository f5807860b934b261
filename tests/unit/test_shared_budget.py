"""Clients that never pause: alone one uses every place, together they leave each other theirs.

See service.md#rate-limits.
"""

import math
import random
from collections.abc import Callable

import pytest

from apivideo_async.rate_limit.headers import RateLimitHeaders
from apivideo_async.rate_limit.window import Window
from tests.unit.test_window import Network, Service, known, startable, started


def keep_busy(network: Network, window: Window, in_flight: int, delay: Callable[[], float]) -> None:
    """Start as many as the window allows, now and after each response or reset."""

    def go() -> None:
        while window.in_flight < in_flight and network.ask(window, delay(), there=delay(), then=go):
            pass
        wait = window.wait(network.now)
        if window.in_flight < in_flight and 0 < wait < math.inf:
            network.later(wait, go)

    go()


def run_windows(clients: list[int], count: int, seed: int = 1) -> tuple[list[int], list[int]]:
    """Return the used and refused requests of each window (100 in 60 s, trips of 50 to 150 ms)."""
    chance = random.Random(seed)
    network = Network(Service(100, 60.0))
    used, refused = [], []
    for in_flight in clients:
        keep_busy(network, Window(), in_flight, lambda: chance.uniform(0.05, 0.15))
    for number in range(1, count + 1):
        before = network.refusals
        network.run(60.0 * number)
        used.append(network.service.used)
        refused.append(network.refusals - before)
    return used, refused


@pytest.mark.parametrize("in_flight", [1, 4, 16, 64, 200])
def test_a_client_alone_uses_all_of_every_window(in_flight: int) -> None:
    """Whatever the server counted is ours: no place is left for others that do not exist."""
    used, refused = run_windows([in_flight], 5)
    assert used == [100] * 5
    assert refused == [0] * 5


@pytest.mark.parametrize("clients", [[8, 8, 8], [4] * 5, [16, 2, 2]], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_clients_that_share_a_key_leave_each_other_a_place(clients: list[int], seed: int) -> None:
    """Without the crowd, each window would end with a burst of about 2/3 of all in flight."""
    used, refused = run_windows(clients, 12, seed)
    assert min(used[2:]) >= 95
    assert sum(refused[2:]) <= 10, "one for each window"


def test_places_are_left_only_while_somebody_takes_them() -> None:
    """A crowd that has gone is forgotten after one window."""
    window = started(known(40, 40), 1)
    window.answered(RateLimitHeaders(40, 10, 50.0), 1.0, 2.0)
    assert startable(window, 3.0) < 4
    window = started(known(40, 40), 1)
    window.answered(RateLimitHeaders(40, 10, 50.0), 1.0, 2.0)
    assert window.wait(60.0) == 0.0
    window.start(60.0)
    window.answered(RateLimitHeaders(40, 39, 60.0), 60.0, 60.0)
    assert startable(window, 120.0) == 40
