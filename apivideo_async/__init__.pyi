# The public names of the package, each written once. They are loaded by ``_lazy.py``.

from . import conformance as conformance
from . import webhooks as webhooks
from ._version import __version__ as __version__
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
from .models._model import Model as Model
from .models._model import json_default as json_default
from .models.account import *
from .models.analytics import *
from .models.live_stream import *
from .models.pagination import *
from .models.player import *
from .models.summary import *
from .models.text_track import *
from .models.video import *
from .models.webhook import *
from .paginator import Paginator as Paginator
from .protocol.private_assets import PrivateSession as PrivateSession
from .protocol.service_profile import ServiceProfile as ServiceProfile
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
