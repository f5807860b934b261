"""What the resources share: how a call becomes a request, and an answer a value."""

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
from ..uploads.sources.opening import SourceLike
from ._raw import RawMethods

__all__ = ["PageQuery", "Resource", "SortOrder"]

T = TypeVar("T")

SortOrder = Literal["asc", "desc"]


class PageQuery(TypedDict, total=False):
    """What every list takes."""

    current_page: int
    """The page to begin with, from 1."""
    page_size: int
    """Items of a page, 1 to 100; 25 unless given."""
    prefetch: int
    """1 (the default) asks for the next page ahead, 0 only when it is needed."""


class Resource:
    """A section of the API."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    @property
    def with_raw_response(self) -> RawMethods:
        """The same methods, each giving its value together with status, headers and request budget."""
        return RawMethods(self._observed)

    def _observed(self, on_response: Callable[[Response], None]) -> Self:
        return type(self)(self._pipeline.with_config(self._pipeline.config, on_response))

    async def _call(
        self, operation: str, method: str, path: str, kind: type[T], fields: Mapping[str, Any] | None = None
    ) -> T:
        """Send ``fields`` as JSON, if any are meant to be sent, and decode."""
        body = None if fields is None else json_body(fields)
        return await self._pipeline.call(build_request(operation, method, path, body=body), kind)

    def _list(
        self, operation: str, path: str, kind: type[T], page: PageQuery, query: Mapping[str, QueryValue] | None = None
    ) -> Paginator[T]:
        size = page.get("page_size", 25)
        chosen = filters(query or {})

        async def fetch(number: int) -> Page[T]:
            asked = {**chosen, "currentPage": number, "pageSize": size}
            return await self._pipeline.page(build_request(operation, "GET", path, query=asked), kind)

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
        """Send a small file in one request, ``fields`` before it."""
        async with attachment(source, filename, largest, nameless=nameless) as part:
            multipart = Multipart(part, set_fields(fields or {}))
            return await self._pipeline.call(build_request(operation, "POST", path, multipart=multipart), kind)

    async def _delete(self, operation: str, path: str, *, missing_ok: bool) -> None:
        try:
            await self._pipeline.send(build_request(operation, "DELETE", path))
        except NotFoundError:
            if not missing_ok:
                raise
