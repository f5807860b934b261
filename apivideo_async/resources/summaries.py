"""Summaries of videos (service.md#summary-operations, service.md#summaries)."""

from collections.abc import Sequence
from typing import Literal, TypeAlias, Unpack

from ..config import UNSET, Unset
from ..models import Summary, SummaryAttribute, SummaryOrigin, SummarySource, SummaryStatus
from ..paginator import Paginator
from ..protocol.json_body import text_list
from ..protocol.request import path_for
from ..protocol.writes import ExtraParameters, extra_only
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["Summaries"]

SummarySort: TypeAlias = Literal["createdAt", "updatedAt", "videoId"]


class Summaries(Resource):
    """``client.summaries``. A summary belongs to a video. Its text is called the *source*."""

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
        """List summaries (``GET /summaries``, reads)."""
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
        **extra: Unpack[ExtraParameters],
    ) -> Summary:
        """Create the summary of a video (``POST /summaries``, writes).

        With ``origin="auto"`` the service generates the text from the speech. Otherwise it
        generates nothing, and the status of the text is ``missing`` until ``update_source``.
        ``attributes`` are the parts to generate, ``abstract`` and ``takeaways``. Raises
        ``ConflictError`` if the video has a summary already. Delete that summary first.
        """
        parts = attributes if isinstance(attributes, Unset) else text_list("attributes", attributes)
        fields = {
            "video_id": video_id,
            "origin": origin,
            "attributes": parts,
            **extra_only(extra),
        }
        return await self._write("summaries.create", "POST", "/summaries", Summary, fields)

    async def delete(self, summary_id: str, *, missing_ok: bool = False) -> None:
        """Delete a summary and its text (``DELETE /summaries/{summaryId}``, writes)."""
        path = path_for("/summaries/{summary_id}", summary_id=summary_id)
        await self._delete("summaries.delete", path, missing_ok=missing_ok)

    async def get_source(self, summary_id: str) -> SummarySource:
        """Return the text (``GET /summaries/{summaryId}/source``, reads)."""
        path = path_for("/summaries/{summary_id}/source", summary_id=summary_id)
        return await self._call("summaries.get_source", "GET", path, SummarySource)

    async def update_source(
        self,
        summary_id: str,
        *,
        abstract: str | Unset = UNSET,
        takeaways: Sequence[str] | Unset = UNSET,
        **extra: Unpack[ExtraParameters],
    ) -> SummarySource:
        """Write the text, or a part of it (``PATCH /summaries/{summaryId}/source``, writes).

        ``abstract`` has 20 to 300 words. ``takeaways`` are at most 3 and replace all stored ones.
        Raises ``ConflictError`` while the service generates the text.
        """
        path = path_for("/summaries/{summary_id}/source", summary_id=summary_id)
        points = takeaways if isinstance(takeaways, Unset) else text_list("takeaways", takeaways)
        fields = {"abstract": abstract, "takeaways": points, **extra_only(extra)}
        return await self._write("summaries.update_source", "PATCH", path, SummarySource, fields)
