"""One row of the table of assumptions."""

from typing import Literal, TypeAlias

from attrs import frozen

__all__ = ["Assumption", "Certainty"]

Certainty: TypeAlias = Literal["documented", "inferred", "unknown"]
"""Whether a document states the answer, perhaps an outdated one; whether examples, code or tests of
the vendor suggest it; or whether no source says anything about it."""


@frozen(kw_only=True)
class Assumption:
    """An open question, what the package assumes, and what it does if the service differs."""

    question: str
    certainty: Certainty
    documents: str
    """What the documents say, with the types of the sources (docs/service.md, "Sources")."""
    assumed: str
    adaptation: str | None = None
    """What the client does if the service behaves in another way; None: it does not adapt."""
    setting: str | None = None
    """The setting that forces the other behaviour, or avoids the question."""
    quirks: tuple[str, ...] = ()
    """The quirks of the emulator that contradict the assumption."""
    facts: tuple[str, ...]
    """Anchors of docs/service.md."""
