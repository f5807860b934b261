"""Tags (service.md#tag-operations)."""

from typing import Literal, TypeAlias, Unpack

from ..config import UNSET, Unset
from ..models import Tag
from ..paginator import Paginator
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["Tags"]

TagSort: TypeAlias = Literal["value", "videoCount"]


class Tags(Resource):
    """``client.tags``: what videos are tagged with. Tags are made and unmade by tagging videos."""

    def list(
        self,
        *,
        value: str | Unset = UNSET,
        sort_by: TagSort | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[Tag]:
        """List the tags in use, each with its number of videos (``GET /tags``, reads).

        ``value``: a part of the tag; neither case nor accents matter. Sorted by ``value`` unless ``sort_by`` is given.
        """
        query = {"value": value, "sortBy": sort_by, "sortOrder": sort_order}
        return self._list("tags.list", "/tags", Tag, page, query)
