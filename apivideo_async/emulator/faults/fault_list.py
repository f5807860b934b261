"""Rules for faults, and the decision which request a fault applies to.

``FaultList.due`` is called once for each request of an operation that has a name. Every rule
whose operation matches counts the request. The first rule that is due fires.
"""

import random
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any

from aiohttp import web
from attrs import Factory, define, field, fields

from ..operations import Call
from .actions import ACTIONS, Proceed

__all__ = ["FAULTS", "Fault", "FaultList", "fault_from_json"]


@define
class Fault:
    """One rule: the requests that it applies to, and the action.

    ``operation`` is a method name of the SDK such as ``"videos.upload"``, or ``"*"``. The rule is
    due from the ``nth`` matching request on (1 is the first), with ``probability`` (0 to 1) if
    given. It fires ``times`` times (None: without limit). ``seen`` counts the matching requests,
    and ``fired`` those that the rule has changed. Raises ``ValueError`` if ``action`` is unknown,
    or a value can never occur.

    Actions that do not execute the request:

    - ``"status"`` answers ``status``, ``body`` and ``content_type`` (with ``headers``).
    - ``"rate-limit"`` answers 429 with the three rate limit headers, or without them when
      ``retry_after`` is None.
    - ``"reject-early"`` answers ``status`` without reading the body, then closes the connection.
    - ``"reset-before"`` aborts the connection at once, ``"reset-during"`` after ``after_bytes`` of
      the body, ``"reset-after"`` after the whole body.
    - ``"refuse"`` aborts all connections and refuses new ones for ``seconds``. The port stays the
      same.

    Actions that execute the request:

    - ``"drop-response"`` aborts the connection without a response.
    - ``"delay"`` answers after ``seconds``.
    - ``"truncate"`` announces the whole body of the response, sends half of it and closes.
    - ``"trickle"`` sends the body of the response one byte at a time over ``seconds``.
    - ``"html"`` replaces a 2xx body by an HTML page, or by ``body`` with ``content_type``.
    - ``"duplicate"`` executes the request twice, like a proxy that delivers twice, and returns the
      second response. The body is kept in memory.
    - ``"stall"`` stops reading the body after ``after_bytes``, for ``seconds``. Then it continues,
      or aborts the connection if the rule ``resets``.
    - ``"expire-tokens"`` first makes all access tokens invalid.
    - ``"clock-jump"`` first sets the clock for the expiry of access and upload tokens forward by
      ``seconds``.
    """

    operation: str
    action: str
    nth: int | None = None
    probability: float | None = None
    times: int | None = 1
    status: int = 503
    body: Any = None
    content_type: str = "application/json"
    headers: dict[str, str] = Factory(dict)
    after_bytes: int = 0
    seconds: float = 0.0
    retry_after: float | None = 1.0
    resets: bool = False
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(
                f"unknown fault action {self.action!r}; use one of {', '.join(sorted(ACTIONS))}"
            )
        for name, valid, meaning in (
            ("nth", self.nth is None or _is_count(self.nth), "1 (the first request) or more"),
            ("times", self.times is None or _is_count(self.times), "1 or more, or None"),
            ("probability", _is_share(self.probability), "a number from 0 to 1"),
            ("status", _is_count(self.status) and 200 <= self.status <= 599, "200 to 599"),
        ):
            if not valid:
                raise ValueError(f"{name} of a fault is {meaning}, not {getattr(self, name)!r}")

    @property
    def may_fire(self) -> bool:
        """Whether the rule may fire for the last request that it counted."""
        return self.seen >= (self.nth or 1) and (self.times is None or self.fired < self.times)

    async def execute(self, call: Call, proceed: Proceed) -> web.StreamResponse:
        """Perform the action on a request. ``proceed`` executes the request without the fault."""
        action = ACTIONS[self.action]
        parameters = {name: getattr(self, name) for name in action.parameters}
        return await action.run(call, proceed, **parameters)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 1


def _is_share(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and 0 <= value <= 1)


def fault_from_json(item: dict[str, Any]) -> Fault:
    """Build a rule from the arguments of ``Fault``. Raises ``ValueError`` or ``TypeError``."""
    if not isinstance(item, dict):
        raise TypeError('a fault is an object, such as {"operation": "*", "action": "status"}')
    known = {entry.name for entry in fields(Fault) if entry.init}
    unknown = set(item) - known
    if unknown:
        raise ValueError(f"unknown fault parameter: {', '.join(sorted(unknown))}")
    return Fault(**item)


class FaultList:
    """The rules, in the order in which they were added. ``operations`` are the names they may have.

    Without ``operations``, every name is accepted.
    """

    def __init__(self, seed: int = 0, operations: Collection[str] = ()) -> None:
        self._operations = operations
        self._random = random.Random(f"{seed}/faults")  # noqa: S311 - repeatable on purpose
        self._faults: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        # A copy: rules can be added or removed meanwhile.
        return iter(list(self._faults))

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, *faults: Fault) -> None:
        """Add rules. Raises ``ValueError`` for an operation that does not exist, and adds none."""
        for fault in faults:
            if self._operations and fault.operation not in {"*", *self._operations}:
                raise ValueError(self._unknown(fault.operation))
        self._faults.extend(faults)

    def _unknown(self, operation: str) -> str:
        # The last part too: ``upload`` is close to ``videos.upload``.
        similar = get_close_matches(operation, self._operations, cutoff=0.7) or [
            name for name in self._operations if name.rpartition(".")[2] == operation
        ]
        meant = f": did you mean {' or '.join(similar)}?" if similar else ""
        return (
            f"no request is named {operation!r}, so the fault would never occur{meant} (* is every "
            "request, and the other names are those of methods, such as videos.upload)"
        )

    def clear(self) -> None:
        self._faults.clear()

    def due(self, operation: str) -> Fault | None:
        """Count a request of ``operation``. Return the rule that fires for it, or None."""
        matching = [fault for fault in self if fault.operation in {"*", operation}]
        for fault in matching:
            fault.seen += 1
        for fault in matching:
            if fault.may_fire and self._happens(fault):
                fault.fired += 1
                return fault
        return None

    def _happens(self, fault: Fault) -> bool:
        return fault.probability is None or self._random.random() < fault.probability


# Key of the rules in the aiohttp application.
FAULTS: web.AppKey[FaultList] = web.AppKey("faults", FaultList)
