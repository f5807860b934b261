"""Base class of the resources: from a method call to a request, and from a response to a value."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, TypeVar

from attrs import frozen

from ..config import MIB
from ..errors import ApiResponseError, NotFoundError
from ..http.pipeline import Pipeline
from ..models import Page
from ..paginator import Paginator
from ..protocol.private_assets import AssetsT, PrivateSession, session_address
from ..protocol.query import QueryValue, filters
from ..protocol.request import asset_request, build_request
from ..protocol.response import Response
from ..protocol.writes import file_request, json_request
from ..uploads.attachment import attachment
from ..uploads.sources.types import SourceLike
from ._raw import RawMethods

if TYPE_CHECKING:
    # A property whose type depends on the resource: ``videos.with_raw_response`` is ``RawVideos``.
    from ._raw_types import raw_property
else:
    raw_property = property

__all__ = ["THUMBNAIL", "FileKind", "PageQuery", "Resource", "SortOrder"]

T = TypeVar("T")

SortOrder = Literal["asc", "desc"]


class PageQuery(TypedDict, total=False):
    """Arguments of every list method."""

    current_page: int
    """First page to request, from 1."""
    page_size: int
    """Items per page, 1 to 100. The default is 25."""
    prefetch: int
    """1 (default) to request the next page in advance, 0 to request it when it is needed."""


@frozen
class FileKind:
    """A kind of small file that a resource accepts."""

    default_name: str
    """File name of a source without a name."""
    largest: int = 64 * MIB
    """Limit in bytes. The default limits the memory for a stream, where the service documents no
    limit."""


THUMBNAIL = FileKind("thumbnail", 8 * MIB)
"""See service.md#thumbnails."""


class Resource:
    """A section of the API. The following is true for all methods.

    - The description of a method names the HTTP method, the path, and the request budget that the
      method uses: reads, writes or uploads.
    - A keyword argument that is absent or ``UNSET`` is not sent.
    - Methods that create or change an object accept ``extra_body`` and ``extra_query``, which
      ``ExtraParameters`` describes.
    - ``source`` is a file of any type that a video upload accepts: a path, bytes, a binary file, an
      async iterable of bytes, an object with ``async read(n)``, or a ``Source``. ``filename``
      overrides its name. Raises ``SourceError`` if it is empty, too large or not readable.
    - Raises ``ConfigurationError`` for an argument that cannot be sent, ``ApiConnectionError``, and
      the subclass of ``ApiStatusError`` that belongs to the status of the response, for example
      ``BadRequestError`` for an invalid value and ``NotFoundError`` for an id that does not exist.
    - With ``missing_ok=True``, deleting an object that does not exist raises no ``NotFoundError``.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    @raw_property
    def with_raw_response(self) -> RawMethods:
        """The same methods, returning their result with status, headers and request budget."""
        return RawMethods(self._observed)

    def _observed(self, on_response: Callable[[Response], None]) -> Self:
        return type(self)(self._pipeline.with_config(self._pipeline.config, on_response))

    def _call(
        self,
        operation: str,
        method: str,
        path: str,
        kind: type[T],
        query: Mapping[str, QueryValue] | None = None,
    ) -> Coroutine[Any, Any, T]:
        """Send a request without a body, and decode the response as ``kind``."""
        return self._pipeline.call(build_request(operation, method, path, query=query), kind)

    def _write(
        self,
        operation: str,
        method: str,
        path: str,
        kind: type[T],
        fields: Mapping[str, Any],
        typed: Iterable[str] = (),
    ) -> Coroutine[Any, Any, T]:
        """Send the request of ``json_request``, and decode the response as ``kind``."""
        return self._pipeline.call(json_request(operation, method, path, fields, typed), kind)

    def _list(
        self,
        operation: str,
        path: str,
        kind: type[T],
        page: PageQuery,
        query: Mapping[str, QueryValue] | None = None,
    ) -> Paginator[T]:
        """Create a paginator. The filters are copied now, so that every page uses the same ones."""
        size = page.get("page_size", 25)
        chosen = filters(query or {})
        pipeline = self._pipeline.patient()

        def fetch(number: int) -> Coroutine[Any, Any, Page[T]]:
            parameters = {**chosen, "currentPage": number, "pageSize": size}
            return pipeline.page(build_request(operation, "GET", path, query=parameters), kind)

        return Paginator(fetch, **page)

    async def _upload_file(
        self,
        operation: str,
        path: str,
        kind: type[T],
        source: SourceLike,
        filename: str | None,
        file: FileKind,
        fields: Mapping[str, Any],
    ) -> T:
        """Send a small file in one multipart request, with ``fields`` before the file."""
        async with attachment(
            source, filename, file.largest, default_name=file.default_name
        ) as part:
            request = file_request(operation, path, part, fields)
            return await self._pipeline.call(request, kind)

    async def _delete(self, operation: str, path: str, *, missing_ok: bool) -> None:
        try:
            await self._pipeline.send(build_request(operation, "DELETE", path))
        except NotFoundError:
            if not missing_ok:
                raise

    async def _open_session(
        self, operation: str, assets: AssetsT | None
    ) -> PrivateSession[AssetsT]:
        request = asset_request(operation, session_address(assets))
        # No retry: after a lost response the token would be used up.
        response = await self._pipeline.attempt(request, alone=True)
        content = response.json()
        token = content.get("session_token") if isinstance(content, Mapping) else None
        if not isinstance(token, str) or assets is None:
            raise ApiResponseError(
                "the response contains no session_token",
                status=response.status,
                request=request.summary,
            )
        return PrivateSession(token, assets)
