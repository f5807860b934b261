"""Watermarks (service.md#watermark-operations)."""

from typing import Literal, Unpack

from ..config import MIB, UNSET, Unset
from ..models import Watermark
from ..paginator import Paginator
from ..protocol.request import path_for
from ..uploads.sources.opening import SourceLike
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["Watermarks"]

LARGEST_FILE = 64 * MIB
"""Not a limit of the service: what is held in memory when a stream is given."""


class Watermarks(Resource):
    """``client.watermarks``: images for ``videos.create(watermark=VideoWatermark(id=…))``."""

    def list(
        self,
        *,
        sort_by: Literal["createdAt"] | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[Watermark]:
        """List watermarks (``GET /watermarks``, reads)."""
        query = {"sortBy": sort_by, "sortOrder": sort_order}
        return self._list("watermarks.list", "/watermarks", Watermark, page, query)

    async def upload(self, source: SourceLike, *, filename: str | None = None) -> Watermark:
        """Add a watermark (``POST /watermarks``, writes).

        ``source``: a JPEG or PNG, given as videos are. The service keeps its id and its time only, so the image
        cannot be looked at later. ``BadRequestError`` for a file of another kind.
        """
        operation = "watermarks.upload"
        return await self._attach(operation, "/watermarks", Watermark, source, filename, LARGEST_FILE, "watermark")

    async def delete(self, watermark_id: str, *, missing_ok: bool = False) -> None:
        """Delete a watermark; videos keep it (``DELETE /watermarks/{watermarkId}``, writes).

        Raises ``NotFoundError`` when there is no such watermark, unless ``missing_ok``.
        """
        path = path_for("/watermarks/{watermark_id}", watermark_id=watermark_id)
        await self._delete("watermarks.delete", path, missing_ok=missing_ok)
