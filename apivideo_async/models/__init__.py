"""Records of what api.video answers: frozen, tolerant of what does not exist yet (CONTRACT §7)."""

from ..errors import Problem
from ._convert import from_json, parse_datetime, to_json
from .auth import AccessToken
from .pagination import Page, Pagination, PaginationLink
from .upload_token import UploadToken
from .video import (
    LanguageOrigin,
    Video,
    VideoAssets,
    VideoClip,
    VideoSource,
    VideoSourceLiveStream,
    VideoSourceLiveStreamLink,
    VideoWatermark,
)
from .video_status import (
    BytesRange,
    IngestStatus,
    Quality,
    QualityStatus,
    ReceivedParts,
    VideoStatus,
    VideoStatusEncoding,
    VideoStatusEncodingMetadata,
    VideoStatusIngest,
)

__all__ = [
    "AccessToken",
    "BytesRange",
    "IngestStatus",
    "LanguageOrigin",
    "Page",
    "Pagination",
    "PaginationLink",
    "Problem",
    "Quality",
    "QualityStatus",
    "ReceivedParts",
    "UploadToken",
    "Video",
    "VideoAssets",
    "VideoClip",
    "VideoSource",
    "VideoSourceLiveStream",
    "VideoSourceLiveStreamLink",
    "VideoStatus",
    "VideoStatusEncoding",
    "VideoStatusEncodingMetadata",
    "VideoStatusIngest",
    "VideoWatermark",
    "from_json",
    "parse_datetime",
    "to_json",
]
