"""The bandwidth limit of a client, in virtual time: bodies take turns, the limit may change."""

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine, Hashable
from typing import Any, TypeVar

import pytest

from apivideo_async import ConfigurationError
from apivideo_async.rate_limit.bandwidth import Bandwidth

T = TypeVar("T")
RATE = 100_000


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when nothing else is to be done."""

    _virtual = 1000.0

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._virtual = max(self._virtual, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


async def send(bandwidth: Bandwidth, size: int, flow: Hashable = None) -> None:
    while size:
        size -= await bandwidth.take(size, flow)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_bytes_leave_at_the_rate_of_the_limit() -> None:
    async def main() -> float:
        bandwidth, began = Bandwidth(RATE), now()
        async with asyncio.TaskGroup() as group:
            for flow in "abc":
                group.create_task(send(bandwidth, 10 * RATE, flow))
        return now() - began

    assert run(main()) == pytest.approx(30.0, rel=0.01)


def test_uploads_get_equal_shares_however_many_connections_they_have() -> None:
    sent: Counter[str] = Counter()

    async def connection(bandwidth: Bandwidth, flow: str) -> None:
        while True:
            size = await bandwidth.take(256 * 1024, flow)
            sent[flow] += size

    async def main() -> None:
        bandwidth = Bandwidth(RATE)
        tasks = [asyncio.create_task(connection(bandwidth, flow)) for flow in "aaaaaaaab"]
        await asyncio.sleep(20)
        for task in tasks:
            task.cancel()

    run(main())
    assert sent["a"] == pytest.approx(sent["b"], rel=0.02)
    assert sent.total() == pytest.approx(20 * RATE, rel=0.01)


def test_small_bodies_do_not_use_up_whole_slices() -> None:
    async def main() -> float:
        bandwidth, began = Bandwidth(RATE), now()
        for _ in range(1_000):
            await send(bandwidth, 1_000)
        return now() - began

    assert run(main()) == pytest.approx(10.0, rel=0.01)


@pytest.mark.parametrize(("limit", "seconds"), [(None, 0.0), (RATE, 10.0), (2 * RATE, 5.0)])
def test_a_body_that_waits_follows_a_changed_limit_at_once(
    limit: int | None, seconds: float
) -> None:
    async def main() -> float:
        bandwidth = Bandwidth(1)
        task = asyncio.create_task(send(bandwidth, 10 * RATE))
        await asyncio.sleep(0.5)
        bandwidth.limit_rate = limit
        began = now()
        await task
        return now() - began

    assert run(main()) == pytest.approx(seconds, rel=0.01, abs=0.001)


def test_a_lower_limit_holds_for_a_body_that_waits() -> None:
    async def main() -> float:
        bandwidth = Bandwidth(50 * RATE)
        task = asyncio.create_task(send(bandwidth, 100 * RATE))
        await asyncio.sleep(1)
        bandwidth.limit_rate = RATE
        began = now()
        await task
        return now() - began

    assert run(main()) == pytest.approx(50.0, rel=0.02)


def test_the_limit_can_be_set_from_another_thread() -> None:
    async def main() -> float:
        bandwidth, began = Bandwidth(1), now()
        task = asyncio.create_task(send(bandwidth, RATE))
        await asyncio.sleep(0)

        def change() -> None:
            bandwidth.limit_rate = None

        thread = threading.Thread(target=change)
        thread.start()
        thread.join()
        await task
        return now() - began

    assert run(main()) < 10


@pytest.mark.parametrize("admitted", [False, True], ids=["while it waits", "when admitted"])
def test_a_body_that_is_cancelled_takes_nothing(admitted: bool) -> None:
    async def main() -> float:
        bandwidth, began = Bandwidth(RATE), now()
        task = asyncio.create_task(bandwidth.take(RATE))
        await asyncio.sleep(0)
        if admitted:
            # The cancellation comes in the same iteration of the event loop as the admission.
            assert bandwidth._timer is not None
            bandwidth._timer.cancel()
            await asyncio.sleep(0.05)
            bandwidth._admit()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        # One slice: the cancelled body took none.
        await send(bandwidth, RATE // 20)
        return now() - began

    assert run(main()) == pytest.approx(0.05, rel=0.01)


def test_the_limit_can_be_set_after_the_event_loop_was_closed() -> None:
    bandwidth = Bandwidth(RATE)
    run(send(bandwidth, 1))
    bandwidth.limit_rate = None
    assert bandwidth.limit_rate is None


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "20M", float("inf")])
def test_other_values_than_whole_numbers_above_0_are_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="limit_rate") as caught:
        Bandwidth(wrong)
    assert caught.value.option == "limit_rate"
    bandwidth = Bandwidth(5)
    with pytest.raises(ConfigurationError, match="limit_rate"):
        bandwidth.limit_rate = wrong
    assert bandwidth.limit_rate == 5
