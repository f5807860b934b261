"""The quirks that an emulator has at the moment. No I/O."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from .catalogue import QuirkValue, read_quirk

__all__ = ["QuirkSet"]


class QuirkSet(MutableMapping[str, QuirkValue]):
    """A mapping of names to values, which may be changed while the emulator runs.

    ``quirks["status-delay"] = 0.5`` sets a quirk, ``quirks["problem-json"] = True`` sets one
    without a value, ``quirks.add("chunks-in-order=409")`` sets quirks given as texts, and
    ``del quirks[name]`` removes one. Raises ``ValueError`` for a wrong name or value.
    """

    def __init__(self, given: Mapping[str, Any] | Iterable[str] = ()) -> None:
        if isinstance(given, str):
            raise TypeError("quirks takes a mapping or a list of quirks, not one text")
        self._values: dict[str, QuirkValue] = {}
        self._used: set[tuple[str, str]] = set()
        if isinstance(given, Mapping):
            self.update(given)
        else:
            self.add(*given)

    def add(self, *texts: str) -> None:
        """Set quirks given as ``NAME`` or ``NAME=VALUE``. If one is wrong, none is set."""
        parted = [text.partition("=") for text in texts]
        pairs = [(name, value if equals else None) for name, equals, value in parted]
        values = [(name, read_quirk(name, value)) for name, value in pairs]
        for name, value in values:
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name] = read_quirk(name, value)
        # The effects on single requests start again.
        self._used = {(other, key) for other, key in self._used if other != name}

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __getitem__(self, name: str) -> QuirkValue:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        # A copy: another thread may change the quirks meanwhile.
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"QuirkSet({self._values!r})"

    def number(self, name: str) -> float:
        """Return the seconds or bytes of a quirk, 0 if it is not set."""
        return float(self.get(name, 0))

    def choice(self, name: str) -> str | None:
        """Return the value of a quirk, None if it is not set."""
        return str(self[name]) if name in self else None

    def use(self, name: str, key: str) -> bool:
        """Return whether a quirk is set and was not used for ``key`` yet, and mark it as used."""
        if name not in self or (name, key) in self._used:
            return False
        self._used.add((name, key))
        return True
