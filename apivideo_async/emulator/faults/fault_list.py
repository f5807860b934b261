"""Rules for faults, and the decision which request a fault applies to.

``FaultList.due`` is called once for each request of an operation that has a name. Every rule
whose operation matches counts the request. The first rule that is due fires.
"""

import random
from collections.abc import Iterator
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
    given. It fires ``times`` times (None: without limit). Raises ``ValueError`` if ``action`` is
    unknown.

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

    @property
    def may_fire(self) -> bool:
        """Whether the rule may fire for the last request that it counted."""
        return self.seen >= (self.nth or 1) and (self.times is None or self.fired < self.times)

    async def execute(self, call: Call, proceed: Proceed) -> web.StreamResponse:
        """Perform the action on a request. ``proceed`` executes the request without the fault."""
        action = ACTIONS[self.action]
        parameters = {name: getattr(self, name) for name in action.parameters}
        return await action.run(call, proceed, **parameters)


def fault_from_json(item: dict[str, Any]) -> Fault:
    """Build a rule from the arguments of ``Fault``. Raises ``ValueError`` if one is unknown."""
    known = {entry.name for entry in fields(Fault) if entry.init}
    unknown = set(item) - known
    if unknown:
        raise ValueError(f"unknown fault parameter: {', '.join(sorted(unknown))}")
    return Fault(**item)


class FaultList:
    """The rules, in the order in which they were added."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(f"{seed}/faults")  # noqa: S311 - repeatable on purpose
        self._faults: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        # A copy: rules can be added or removed meanwhile.
        return iter(list(self._faults))

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, *faults: Fault) -> None:
        self._faults.extend(faults)

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
