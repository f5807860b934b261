"""Async-first Python SDK for api.video.

Everything public is a name of this package; modules are loaded when a name is first used, so that importing the
package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
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
    from .errors import EncodingError as EncodingError
    from .errors import NotFoundError as NotFoundError
    from .errors import PermissionDeniedError as PermissionDeniedError
    from .errors import Problem as Problem
    from .errors import RateLimitError as RateLimitError
    from .errors import ServerError as ServerError
    from .errors import SourceError as SourceError
    from .errors import UploadError as UploadError
    from .errors import WebhookSignatureError as WebhookSignatureError
    from .models import Page as Page
    from .models import Pagination as Pagination
    from .models import UploadToken as UploadToken
    from .models import Video as Video
    from .models import VideoAssets as VideoAssets
    from .models import VideoClip as VideoClip
    from .models import VideoStatus as VideoStatus
    from .models import VideoWatermark as VideoWatermark
    from .paginator import Paginator as Paginator
    from .uploads.ledger import ChunkState as ChunkState
    from .uploads.ledger import LedgerSnapshot as LedgerSnapshot
    from .uploads.many import UploadItem as UploadItem
    from .uploads.many import UploadResult as UploadResult
    from .uploads.progress import UploadProgress as UploadProgress
    from .uploads.session import PushSession as PushSession
    from .uploads.sources import Source as Source

_HOMES = {
    "client": ("ApiVideoClient",),
    "config": (
        *("UNSET", "ClientConfig", "RetryPolicy", "Timeouts", "Unset"),
        *("UploadLimits", "UploadOptions"),
    ),
    "errors": (
        *("ApiConnectionError", "ApiResponseError", "ApiStatusError", "ApiTimeoutError", "ApiVideoError"),
        *("AuthenticationError", "BadRequestError", "ConfigurationError", "ConflictError", "EncodingError"),
        *("NotFoundError", "PermissionDeniedError", "Problem", "RateLimitError", "ServerError"),
        *("SourceError", "UploadError", "WebhookSignatureError"),
    ),
    "models": (
        *("Page", "Pagination", "UploadToken", "Video", "VideoAssets", "VideoClip"),
        *("VideoStatus", "VideoWatermark"),
    ),
    "paginator": ("Paginator",),
    "uploads.ledger": ("ChunkState", "LedgerSnapshot"),
    "uploads.many": ("UploadItem", "UploadResult"),
    "uploads.progress": ("UploadProgress",),
    "uploads.session": ("PushSession",),
    "uploads.sources": ("Source",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
