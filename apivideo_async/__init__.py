"""Async-first Python SDK for api.video.

Every public name can be imported from this package. A module is loaded when one of its names is
first used, so that importing the package is fast and loads no dependency.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

# Type checkers and editors read these imports. At run time, ``__getattr__`` resolves the names from
# ``_HOMES``. A new public name is added in both places.
if TYPE_CHECKING:
    from . import webhooks as webhooks
    from .client import ApiVideoClient as ApiVideoClient
    from .config import UNSET as UNSET
    from .config import ClientConfig as ClientConfig
    from .config import RetryPolicy as RetryPolicy
    from .config import Timeouts as Timeouts
    from .config import Unset as Unset
    from .config import UploadLimits as UploadLimits
    from .config import UploadOptions as UploadOptions
    from .errors import ApiConnectionError as ApiConnectionError
    from .errors import ApiResponseError as ApiResponseError
    from .errors import ApiStatusError as ApiStatusError
    from .errors import ApiTimeoutError as ApiTimeoutError
    from .errors import ApiVideoError as ApiVideoError
    from .errors import AuthenticationError as AuthenticationError
    from .errors import BadRequestError as BadRequestError
    from .errors import ConfigurationError as ConfigurationError
    from .errors import ConflictError as ConflictError
    from .errors import DuplicateVideosError as DuplicateVideosError
    from .errors import EncodingError as EncodingError
    from .errors import LeaseLostError as LeaseLostError
    from .errors import LedgerError as LedgerError
    from .errors import ManifestError as ManifestError
    from .errors import NotFoundError as NotFoundError
    from .errors import PermissionDeniedError as PermissionDeniedError
    from .errors import Problem as Problem
    from .errors import RateLimitError as RateLimitError
    from .errors import ServerError as ServerError
    from .errors import SourceError as SourceError
    from .errors import UploadError as UploadError
    from .errors import WebhookSignatureError as WebhookSignatureError
    from .models import AccessToken as AccessToken
    from .models import Account as Account
    from .models import AccountQuota as AccountQuota
    from .models import AggregatedMetrics as AggregatedMetrics
    from .models import Aggregation as Aggregation
    from .models import Breakdown as Breakdown
    from .models import BreakdownMetric as BreakdownMetric
    from .models import BytesRange as BytesRange
    from .models import Caption as Caption
    from .models import Chapter as Chapter
    from .models import IngestStatus as IngestStatus
    from .models import Interval as Interval
    from .models import Language as Language
    from .models import LanguageOrigin as LanguageOrigin
    from .models import LiveStream as LiveStream
    from .models import LiveStreamAssets as LiveStreamAssets
    from .models import LiveStreamBroadcastEnded as LiveStreamBroadcastEnded
    from .models import LiveStreamBroadcastStarted as LiveStreamBroadcastStarted
    from .models import Metric as Metric
    from .models import MetricBucket as MetricBucket
    from .models import MetricPoint as MetricPoint
    from .models import MetricsContext as MetricsContext
    from .models import OverTimeMetric as OverTimeMetric
    from .models import Page as Page
    from .models import Pagination as Pagination
    from .models import PaginationLink as PaginationLink
    from .models import PlayerSession as PlayerSession
    from .models import PlayerSessionClient as PlayerSessionClient
    from .models import PlayerSessionDetails as PlayerSessionDetails
    from .models import PlayerSessionDevice as PlayerSessionDevice
    from .models import PlayerSessionEvent as PlayerSessionEvent
    from .models import PlayerSessionEventType as PlayerSessionEventType
    from .models import PlayerSessionLocation as PlayerSessionLocation
    from .models import PlayerSessionOs as PlayerSessionOs
    from .models import PlayerSessionReferrer as PlayerSessionReferrer
    from .models import PlayerTheme as PlayerTheme
    from .models import PlayerThemeAssets as PlayerThemeAssets
    from .models import Quality as Quality
    from .models import QualityStatus as QualityStatus
    from .models import ReceivedParts as ReceivedParts
    from .models import Restream as Restream
    from .models import Summary as Summary
    from .models import SummaryAttribute as SummaryAttribute
    from .models import SummaryOrigin as SummaryOrigin
    from .models import SummarySource as SummarySource
    from .models import SummaryStatus as SummaryStatus
    from .models import Tag as Tag
    from .models import Timeframe as Timeframe
    from .models import UnknownEvent as UnknownEvent
    from .models import UploadToken as UploadToken
    from .models import Video as Video
    from .models import VideoAssets as VideoAssets
    from .models import VideoCaptionGenerated as VideoCaptionGenerated
    from .models import VideoClip as VideoClip
    from .models import VideoEncodingQualityCompleted as VideoEncodingQualityCompleted
    from .models import VideoSource as VideoSource
    from .models import VideoSourceLiveStream as VideoSourceLiveStream
    from .models import VideoSourceLiveStreamLink as VideoSourceLiveStreamLink
    from .models import VideoSourceRecorded as VideoSourceRecorded
    from .models import VideoStatus as VideoStatus
    from .models import VideoStatusEncoding as VideoStatusEncoding
    from .models import VideoStatusEncodingMetadata as VideoStatusEncodingMetadata
    from .models import VideoStatusIngest as VideoStatusIngest
    from .models import VideoSummaryGenerated as VideoSummaryGenerated
    from .models import VideoWatermark as VideoWatermark
    from .models import Watermark as Watermark
    from .models import Webhook as Webhook
    from .models import WebhookEvent as WebhookEvent
    from .models import WebhookEventType as WebhookEventType
    from .paginator import Paginator as Paginator
    from .protocol.private_assets import PrivateSession as PrivateSession
    from .rate_limit.window import RequestBudget as RequestBudget
    from .resources._fields import VideoFields as VideoFields
    from .resources._fields import VideoUpdateFields as VideoUpdateFields
    from .resources._raw import RawResponse as RawResponse
    from .resources._resource import PageQuery as PageQuery
    from .resources._waiting import PlayableResult as PlayableResult
    from .resources.analytics import FilterBy as FilterBy
    from .resources.analytics import MetricsQuery as MetricsQuery
    from .resources.live_streams import LiveStreamFields as LiveStreamFields
    from .resources.players import PlayerFields as PlayerFields
    from .resources.videos import VideoListQuery as VideoListQuery
    from .uploads.ledger import ChunkState as ChunkState
    from .uploads.ledger import LedgerSnapshot as LedgerSnapshot
    from .uploads.many import UploadItem as UploadItem
    from .uploads.many import UploadResult as UploadResult
    from .uploads.progress import UploadProgress as UploadProgress
    from .uploads.session import PushSession as PushSession
    from .uploads.sources.types import Source as Source
    from .webhooks import WebhookHandler as WebhookHandler

# The public names, by the module that defines them.
_HOMES = {
    "client": ("ApiVideoClient",),
    "config": (
        "UNSET",
        "ClientConfig",
        "RetryPolicy",
        "Timeouts",
        "Unset",
        "UploadLimits",
        "UploadOptions",
    ),
    "errors": (
        *(
            "ApiConnectionError",
            "ApiResponseError",
            "ApiStatusError",
            "ApiTimeoutError",
            "ApiVideoError",
        ),
        *(
            "AuthenticationError",
            "BadRequestError",
            "ConfigurationError",
            "ConflictError",
            "DuplicateVideosError",
        ),
        *("EncodingError", "LeaseLostError", "LedgerError", "ManifestError"),
        *(
            "NotFoundError",
            "PermissionDeniedError",
            "Problem",
            "RateLimitError",
            "ServerError",
            "SourceError",
        ),
        *("UploadError", "WebhookSignatureError"),
    ),
    "models": (
        *(
            "AccessToken",
            "Account",
            "AccountQuota",
            "AggregatedMetrics",
            "Aggregation",
            "Breakdown",
        ),
        *(
            "BreakdownMetric",
            "BytesRange",
            "Caption",
            "Chapter",
            "IngestStatus",
            "Interval",
            "Language",
        ),
        *("LanguageOrigin", "LiveStream", "LiveStreamAssets", "LiveStreamBroadcastEnded"),
        *("LiveStreamBroadcastStarted", "Metric", "MetricBucket", "MetricPoint", "MetricsContext"),
        *(
            "OverTimeMetric",
            "Page",
            "Pagination",
            "PaginationLink",
            "PlayerSession",
            "PlayerSessionClient",
        ),
        *(
            "PlayerSessionDetails",
            "PlayerSessionDevice",
            "PlayerSessionEvent",
            "PlayerSessionEventType",
        ),
        *("PlayerSessionLocation", "PlayerSessionOs", "PlayerSessionReferrer", "PlayerTheme"),
        *("PlayerThemeAssets", "Quality", "QualityStatus", "ReceivedParts", "Restream", "Summary"),
        *(
            "SummaryAttribute",
            "SummaryOrigin",
            "SummarySource",
            "SummaryStatus",
            "Tag",
            "Timeframe",
        ),
        *(
            "UnknownEvent",
            "UploadToken",
            "Video",
            "VideoAssets",
            "VideoCaptionGenerated",
            "VideoClip",
        ),
        *("VideoEncodingQualityCompleted", "VideoSource", "VideoSourceLiveStream"),
        *("VideoSourceLiveStreamLink", "VideoSourceRecorded", "VideoStatus", "VideoStatusEncoding"),
        *(
            "VideoStatusEncodingMetadata",
            "VideoStatusIngest",
            "VideoSummaryGenerated",
            "VideoWatermark",
        ),
        *("Watermark", "Webhook", "WebhookEvent", "WebhookEventType"),
    ),
    "paginator": ("Paginator",),
    "protocol.private_assets": ("PrivateSession",),
    "rate_limit.window": ("RequestBudget",),
    "resources._fields": ("VideoFields", "VideoUpdateFields"),
    "resources._raw": ("RawResponse",),
    "resources._resource": ("PageQuery",),
    "resources._waiting": ("PlayableResult",),
    "resources.analytics": ("FilterBy", "MetricsQuery"),
    "resources.live_streams": ("LiveStreamFields",),
    "resources.players": ("PlayerFields",),
    "resources.videos": ("VideoListQuery",),
    "uploads.ledger": ("ChunkState", "LedgerSnapshot"),
    "uploads.many": ("UploadItem", "UploadResult"),
    "uploads.progress": ("UploadProgress",),
    "uploads.session": ("PushSession",),
    "uploads.sources.types": ("Source",),
    "webhooks": ("WebhookHandler",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", "webhooks", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name == "webhooks":
        return import_module(".webhooks", __name__)
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    # Stored, so that the next access does not call this function.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
