"""``with_raw_response``: the result of a method together with the HTTP response."""

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
    """A result and the HTTP response that contained it.

    For a method that sends several requests, this is the last response.
    """

    value: T
    """The result that the method returns without ``with_raw_response``. A list gives one page."""
    status: int
    """Status of the response, 200 to 299.

    For other statuses an error with the same attributes is raised.
    """
    headers: Mapping[str, str] = field(repr=False)
    """Headers of the response, with lower-case names."""
    body: bytes = field(repr=False)
    """Body of the response as received."""

    @property
    def rate_limit(self) -> RateLimitHeaders | None:
        """Request budget in the response, or None if it has none (``/auth/*``)."""
        return read_headers(self.headers)


class RawMethods:
    """The methods of a resource, each returning a :class:`RawResponse`.

    Arguments and errors are those of the original methods.
    """

    def __init__(self, observed: Callable[[Callable[[Response], None]], object]) -> None:
        self._observed = observed

    def __getattr__(self, name: str) -> Callable[..., Awaitable[RawResponse[Any]]]:
        # Each access creates a copy of the resource that appends its responses to ``seen``.
        seen: list[Response] = []
        method = None if name.startswith("_") else getattr(self._observed(seen.append), name, None)
        if method is None:
            raise AttributeError(f"no method {name}")

        async def call(*arguments: Any, **options: Any) -> RawResponse[Any]:
            result = method(*arguments, **options)
            # For example ``open_upload``, which returns an object without sending a request.
            if not inspect.isawaitable(result):
                raise TypeError(f"{name} has no answer of its own")
            value = await result
            return RawResponse(value, seen[-1].status, seen[-1].headers, seen[-1].body)

        return call
