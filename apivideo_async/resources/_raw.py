"""``with_raw_response``: the result of a method together with the HTTP response.

The static types of these methods are in ``_raw_types.pyi``, which is generated from the resources.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from ..protocol.response import Response
from ..rate_limit.headers import RateLimitHeaders, read_headers

__all__ = ["RawMethods", "RawResponse"]

T = TypeVar("T")


@frozen
class RawResponse(Generic[T]):
    """A result and the HTTP response that contained it, the last one if there were several."""

    value: T
    """The result that the method returns without ``with_raw_response``. A list gives one page."""
    status: int
    """Status, 200 to 299. For other statuses an error with the same attributes is raised."""
    headers: Mapping[str, str] = field(repr=False, hash=False)
    """Headers of the response, with lower-case names."""
    body: bytes = field(repr=False)

    @property
    def rate_limit(self) -> RateLimitHeaders | None:
        """Request budget in the response, or None if it has no usable header (``/auth/*``)."""
        return read_headers(self.headers)


@frozen
class RawMethods:
    """Methods with the same arguments and errors, each returning a :class:`RawResponse`."""

    observed: Callable[[Callable[[Response], None]], object] = field(repr=False)
    """Returns a copy of the resource that passes each response to a function."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[RawResponse[Any]]]:
        responses: list[Response] = []
        method = getattr(self.observed(responses.append), name, None)
        if name.startswith("_") or not callable(method):
            raise AttributeError(f"the resource has no method {name!r}")

        async def call(*arguments: Any, **options: Any) -> RawResponse[Any]:
            result = method(*arguments, **options)
            # ``open_upload``, for example, returns an object and sends no request.
            if not inspect.isawaitable(result):
                raise TypeError(f"{name} sends no request, so it has no response")
            value = await result
            last = responses[-1]
            return RawResponse(value, last.status, last.headers, last.body)

        return call
