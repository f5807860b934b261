"""The observations of a check, one for each assumption. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from ..protocol.assumptions import ASSUMPTIONS, Assumption
from ..protocol.service_profile import ServiceProfile

__all__ = [
    "DELETED_TWICE",
    "SENT_AGAIN",
    "Findings",
    "Observation",
    "State",
    "UndeterminedError",
    "profile_of",
]

State: TypeAlias = Literal["agrees", "differs", "undetermined", "not probed"]
"""Whether the service behaves as assumed. ``undetermined``: it was probed without a result."""

SENT_AGAIN = "What happens to a chunk that is sent again after its response was lost?"
DELETED_TWICE = "How is a second deletion answered?"
"""Questions without a quirk are named by their text, all others by the quirk."""

_RANK: dict[State, int] = {"not probed": 0, "undetermined": 1, "agrees": 2, "differs": 3}
_NOT_PROBED = "Not probed."


class UndeterminedError(Exception):
    """A probe has no result. The message is the reason. It never leaves the check."""


@frozen(kw_only=True)
class Observation:
    """The observation about one assumption."""

    subject: str
    """The section of ``docs/conformance.md``."""
    assumption: Assumption
    state: State = "not probed"
    text: str = _NOT_PROBED
    """A sentence that describes the observation."""
    quirk: str | None = None
    """The quirk that the service has, with its value, such as ``chunks-in-order=409``."""
    changes: Mapping[str, Any] = field(factory=dict)
    """The values of ``ServiceProfile`` that the observation changes."""


def _key(assumption: Assumption) -> str:
    return assumption.quirks[0] if assumption.quirks else assumption.question


@define(eq=False)
class Findings:
    """The observations so far, one for each assumption. ``name`` is a quirk or a question."""

    _found: dict[str, Observation] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._found = {
            _key(row): Observation(subject=subject, assumption=row)
            for subject, rows in ASSUMPTIONS.items()
            for row in rows
        }

    def __iter__(self) -> Iterator[Observation]:
        return iter(self._found.values())

    def state(self, name: str) -> State:
        """Return the state of a question."""
        return self._found[name].state

    def is_open(self, name: str) -> bool:
        """Return True if nothing was recorded about a question."""
        return self._found[name].text == _NOT_PROBED

    def agrees(self, name: str, text: str) -> None:
        """Record that the service behaves as assumed."""
        self._record(name, "agrees", text)

    def differs(
        self, name: str, text: str, value: str | float | None = None, **changes: Any
    ) -> None:
        """Record that the service has a quirk, with a value if there is one."""
        quirk = name if self._found[name].assumption.quirks else None
        if quirk is not None and value is not None:
            quirk = f"{quirk}={value}"
        self._record(name, "differs", text, quirk=quirk, changes=changes)

    def undetermined(self, name: str, reason: str) -> None:
        """Record that a question has no answer. An earlier answer is kept."""
        self._record(name, "undetermined", f"Could not be determined: {reason}.")

    def not_probed(self, name: str, reason: str) -> None:
        """Record why a question was not probed. An earlier answer is kept."""
        self._record(name, "not probed", f"{_NOT_PROBED[:-1]}: {reason}.")

    def _record(self, name: str, state: State, text: str, **values: Any) -> None:
        earlier = self._found[name]
        # Several probes may answer a question. A difference that one of them saw remains.
        if _RANK[state] >= _RANK[earlier.state]:
            self._found[name] = Observation(
                subject=earlier.subject,
                assumption=earlier.assumption,
                state=state,
                text=text,
                **values,
            )


def profile_of(observations: Iterable[Observation]) -> ServiceProfile:
    """Return the default profile with the changes of all observations."""
    changes: dict[str, Any] = {}
    for observation in observations:
        for name, value in observation.changes.items():
            # The stricter order includes the other one.
            if changes.get(name) != "sequential":
                changes[name] = value
    return ServiceProfile(**changes)
