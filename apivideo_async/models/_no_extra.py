"""The ``extra`` of everything that was read whole: one for all, because most objects have none."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["NO_EXTRA"]


class _NoExtra(Mapping[str, Any]):
    """An empty mapping, which stays one, in copies and in other processes as well."""

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
