"""The fields of a video as keyword arguments, and their JSON form (service.md#video-attributes)."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..config import Unset
from ..models import Language, SummaryAttribute, VideoClip, VideoWatermark
from ..protocol.json_body import check_names, text_list
from ..protocol.request import metadata_pairs, set_fields
from ..protocol.writes import ExtraParameters

__all__ = [
    "CREATION_FIELDS",
    "UPDATE_FIELDS",
    "VideoFields",
    "VideoUpdateFields",
    "check_video_fields",
    "video_fields",
]


class _CommonFields(ExtraParameters, total=False):
    description: str | Unset
    public: bool | Unset
    """With False, every asset address contains a token that works once."""
    panoramic: bool | Unset
    """True for a 360° video."""
    mp4_support: bool | Unset
    """True to offer the video as an MP4 file (``assets.mp4``)."""
    tags: Sequence[str] | Unset
    metadata: Mapping[str, str] | Unset
    language: Language | Unset | None
    """Spoken language, one of 33 codes such as ``fr``. A change creates a new transcript."""
    transcript: bool | Unset
    """True to create captions from the speech. This needs at least 50 words."""
    transcript_summary: bool | Unset
    """True to summarize the speech. An update raises ``ConflictError`` if a summary exists."""
    transcript_summary_attributes: Sequence[SummaryAttribute] | Unset


class VideoUpdateFields(_CommonFields, total=False):
    """Fields that can be changed.

    An absent field is not sent. An array replaces the stored one as a whole, and ``[]`` clears it.
    """

    player_id: str | Unset | None
    """Id of a player theme. None detaches it (inferred, service.md#null-and-absent)."""


class VideoFields(_CommonFields, total=False):
    """Fields that can be set at creation. ``clip`` and ``watermark`` cannot be changed later.

    None is refused, except for ``language``, because the service refuses it.
    """

    player_id: str | Unset
    """Id of a player theme."""
    clip: VideoClip | Unset
    watermark: VideoWatermark | Unset
    """Image that is burned into the video."""


CREATION_FIELDS: frozenset[str] = frozenset({"title", "source", *VideoFields.__annotations__})
UPDATE_FIELDS: frozenset[str] = frozenset({"title", *VideoUpdateFields.__annotations__})


def check_video_fields(fields: Mapping[str, Any]) -> None:
    """Raise ``TypeError`` for an unknown field name, like Python for an unknown argument."""
    check_names("videos have", fields, CREATION_FIELDS | UPDATE_FIELDS)


def video_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in the form that is sent. Raises ``TypeError`` for an unknown name."""
    check_video_fields(fields)
    sent = set_fields(fields)
    if "metadata" in sent:
        sent["metadata"] = metadata_pairs(sent["metadata"])
    for name in ("tags", "transcript_summary_attributes"):
        if name in sent:
            sent[name] = text_list(name, sent[name])
    return sent
