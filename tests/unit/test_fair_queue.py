"""Flows take turns where they wait, and a caller that is cancelled loses nothing."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.rate_limit import fair_queue
from apivideo_async.rate_limit.fair_queue import FairOrder, FairQueue


def served(order: "FairOrder[str]") -> str:
    return "".join(order.pop() for _ in range(len(order)))


def test_one_flow_is_served_in_its_order() -> None:
    order: FairOrder[str] = FairOrder()
    for entry in "abc":
        order.push(entry)
    assert (len(order), served(order)) == (3, "abc")
    with pytest.raises(IndexError):
        order.pop()


def test_a_flow_with_one_entry_does_not_wait_for_one_with_many() -> None:
    order: FairOrder[str] = FairOrder()
    for entry in "aaaaaa":
        order.push(entry, flow="a")
    assert order.pop() + order.pop() == "aa"
    for entry in "bc":
        order.push(entry, flow=entry)
    assert served(order) == "bcaaaa"


def test_a_flow_that_comes_back_at_once_takes_turns() -> None:
    """It is not served again before the others, although it has only one entry at a time."""
    queue: FairOrder[str] = FairOrder()
    for entry in "aaaa":
        queue.push(entry, flow="a")
    queue.push("b", flow="b")
    order = ""
    for _ in range(8):
        order += queue.pop()
        queue.push(order[-1], flow=order[-1])
    assert order.count("a") == order.count("b") == 4


def test_priority_precedes_turns() -> None:
    order: FairOrder[str] = FairOrder()
    order.push("a", flow="a", priority=1)
    order.push("b", flow="b", priority=2)
    order.push("c", flow="a", priority=0)
    assert served(order) == "cab"


def test_flows_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "REMEMBERED", 10)
    order: FairOrder[int] = FairOrder()
    order.push(-1, flow=-1, priority=1)
    for number in range(1_000):
        order.push(number, flow=number)
        assert order.pop() == number
        assert len(order._next) <= 11
    assert order.pop() == -1
    assert not order._next


@given(st.lists(st.sampled_from("abcd"), max_size=60))
def test_every_entry_is_served_once_and_flows_that_wait_alternate(entries: list[str]) -> None:
    queue: FairOrder[str] = FairOrder()
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


class Callers:
    """Tasks that wait in a queue, which admits only on order of the test."""

    def __init__(self) -> None:
        self.returned: list[str] = []
        self.joined = 0
        self.queue: FairQueue[str] = FairQueue(self._joined, self.returned.append)

    def _joined(self) -> None:
        self.joined += 1

    async def wait(self, count: int) -> list["asyncio.Task[str]"]:
        tasks = [asyncio.create_task(self.queue.wait()) for _ in range(count)]
        await asyncio.sleep(0)
        return tasks


async def results(tasks: list["asyncio.Task[str]"]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_callers_get_the_value_of_their_admission() -> None:
    callers = Callers()
    tasks = await callers.wait(2)
    assert (callers.joined, len(callers.queue)) == (2, 2)
    assert callers.queue.admit("first")
    assert callers.queue.admit("second")
    assert not callers.queue.admit("third")
    assert (await results(tasks), len(callers.queue)) == (["first", "second"], 0)


async def test_a_caller_that_is_cancelled_while_it_waits_takes_no_admission() -> None:
    callers = Callers()
    tasks = await callers.wait(3)
    tasks[0].cancel()
    assert callers.queue.admit("a"), "before the cancelled task runs"
    await asyncio.sleep(0)
    assert len(callers.queue) == 1
    tasks[2].cancel()
    await asyncio.sleep(0)
    assert (len(callers.queue), callers.queue.admit("b")) == (0, False)
    cancelled, value, _ = await results(tasks)
    assert (type(cancelled), value, callers.returned) == (asyncio.CancelledError, "a", [])


async def test_an_admission_that_a_cancelled_caller_cannot_use_is_taken_back() -> None:
    callers = Callers()
    tasks = await callers.wait(1)
    assert callers.queue.admit("a")
    tasks[0].cancel()
    assert type((await results(tasks))[0]) is asyncio.CancelledError
    assert (callers.returned, len(callers.queue)) == (["a"], 0)


async def test_all_callers_can_be_rejected() -> None:
    callers = Callers()
    tasks = await callers.wait(3)
    callers.queue.reject_all(lambda: LookupError("closed"))
    tasks[1].cancel()
    first, cancelled, last = await results(tasks)
    assert [type(first), type(cancelled), type(last)] == [
        LookupError,
        asyncio.CancelledError,
        LookupError,
    ]
    assert first is not last
    assert (callers.returned, len(callers.queue)) == ([], 0)
