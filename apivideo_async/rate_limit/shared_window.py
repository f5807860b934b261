"""The budget of one class, as all workers of an account keep it together in a database.

Theory of operation. The stored state is one ``Window`` of ``protocol.rate_limit``, to which all workers are one client:
whatever any of them has in flight counts, and each answer is learnt from once. So the rules there hold as they are, on
one clock, the database's, and only three things come on top:

- *when a request started* must not be taken for later than it was, because counts are believed by it. Its time is
  that of the exchange that let it in, which is always earlier. Answers are taken to have come as long before the
  exchange that reports them as they waited for it on the worker's own clock, which is never too early;
- *a worker may be gone*. What it had in flight is kept under its name, and is abandoned when it was not heard of for
  ``ttl`` seconds. When it comes back after all, its answers are counted as those of requests that begin and end then;
- *an exchange may be repeated*, when its answer was lost. It has a number, and the second time changes nothing.

A class without limits costs no exchanges: while it is ``free``, workers let requests in themselves, which are then in
nobody's count; those have started at ``UNCOUNTED``, and matter only if their answer tells a limit after all.
"""

import math
from typing import Any, Final, Literal

from attrs import asdict, define, fields, frozen

from .window import SOON, RateLimitHeaders, Window

__all__ = ["UNCOUNTED", "Exchange", "Grant", "Report", "exchange"]

State = dict[str, Any]
"""Of JSON values; infinities are the defaults of a window, and are left out."""
UNCOUNTED: Final = -math.inf
"""When a request started that no exchange let in."""


@frozen
class Report:
    """What came of one request."""

    outcome: Literal["answered", "withdrawn", "abandoned"]
    started: float
    """By the grant."""
    ended: float
    """By the worker's own clock."""
    headers: RateLimitHeaders | None = None
    refused: bool = False
    """Answered with 429."""


@frozen(kw_only=True)
class Exchange:
    """What a worker tells and asks in one go."""

    owner: str
    number: int
    """Counts up from 1; the same again for a repetition."""
    sent: float
    """By the worker's own clock."""
    reports: tuple[Report, ...] = ()
    wanted: int = 0
    """Requests that wait."""
    ttl: float
    """Seconds after which the worker counts as gone."""
    reserve: float = 0.0
    leaving: bool = False
    """The worker ends: what it has in flight will not be heard of."""


@frozen(kw_only=True)
class Grant:
    """What the worker gets."""

    now: float
    """Database time of the exchange; the requests let in start at it, or later."""
    count: int
    """Requests that may start."""
    free: bool
    """There is no limit: all may start."""
    wait: float
    """Seconds until more may start; infinity when an answer must come first."""
    sooner: bool
    """Others have requests in flight, whose answers may open places before that."""
    window: Window
    """For show."""


@define
class _Held:
    """Requests of one worker in flight, and its last exchange."""

    in_flight: int = 0
    ttl: float = 0.0
    number: int = 0
    seen: float = 0.0
    granted: int = 0


def exchange(state: State | None, now: float, given: Exchange) -> tuple[State, Grant]:
    """Apply what is told, and let in as many as there is budget for; also return the state to store."""
    window, held = _read(state, now, given)
    mine = held.setdefault(given.owner, _Held())
    if mine.number != given.number:
        _bury(window, held, now, given.owner)
        for report in given.reports:
            _apply(window, mine, report, now - max(0.0, given.sent - report.ended))
        mine.number, mine.seen, mine.ttl, mine.granted = given.number, now, given.ttl, 0
        while mine.granted < given.wanted and not window.unlimited and window.wait(now) <= 0:
            window.start()
            mine.granted += 1
        mine.in_flight += mine.granted
    grant = _grant(window, mine, now, given.wanted)
    if given.leaving:
        _abandon(window, held.pop(given.owner))
    return _written(window, held, now), grant


def _grant(window: Window, mine: _Held, now: float, wanted: int) -> Grant:
    wait = window.wait(now)
    return Grant(
        now=mine.seen,
        count=mine.granted,
        free=window.unlimited and wait <= 0,
        wait=wait if mine.granted < wanted else 0.0,
        sooner=now >= window.cool_until and window.in_flight > mine.in_flight,
        window=window,
    )


def _apply(window: Window, mine: _Held, report: Report, ended: float) -> None:
    if mine.in_flight and report.started != UNCOUNTED:
        mine.in_flight -= 1
    else:
        window.start()
    if report.outcome == "withdrawn":
        window.withdraw()
    elif report.outcome == "abandoned":
        window.abandon()
    else:
        window.answered(report.headers, report.started, ended)
        if report.refused:
            window.refused(report.headers.retry_after if report.headers else None, ended)


def _bury(window: Window, held: dict[str, _Held], now: float, owner: str) -> None:
    """Give up the workers that were not heard of for too long, but for the one that speaks."""
    for name in [name for name, its in held.items() if its.seen + its.ttl < now and name != owner]:
        _abandon(window, held.pop(name))


def _abandon(window: Window, its: _Held) -> None:
    for _ in range(its.in_flight):
        window.abandon()


def _read(state: State | None, now: float, given: Exchange) -> tuple[Window, dict[str, _Held]]:
    if state is None:
        return Window(reserve=given.reserve), {}
    held = {name: _Held(**its) for name, its in state["owners"].items()}
    window = Window(**state["window"])
    window.reserve = given.reserve
    if state["at"] > now + SOON:
        # The clock was set back: all times are wrong, and the next answer tells them anew.
        window = Window(reserve=given.reserve, in_flight=window.in_flight)
        for its in held.values():
            its.seen = min(its.seen, now)
    return window, held


def _written(window: Window, held: dict[str, _Held], now: float) -> State:
    usual = {field.name: field.default for field in fields(Window)}
    told = {name: value for name, value in asdict(window).items() if value != usual[name]}
    return {"at": now, "window": told, "owners": {name: asdict(its) for name, its in held.items()}}
