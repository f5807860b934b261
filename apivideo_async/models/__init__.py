"""Records that api.video returns.

They are frozen, and they keep fields and values that this version does not know
(service.md#records).
"""

from ..errors import Problem
from ._convert import drain_json, from_json, parse_datetime, to_json
from ._timecode import timecode
from .account import Account, AccountQuota
from .analytics import (
    AggregatedMetrics,
    Aggregation,
    Breakdown,
    BreakdownMetric,
    Interval,
    Metric,
    MetricBucket,
    MetricPoint,
    MetricsContext,
    OverTimeMetric,
    Timeframe,
)
from .auth import AccessToken
from .caption import Caption
from .chapter import Chapter
from .live_stream import LiveStream, LiveStreamAssets, Restream
from .pagination import Page, Pagination, PaginationLink
from .player import PlayerTheme, PlayerThemeAssets
from .player_session import (
    PlayerSession,
    PlayerSessionClient,
    PlayerSessionDetails,
    PlayerSessionDevice,
    PlayerSessionEvent,
    PlayerSessionEventType,
    PlayerSessionLocation,
    PlayerSessionOs,
    PlayerSessionReferrer,
)
from .summary import Summary, SummaryAttribute, SummaryOrigin, SummarySource, SummaryStatus
from .tag import Tag
from .upload_token import UploadToken
from .video import (
    Language,
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
from .watermark import Watermark
from .webhook import Webhook, WebhookEventType
from .webhook_event import (
    LiveStreamBroadcastEnded,
    LiveStreamBroadcastStarted,
    UnknownEvent,
    VideoCaptionGenerated,
    VideoEncodingQualityCompleted,
    VideoSourceRecorded,
    VideoSummaryGenerated,
    WebhookEvent,
    event_from,
)

__all__ = [
    "AccessToken",
    "Account",
    "AccountQuota",
    "AggregatedMetrics",
    "Aggregation",
    "Breakdown",
    "BreakdownMetric",
    "BytesRange",
    "Caption",
    "Chapter",
    "IngestStatus",
    "Interval",
    "Language",
    "LanguageOrigin",
    "LiveStream",
    "LiveStreamAssets",
    "LiveStreamBroadcastEnded",
    "LiveStreamBroadcastStarted",
    "Metric",
    "MetricBucket",
    "MetricPoint",
    "MetricsContext",
    "OverTimeMetric",
    "Page",
    "Pagination",
    "PaginationLink",
    "PlayerSession",
    "PlayerSessionClient",
    "PlayerSessionDetails",
    "PlayerSessionDevice",
    "PlayerSessionEvent",
    "PlayerSessionEventType",
    "PlayerSessionLocation",
    "PlayerSessionOs",
    "PlayerSessionReferrer",
    "PlayerTheme",
    "PlayerThemeAssets",
    "Problem",
    "Quality",
    "QualityStatus",
    "ReceivedParts",
    "Restream",
    "Summary",
    "SummaryAttribute",
    "SummaryOrigin",
    "SummarySource",
    "SummaryStatus",
    "Tag",
    "Timeframe",
    "UnknownEvent",
    "UploadToken",
    "Video",
    "VideoAssets",
    "VideoCaptionGenerated",
    "VideoClip",
    "VideoEncodingQualityCompleted",
    "VideoSource",
    "VideoSourceLiveStream",
    "VideoSourceLiveStreamLink",
    "VideoSourceRecorded",
    "VideoStatus",
    "VideoStatusEncoding",
    "VideoStatusEncodingMetadata",
    "VideoStatusIngest",
    "VideoSummaryGenerated",
    "VideoWatermark",
    "Watermark",
    "Webhook",
    "WebhookEvent",
    "WebhookEventType",
    "drain_json",
    "event_from",
    "from_json",
    "parse_datetime",
    "timecode",
    "to_json",
]
