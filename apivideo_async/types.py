"""Types that occur in public signatures, for annotations in user code.

::

    from apivideo_async.types import OnProgress, SourceLike

    async def publish(source: SourceLike, on_progress: OnProgress | None = None) -> None: ...

Classes that user code creates or catches are in ``apivideo_async`` itself.
"""

from .http.pipeline import BeforeRequest
from .protocol.query import QueryValue
from .protocol.request import LimitClass, Request
from .protocol.response import Response
from .rate_limit.limiter import Limiter
from .rate_limit.window import RateLimitHeaders
from .resources._resource import SortOrder
from .resources.analytics import Period
from .uploads.many import OnResult
from .uploads.progress import OnProgress
from .uploads.sources.types import SourceLike, Stream

__all__ = [
    "BeforeRequest",
    "LimitClass",
    "Limiter",
    "OnProgress",
    "OnResult",
    "Period",
    "QueryValue",
    "RateLimitHeaders",
    "Request",
    "Response",
    "SortOrder",
    "SourceLike",
    "Stream",
]
