"""``with_raw_response``: what a method returns, together with the answer that it came from."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from ..protocol.response import Response
from ..rate_limit.window import RateLimitHeaders, read_headers

__all__ = ["RawMethods", "RawResponse"]

T = TypeVar("T")


@frozen
class RawResponse(Generic[T]):
    """A value and its answer. Of a method that makes several requests, the last answer."""

    value: T
    """What the method returns without ``with_raw_response``; of a list, one page."""
    status: int
    """Of the answer, 200 to 299; any other raises, and the error has the same members."""
    headers: Mapping[str, str] = field(repr=False)
    """Of the answer; names are lower-case."""
    body: bytes = field(repr=False)
    """Of the answer, as received."""

    @property
    def rate_limit(self) -> RateLimitHeaders | None:
        """The request budget as the answer told it; None when it told none (``/auth/*``)."""
        return read_headers(self.headers)


class RawMethods:
    """The methods of a resource, each giving a :class:`RawResponse` of its value; same arguments, same errors."""

    def __init__(self, observed: Callable[[Callable[[Response], None]], object]) -> None:
        self._observed = observed

    def __getattr__(self, name: str) -> Callable[..., Awaitable[RawResponse[Any]]]:
        seen: list[Response] = []
        method = None if name.startswith("_") else getattr(self._observed(seen.append), name, None)
        if method is None:
            raise AttributeError(f"no method {name}")

        async def call(*arguments: Any, **options: Any) -> RawResponse[Any]:
            result = method(*arguments, **options)
            if not inspect.isawaitable(result):
                raise TypeError(f"{name} has no answer of its own")
            value = await result
            return RawResponse(value, seen[-1].status, seen[-1].headers, seen[-1].body)

        return call
