# The names of this module, each written once. They are loaded by ``_lazy.py``.

from .errors import RequestSummary as RequestSummary
from .http.pipeline import BeforeRequest as BeforeRequest
from .protocol.query import QueryValue as QueryValue
from .protocol.request import LimitClass as LimitClass
from .protocol.request import Multipart as Multipart
from .protocol.request import Priority as Priority
from .protocol.request import Request as Request
from .protocol.response import Response as Response
from .protocol.writes import ExtraParameters as ExtraParameters
from .rate_limit.headers import RateLimitHeaders as RateLimitHeaders
from .rate_limit.limiter import Limiter as Limiter
from .resources._resource import SortOrder as SortOrder
from .resources.analytics import PagedMetricsQuery as PagedMetricsQuery
from .resources.analytics import Period as Period
from .uploads.many import OnResult as OnResult
from .uploads.plan import Chunk as Chunk
from .uploads.progress import OnProgress as OnProgress
from .uploads.sources.types import AsyncReadable as AsyncReadable
from .uploads.sources.types import SourceLike as SourceLike
from .uploads.sources.types import Stream as Stream
