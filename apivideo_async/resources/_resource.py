"""Base class of the resources: from a method call to a request, and from a response to a value."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self, TypedDict, TypeVar

from ..errors import NotFoundError
from ..http.pipeline import Pipeline
from ..models import Page
from ..paginator import Paginator
from ..protocol.json_body import json_body
from ..protocol.query import QueryValue, filters
from ..protocol.request import Multipart, build_request, set_fields
from ..protocol.response import Response
from ..uploads.attachment import attachment
from ..uploads.sources.types import SourceLike
from ._raw import RawMethods

__all__ = ["PageQuery", "Resource", "SortOrder"]

T = TypeVar("T")

SortOrder = Literal["asc", "desc"]


class PageQuery(TypedDict, total=False):
    """Arguments of every list method."""

    current_page: int
    """First page to request, from 1."""
    page_size: int
    """Items per page, 1 to 100. The default is 25."""
    prefetch: int
    """With 1 (default), the next page is requested in advance.

    With 0, it is requested when needed.
    """


class Resource:
    """A section of the API."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    @property
    def with_raw_response(self) -> RawMethods:
        """The same methods, returning their result with status, headers and request budget."""
        return RawMethods(self._observed)

    def _observed(self, on_response: Callable[[Response], None]) -> Self:
        return type(self)(self._pipeline.with_config(self._pipeline.config, on_response))

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        kind: type[T],
        fields: Mapping[str, Any] | None = None,
    ) -> T:
        """Send a request and decode the response as ``kind``.

        ``fields`` is the JSON body, or None for a request without a body.
        """
        body = None if fields is None else json_body(fields)
        return await self._pipeline.call(build_request(operation, method, path, body=body), kind)

    def _list(
        self,
        operation: str,
        path: str,
        kind: type[T],
        page: PageQuery,
        query: Mapping[str, QueryValue] | None = None,
    ) -> Paginator[T]:
        """Create a paginator.

        The filters are checked and copied now, so that every page uses the same ones.
        """
        size = page.get("page_size", 25)
        chosen = filters(query or {})

        async def fetch(number: int) -> Page[T]:
            asked = {**chosen, "currentPage": number, "pageSize": size}
            return await self._pipeline.page(
                build_request(operation, "GET", path, query=asked), kind
            )

        return Paginator(fetch, **page)

    async def _attach(
        self,
        operation: str,
        path: str,
        kind: type[T],
        source: SourceLike,
        filename: str | None,
        largest: int,
        nameless: str,
        fields: Mapping[str, Any] | None = None,
    ) -> T:
        """Send a small file in one multipart request, with ``fields`` before the file.

        ``largest`` is the limit in bytes, ``nameless`` the file name of a source without a name.
        """
        async with attachment(source, filename, largest, nameless=nameless) as part:
            multipart = Multipart(part, set_fields(fields or {}))
            return await self._pipeline.call(
                build_request(operation, "POST", path, multipart=multipart), kind
            )

    async def _delete(self, operation: str, path: str, *, missing_ok: bool) -> None:
        """Delete an object. With ``missing_ok``, a 404 is ignored."""
        try:
            await self._pipeline.send(build_request(operation, "DELETE", path))
        except NotFoundError:
            if not missing_ok:
                raise
