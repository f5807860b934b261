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

If a class has no limit, as far as it is known (``Window.free``), the grant is ``free``: workers
start requests without exchanges, and these are not counted. Their start time is ``UNCOUNTED``. They
are reported only if their response contains a limit or is a 429.
"""

import math
from typing import Any, Final, Literal, TypeAlias

from attrs import asdict, define, frozen

from .headers import ROUNDING, RateLimitHeaders
from .pace import Pace
from .window import Window

__all__ = ["UNCOUNTED", "Exchange", "Grant", "Outcome", "Report", "exchange"]

Outcome: TypeAlias = Literal["answered", "withdrawn", "abandoned"]
State: TypeAlias = dict[str, Any]
"""JSON values. Fields that have the default of ``Window``, such as infinities, are left out."""
UNCOUNTED: Final = -math.inf
"""Start time of a request that no exchange granted."""


@frozen
class Report:
    """The outcome of one request."""

    outcome: Outcome
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
    """Earliest start time of the granted requests, on the clock of the database."""
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


_PACE_FIELDS = asdict(Pace()).keys()


@define
class _Worker:
    """The requests in flight of one worker, and its last exchange."""

    in_flight: int = 0
    ttl: float = 0.0
    number: int = 0
    seen: float = 0.0
    granted: int = 0


def exchange(state: State | None, now: float, given: Exchange) -> tuple[State, Grant]:
    """Apply an exchange at the database's time ``now``. Returns the new state and the grant."""
    window, workers = _load(state, now, given)
    worker = workers.setdefault(given.owner, _Worker())
    # A repetition has the number of the last exchange. Its reports were applied already, and the
    # stored grant is returned again.
    if worker.number != given.number:
        _abandon_expired(window, workers, now, given.owner)
        for report in given.reports:
            # The exchange took some time to arrive, so this is never before the real end.
            _apply(window, worker, report, now - max(0.0, given.sent - report.ended))
        worker.number, worker.seen, worker.ttl, worker.granted = given.number, now, given.ttl, 0
        while worker.granted < given.wanted and not window.free and window.wait(now) <= 0:
            window.start(now)
            worker.granted += 1
        worker.in_flight += worker.granted
    wait = window.wait(now)
    grant = Grant(
        now=worker.seen,
        count=worker.granted,
        free=window.free and wait <= 0,
        wait=wait if worker.granted < given.wanted else 0.0,
        sooner=now >= window.cool_until and window.in_flight > worker.in_flight,
        window=window,
    )
    if given.leaving:
        _abandon(window, workers.pop(given.owner))
    return _dump(window, workers, now), grant


def _apply(window: Window, worker: _Worker, report: Report, ended: float) -> None:
    if worker.in_flight and report.started != UNCOUNTED:
        worker.in_flight -= 1
    else:
        # The request is not counted as in flight: no exchange granted it, or its worker was taken
        # for dead. The methods below subtract it, so it is added before.
        window.start(ended)
    if report.outcome == "withdrawn":
        window.withdraw(report.started)
    elif report.outcome == "abandoned":
        window.abandon()
    else:
        window.answered(report.headers, report.started, ended, refused=report.refused)


def _abandon_expired(window: Window, workers: dict[str, _Worker], now: float, owner: str) -> None:
    """Abandon the requests of workers that made no exchange for too long, except ``owner``."""
    expired = [name for name, worker in workers.items() if worker.seen + worker.ttl < now]
    for name in expired:
        if name != owner:
            _abandon(window, workers.pop(name))


def _abandon(window: Window, worker: _Worker) -> None:
    for _ in range(worker.in_flight):
        window.abandon()


def _load(state: State | None, now: float, given: Exchange) -> tuple[Window, dict[str, _Worker]]:
    if state is None:
        return Window(reserve=given.reserve), {}
    workers = {name: _Worker(**fields) for name, fields in state["owners"].items()}
    stored = dict(state["window"])
    # Another version of this package may have stored a pace with other fields.
    pace = stored.get("pace", {})
    window = Window(**{**stored, "pace": Pace(**pace) if pace.keys() == _PACE_FIELDS else Pace()})
    # The share may differ between workers; that of the current one applies.
    window.reserve = given.reserve
    if state["at"] > now + ROUNDING:
        # The clock of the database was set back. All stored times are wrong, so the window starts
        # again. The next response fills it.
        window = Window(reserve=given.reserve, in_flight=window.in_flight)
        for worker in workers.values():
            worker.seen = min(worker.seen, now)
    return window, workers


def _dump(window: Window, workers: dict[str, _Worker], now: float) -> State:
    defaults = asdict(Window())
    changed = {name: value for name, value in asdict(window).items() if value != defaults[name]}
    owners = {name: asdict(worker) for name, worker in workers.items()}
    return {"at": now, "window": changed, "owners": owners}
