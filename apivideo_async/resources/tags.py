"""Tags (service.md#tag-operations)."""

from typing import Literal, TypeAlias, Unpack

from ..config import UNSET, Unset
from ..models import Tag
from ..paginator import Paginator
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["Tags"]

TagSort: TypeAlias = Literal["value", "videoCount"]


class Tags(Resource):
    """``client.tags``: the tags of all videos. No operation creates or deletes one."""

    def list(
        self,
        *,
        value: str | Unset = UNSET,
        sort_by: TagSort | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[Tag]:
        """List the tags in use, each with its number of videos (``GET /tags``, reads).

        ``value`` matches a part of the tag and ignores case and accents. The default order is
        ``value``.
        """
        query = {"value": value, "sortBy": sort_by, "sortOrder": sort_order}
        return self._list("tags.list", "/tags", Tag, page, query)
