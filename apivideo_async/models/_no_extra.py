"""The ``extra`` of models that have no unknown members.

Most models have none, so they share one object, and reading a model creates no dict for it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["NO_EXTRA"]


class _NoExtra(Mapping[str, Any]):
    """An empty, immutable mapping with one instance, also after copying and unpickling."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"

    def __reduce__(self) -> str:
        return "NO_EXTRA"


NO_EXTRA: Mapping[str, Any] = _NoExtra()
