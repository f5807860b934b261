"""Text summaries of videos (service.md#summaries)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from ._model import Model

__all__ = ["Summary", "SummaryAttribute", "SummaryOrigin", "SummarySource", "SummaryStatus"]

SummaryAttribute: TypeAlias = Literal["abstract", "takeaways"]
SummaryOrigin: TypeAlias = Literal["api", "auto"] | str
"""``auto``: api.video generates the text. ``api``: the text is written through the API."""
SummaryStatus: TypeAlias = (
    Literal["missing", "waiting", "failed", "completed", "unprocessable"] | str
)


@frozen(kw_only=True)
class Summary(Model):
    """The summary of one video. ``summaries.get_source`` returns its text."""

    summary_id: str = ""
    """Identifier; begins with ``summary_``."""
    video_id: str | None = None
    origin: SummaryOrigin | None = None
    source_status: SummaryStatus | None = None
    """``missing`` until the text is written, ``waiting`` while it is generated."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class SummarySource(Model):
    """The text of a summary."""

    abstract: str | None = None
    """Text of 20 to 300 words."""
    takeaways: list[str] = field(factory=list)
    """The main points, at most 3."""
    extra: Mapping[str, Any] = field(factory=dict)
