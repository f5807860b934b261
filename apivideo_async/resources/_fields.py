"""The fields of a video as keyword arguments, and their wire form (service.md#video-attributes)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ..config import Unset
from ..models import Language, SummaryAttribute, VideoClip, VideoWatermark
from ..protocol.json_body import check_names, json_body, text_list
from ..protocol.request import metadata_pairs, set_fields

__all__ = ["VideoFields", "VideoUpdateFields", "check_video_fields", "video_body"]


class VideoUpdateFields(TypedDict, total=False):
    """What can be changed at any time. Left out is not sent; arrays replace as a whole, ``[]`` clears."""

    description: str | Unset
    """Its description."""
    public: bool | Unset
    """False makes every asset address need a token that works once."""
    panoramic: bool | Unset
    """Whether it is a 360° video."""
    mp4_support: bool | Unset
    """Whether the source can be had as an MP4 (``assets.mp4``)."""
    player_id: str | Unset | None
    """None detaches the player (inferred, service.md#null-and-absent)."""
    tags: Sequence[str] | Unset
    """Its tags."""
    metadata: Mapping[str, str] | Unset
    """Pairs of texts of your own."""
    language: Language | Unset | None
    """What is spoken: one of 33 codes, such as ``fr``; another one transcribes again."""
    transcript: bool | Unset
    """Make captions from what is said, at least 50 words."""
    transcript_summary: bool | Unset
    """Make a summary from what is said; ``ConflictError`` at an update when there is one."""
    transcript_summary_attributes: Sequence[SummaryAttribute] | Unset
    """The parts of that summary."""


class VideoFields(VideoUpdateFields, total=False):
    """What can be said at creation."""

    clip: VideoClip | Unset
    """The part of the source to keep."""
    watermark: VideoWatermark | Unset
    """An image to burn in."""


_KNOWN = {"title", "source", *VideoFields.__annotations__, *VideoUpdateFields.__annotations__}


def check_video_fields(fields: Mapping[str, Any]) -> None:
    """Raise ``TypeError`` for a name that is no field of a video, as Python does."""
    check_names("videos have", fields, _KNOWN)


def video_body(fields: Mapping[str, Any]) -> bytes:
    """Encode create and update fields. Raises ``TypeError`` for a name that is none of them, as Python does."""
    check_video_fields(fields)
    body = set_fields(fields)
    if "metadata" in body:
        body["metadata"] = metadata_pairs(body["metadata"])
    for name in ("tags", "transcript_summary_attributes"):
        if name in body:
            body[name] = text_list(name, body[name])
    return json_body(body)
