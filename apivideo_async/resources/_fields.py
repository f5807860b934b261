"""The fields of a video as keyword arguments, and their wire form (CONTRACT §7)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from ..config import Unset
from ..errors import ConfigurationError
from ..models import VideoClip, VideoWatermark, to_json
from ..protocol.request import metadata_pairs, set_fields

__all__ = ["VideoFields", "VideoUpdateFields", "video_body"]


class VideoUpdateFields(TypedDict, total=False):
    """What can be changed at any time. Left out is not sent; arrays replace as a whole, ``[]`` clears."""

    description: str | Unset
    public: bool | Unset
    """False makes every asset address need a token that works once."""
    panoramic: bool | Unset
    mp4_support: bool | Unset
    """Whether the source can be had as an MP4 (``assets.mp4``)."""
    player_id: str | Unset | None
    """None detaches the player (inferred, CONTRACT §5.3)."""
    tags: Sequence[str] | Unset
    metadata: Mapping[str, str] | Unset
    language: str | Unset | None
    """One of 33 codes, such as ``fr``."""
    transcript: bool | Unset
    transcript_summary: bool | Unset
    transcript_summary_attributes: Sequence[Literal["abstract", "takeaways"]] | Unset


class VideoFields(VideoUpdateFields, total=False):
    """What can be said at creation."""

    clip: VideoClip | Unset
    watermark: VideoWatermark | Unset


_WIRE = {
    "player_id": "playerId",
    "mp4_support": "mp4Support",
    "transcript_summary": "transcriptSummary",
    "transcript_summary_attributes": "transcriptSummaryAttributes",
}


_KNOWN = {"title", "source", *VideoFields.__annotations__, *VideoUpdateFields.__annotations__}


def video_body(fields: Mapping[str, Any]) -> bytes:
    """Encode create and update fields. Raises ``TypeError`` for a name that is none of them, as Python does."""
    unknown = sorted(set(fields) - _KNOWN)
    if unknown:
        raise TypeError(f"videos have no field {', '.join(unknown)}; they have {', '.join(sorted(_KNOWN))}")
    body = {_WIRE.get(name, name): value for name, value in set_fields(fields).items()}
    if "metadata" in body:
        body["metadata"] = metadata_pairs(body["metadata"])
    for name in ("tags", "transcriptSummaryAttributes"):
        if name in body:
            if isinstance(body[name], str):
                raise ConfigurationError(f"{name} is a list of texts, not one text: [{body[name]!r}]")
            body[name] = list(body[name])
    for name in ("clip", "watermark"):
        if name in body:
            body[name] = to_json(body[name])
    return json.dumps(body, ensure_ascii=False).encode()
