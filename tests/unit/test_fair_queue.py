"""Flows take turns where they wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.rate_limit import fair_queue as turns
from apivideo_async.rate_limit.fair_queue import FairQueue


def served(queue: "FairQueue[str]") -> str:
    return "".join(queue.pop() for _ in range(len(queue)))


def test_one_flow_is_served_in_its_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for entry in "abc":
        queue.push(entry)
    assert (len(queue), queue.peek(), served(queue)) == (3, "a", "abc")
    with pytest.raises(IndexError):
        queue.peek()


def test_a_flow_with_one_entry_does_not_wait_for_one_with_many() -> None:
    queue: FairQueue[str] = FairQueue()
    for entry in "aaaaaa":
        queue.push(entry, flow="a")
    assert queue.pop() + queue.pop() == "aa"
    for entry in "bc":
        queue.push(entry, flow=entry)
    assert served(queue) == "bcaaaa"


def test_a_flow_that_comes_back_at_once_takes_turns() -> None:
    """It is not served again before the others, although it never has more than one waiting."""
    queue: FairQueue[str] = FairQueue()
    for entry in "aaaa":
        queue.push(entry, flow="a")
    queue.push("b", flow="b")
    order = ""
    for _ in range(8):
        order += queue.pop()
        queue.push(order[-1], flow=order[-1])
    assert order.count("a") == order.count("b") == 4


def test_priority_goes_before_turns() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.push("a", flow="a", priority=1)
    queue.push("b", flow="b", priority=2)
    queue.push("c", flow="a", priority=0)
    assert served(queue) == "cab"


def test_flows_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "REMEMBERED", 10)
    queue: FairQueue[int] = FairQueue()
    queue.push(-1, flow=-1, priority=1)
    for number in range(1_000):
        queue.push(number, flow=number)
        assert queue.pop() == number
        assert len(queue._next) <= 11
    assert queue.pop() == -1
    assert not queue._next


@given(st.lists(st.sampled_from("abcd"), max_size=60))
def test_everybody_is_served_once_and_nobody_twice_before_another_who_waits(
    entries: list[str],
) -> None:
    queue: FairQueue[str] = FairQueue()
    for entry in entries:
        queue.push(entry, flow=entry)
    order = served(queue)
    assert sorted(order) == sorted(entries)
    for flow in set(entries):
        for other in set(entries) - {flow}:
            # Until one has no more entries, the two differ by one at most.
            until = min(entries.count(flow), entries.count(other))
            first = [entry for entry in order if entry in {flow, other}][: 2 * until]
            assert abs(first.count(flow) - first.count(other)) <= 1
