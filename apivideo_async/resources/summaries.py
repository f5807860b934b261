"""Summaries of videos (service.md#summary-operations, service.md#summaries)."""

from collections.abc import Sequence
from typing import Literal, TypeAlias, Unpack

from ..config import UNSET, Unset
from ..models import Summary, SummaryAttribute, SummaryOrigin, SummarySource, SummaryStatus
from ..paginator import Paginator
from ..protocol.json_body import text_list
from ..protocol.request import path_for
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["Summaries"]

SummarySort: TypeAlias = Literal["createdAt", "updatedAt", "videoId"]


class Summaries(Resource):
    """``client.summaries``: a summary belongs to a video, its text (the *source*) is read and written apart."""

    def list(
        self,
        *,
        video_id: str | Unset = UNSET,
        origin: SummaryOrigin | Unset = UNSET,
        source_status: SummaryStatus | Unset = UNSET,
        sort_by: SummarySort | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[Summary]:
        """List summaries (``GET /summaries``, reads).

        ``origin``: ``auto`` or ``api``; ``source_status``: ``missing``, ``waiting``, ``failed``, ``completed`` or
        ``unprocessable``.
        """
        query = {
            "videoId": video_id,
            "origin": origin,
            "sourceStatus": source_status,
            "sortBy": sort_by,
            "sortOrder": sort_order,
        }
        return self._list("summaries.list", "/summaries", Summary, page, query)

    async def create(
        self,
        *,
        video_id: str,
        origin: Literal["auto"] | Unset = UNSET,
        attributes: Sequence[SummaryAttribute] | Unset = UNSET,
    ) -> Summary:
        """Give a video a summary (``POST /summaries``, writes).

        ``origin``: with ``auto`` the text is generated from what is said; without, nothing is, and the text is
        ``missing`` until ``update_source``. ``attributes``: the parts to generate, ``abstract`` and ``takeaways``.
        Raises ``ConflictError`` when the video has a summary already: delete that first.
        """
        parts = attributes if isinstance(attributes, Unset) else text_list("attributes", attributes)
        fields = {"video_id": video_id, "origin": origin, "attributes": parts}
        return await self._call("summaries.create", "POST", "/summaries", Summary, fields)

    async def delete(self, summary_id: str, *, missing_ok: bool = False) -> None:
        """Delete a summary and its text (``DELETE /summaries/{summaryId}``, writes).

        Raises ``NotFoundError`` when there is no such summary, unless ``missing_ok``.
        """
        path = path_for("/summaries/{summary_id}", summary_id=summary_id)
        await self._delete("summaries.delete", path, missing_ok=missing_ok)

    async def get_source(self, summary_id: str) -> SummarySource:
        """Show the text (``GET /summaries/{summaryId}/source``, reads). ``NotFoundError`` when there is no summary."""
        path = path_for("/summaries/{summary_id}/source", summary_id=summary_id)
        return await self._call("summaries.get_source", "GET", path, SummarySource)

    async def update_source(
        self, summary_id: str, *, abstract: str | Unset = UNSET, takeaways: Sequence[str] | Unset = UNSET
    ) -> SummarySource:
        """Write the text, or a part of it (``PATCH /summaries/{summaryId}/source``, writes).

        ``abstract``: 20 to 300 words; ``takeaways``: 3 at most, all are replaced. Raises ``ConflictError`` while the
        text is generated.
        """
        path = path_for("/summaries/{summary_id}/source", summary_id=summary_id)
        points = takeaways if isinstance(takeaways, Unset) else text_list("takeaways", takeaways)
        fields = {"abstract": abstract, "takeaways": points}
        return await self._call("summaries.update_source", "PATCH", path, SummarySource, fields)
