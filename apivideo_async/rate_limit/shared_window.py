"""The window of one class of requests, which all workers of an account share.

Theory of operation. A database stores one ``Window``, in which all workers together act as one
client: the requests of all workers count as in flight, and each response updates the window once.
The rules of ``window`` apply unchanged, on the clock of the database. A worker makes exchanges
(``Exchange``, ``Grant``), in which it reports outcomes and gets permission to start requests. Four
rules are added:

- *Start times must not be too late*, because the window compares them with the time of its count.
  The start time of a request is the time of the exchange that granted it, which is always earlier
  than the real start.
- *End times must not be too early.* A worker measures on its own clock how long a report waited for
  its exchange. The end time is the time of the exchange minus that wait.
- *A worker may die.* Its requests in flight are stored under its name and are abandoned if it makes
  no exchange for ``ttl`` seconds. If it continues later, its responses count as requests that start
  and end at that moment.
- *An exchange may be repeated* because its answer was lost. Exchanges have numbers, and an exchange
  with the same number changes nothing.

If a class has no limit, the grant is ``free``: workers start requests without exchanges, and these
are not counted. Their start time is ``UNCOUNTED``. They are reported only if their response
contains a limit or is a 429.
"""

import math
from typing import Any, Final, Literal

from attrs import asdict, define, fields, frozen

from .window import SOON, RateLimitHeaders, Window

__all__ = ["UNCOUNTED", "Exchange", "Grant", "Report", "exchange"]

State = dict[str, Any]
"""JSON values. Fields that have the default of ``Window``, such as infinities, are left out."""
UNCOUNTED: Final = -math.inf
"""Start time of a request that no exchange granted."""


@frozen
class Report:
    """The outcome of one request."""

    outcome: Literal["answered", "withdrawn", "abandoned"]
    started: float
    """Start time from the grant, on the clock of the database, or ``UNCOUNTED``."""
    ended: float
    """End time on the worker's own clock."""
    headers: RateLimitHeaders | None = None
    refused: bool = False
    """Whether the response was a 429."""


@frozen(kw_only=True)
class Exchange:
    """The reports and the demand of one worker."""

    owner: str
    number: int
    """Counts up from 1. A repetition has the same number."""
    sent: float
    """Time on the worker's own clock at which the exchange was sent."""
    reports: tuple[Report, ...] = ()
    wanted: int = 0
    """Number of waiting requests."""
    ttl: float
    """Seconds without an exchange after which the worker counts as gone."""
    reserve: float = 0.0
    leaving: bool = False
    """The worker ends. Its requests in flight will not be reported."""


@frozen(kw_only=True)
class Grant:
    """The answer to an exchange."""

    now: float
    """Start time of the granted requests, on the clock of the database.

    The requests start at this time or later.
    """
    count: int
    """Number of requests that may start."""
    free: bool
    """The class has no limit, so all requests may start."""
    wait: float
    """Seconds until more requests may start; infinity if a response must arrive first."""
    sooner: bool
    """Other workers have requests in flight, whose responses may make room earlier."""
    window: Window
    """State of the window, for display."""


@define
class _Held:
    """The requests in flight of one worker, and its last exchange."""

    in_flight: int = 0
    ttl: float = 0.0
    number: int = 0
    seen: float = 0.0
    granted: int = 0


def exchange(state: State | None, now: float, given: Exchange) -> tuple[State, Grant]:
    """Apply an exchange. Returns the state to store, and the grant.

    ``now`` is the time of the database in seconds.
    """
    window, held = _read(state, now, given)
    mine = held.setdefault(given.owner, _Held())
    # A repetition has the number of the last exchange. Its reports were applied already, and the
    # stored grant is returned again.
    if mine.number != given.number:
        _bury(window, held, now, given.owner)
        for report in given.reports:
            # The age of the report on the worker's clock, subtracted from the time here. The
            # exchange took some time to arrive, so the result is never before the real end of the
            # request.
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
        # The request is not counted as in flight: no exchange granted it, or its worker was taken
        # for dead. The methods below subtract it, so it is added before.
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
    """Abandon the requests of workers that made no exchange for too long, except ``owner``."""
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
    # The share may differ between workers; that of the current one applies.
    window.reserve = given.reserve
    if state["at"] > now + SOON:
        # The clock of the database was set back. All stored times are wrong, so the window starts
        # again. The next response fills it.
        window = Window(reserve=given.reserve, in_flight=window.in_flight)
        for its in held.values():
            its.seen = min(its.seen, now)
    return window, held


def _written(window: Window, held: dict[str, _Held], now: float) -> State:
    usual = {field.name: field.default for field in fields(Window)}
    told = {name: value for name, value in asdict(window).items() if value != usual[name]}
    return {"at": now, "window": told, "owners": {name: asdict(its) for name, its in held.items()}}
