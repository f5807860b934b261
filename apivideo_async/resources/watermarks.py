"""Watermarks (service.md#watermark-operations)."""

from typing import Literal, Unpack

from ..config import UNSET, Unset
from ..models import Watermark
from ..paginator import Paginator
from ..protocol.request import path_for
from ..protocol.writes import ExtraParameters, extra_only
from ..uploads.sources.types import SourceLike
from ._resource import FileKind, PageQuery, Resource, SortOrder

__all__ = ["Watermarks"]

IMAGE = FileKind("watermark")


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

    async def upload(
        self,
        source: SourceLike,
        *,
        filename: str | None = None,
        **extra: Unpack[ExtraParameters],
    ) -> Watermark:
        """Add a watermark (``POST /watermarks``, writes).

        ``source`` is a JPEG or PNG; another format raises ``BadRequestError``. The API returns only
        its id and time of creation, so the image cannot be retrieved later.
        """
        return await self._upload_file(
            "watermarks.upload",
            "/watermarks",
            Watermark,
            source,
            filename,
            IMAGE,
            extra_only(extra),
        )

    async def delete(self, watermark_id: str, *, missing_ok: bool = False) -> None:
        """Delete a watermark. Videos keep it (``DELETE /watermarks/{watermarkId}``, writes)."""
        path = path_for("/watermarks/{watermark_id}", watermark_id=watermark_id)
        await self._delete("watermarks.delete", path, missing_ok=missing_ok)
