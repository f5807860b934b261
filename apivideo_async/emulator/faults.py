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
        "drop-response",
        "status",
        "reset-before",
        "reset-during",
        "delay",
        "reject-early",
        "expire-tokens",
    }
)


@dataclass(slots=True)
class Fault:
    """One rule.

    `operation` is a method name of the SDK such as "videos.upload", or "*". The rule is due from the `nth`
    matching request on (1 is the first), with `probability` if given, and fires `times` times (None: always).

    Actions: "drop-response" executes and closes without an answer; "status" answers `status`, `body` and
    `content_type` (with `headers`) without executing; "reset-before" aborts at once; "reset-during" aborts
    after `after_bytes` of the body; "delay" executes and answers after `seconds`; "reject-early" answers
    `status` without reading the body and closes; "expire-tokens" makes all access tokens invalid and goes on.
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
