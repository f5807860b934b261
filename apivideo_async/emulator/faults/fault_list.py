"""Faults on demand: which request gets which, decided by counting.

A :class:`FaultList` is asked once per request. Every rule whose operation matches counts the request; the
first rule that is due is consumed. What an action does on the wire is in ``fault_actions``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

ACTIONS = frozenset(
    {
        "clock-jump",
        "delay",
        "drop-response",
        "duplicate",
        "expire-tokens",
        "html",
        "rate-limit",
        "refuse",
        "reject-early",
        "reset-after",
        "reset-before",
        "reset-during",
        "stall",
        "status",
        "trickle",
        "truncate",
    }
)


@dataclass(slots=True)
class Fault:
    """One rule.

    `operation` is a method name of the SDK such as "videos.upload", or "*". The rule is due from the `nth`
    matching request on (1 is the first), with `probability` if given, and fires `times` times (None: always).

    Actions that do not execute the request:

    - "status" answers `status`, `body` and `content_type` (with `headers`);
    - "rate-limit" answers 429 with the three headers, or without them when `retry_after` is None;
    - "reject-early" answers `status` without reading the body and closes;
    - "reset-before" aborts at once, "reset-during" after `after_bytes` of the body, "reset-after" after all of it;
    - "refuse" cuts every connection and accepts none for `seconds`, on the port that it keeps.

    Actions that execute it:

    - "drop-response" closes without an answer; "delay" answers after `seconds`;
    - "truncate" announces the whole body of the answer, sends half of it and closes; "trickle" sends it a byte
      at a time over `seconds`; "html" puts a page (or `body`, `content_type`) in the place of a 2xx body;
    - "duplicate" executes twice, as behind a proxy that delivers twice; the answer is the second one. The body
      is kept in memory;
    - "stall" stops reading the body after `after_bytes`, for `seconds`, then goes on, or aborts if it `resets`;
    - "expire-tokens" makes all access tokens invalid first; "clock-jump" sets the clock by which access and
      upload tokens expire forward by `seconds` first.
    """

    operation: str
    action: str
    nth: int | None = None
    probability: float | None = None
    times: int | None = 1
    status: int = 503
    body: Any = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    after_bytes: int = 0
    seconds: float = 0.0
    retry_after: float | None = 1.0
    resets: bool = False
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown fault action {self.action!r}; use one of {', '.join(sorted(ACTIONS))}")

    def counts(self, operation: str) -> bool:
        """Count a request of `operation`, if it matches; the answer says whether the rule could fire."""
        if self.operation not in {"*", operation}:
            return False
        self.seen += 1
        return self.seen >= (self.nth or 1) and (self.times is None or self.fired < self.times)


def fault_from_json(item: dict[str, Any]) -> Fault:
    """Build a rule from the JSON of the control API; the keys are the arguments of :class:`Fault`."""
    known = {entry.name for entry in fields(Fault) if entry.init}
    unknown = set(item) - known
    if unknown:
        raise ValueError(f"unknown fault parameter: {', '.join(sorted(unknown))}")
    return Fault(**item)


class FaultList:
    """The rules in the order in which they were added."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(f"{seed}/faults")  # noqa: S311 - repeatable on purpose
        self._faults: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults))

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, *faults: Fault) -> None:
        """Append rules."""
        self._faults.extend(faults)

    def clear(self) -> None:
        """Drop all rules."""
        self._faults.clear()

    def due(self, operation: str) -> Fault | None:
        """Return the rule that fires for this request, if any, and consume it."""
        chosen: Fault | None = None
        for fault in self:
            if fault.counts(operation) and chosen is None and self._happens(fault):
                chosen = fault
        if chosen is not None:
            chosen.fired += 1
        return chosen

    def _happens(self, fault: Fault) -> bool:
        return fault.probability is None or self._random.random() < fault.probability
