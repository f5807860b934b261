"""The client: everything put together."""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, Unpack

import aiohttp
import attrs

from .config import UNSET, ClientConfig, RetryPolicy, Timeouts, UploadOptions, resolve_config
from .errors import ConfigurationError
from .http.pipeline import BeforeRequest, Pipeline
from .http.transport import Transport
from .models import Video
from .protocol.query import QueryValue
from .protocol.raw import raw_request
from .protocol.request import LimitClass, origin_headers
from .protocol.response import Response
from .rate_limit.limiter import Limiter, RequestBudget
from .resources._creation import create_video
from .resources._fields import VideoFields, check_video_fields
from .resources.account import Accounts
from .resources.analytics import Analytics
from .resources.auth import Auth
from .resources.captions import Captions
from .resources.chapters import Chapters
from .resources.live_streams import LiveStreams
from .resources.players import Players
from .resources.summaries import Summaries
from .resources.tags import Tags
from .resources.upload_tokens import UploadTokens
from .resources.videos import Videos
from .resources.watermarks import Watermarks
from .resources.webhooks import Webhooks
from .uploads.capacity import Slots
from .uploads.many import OnResult, UploadItem, UploadResult, check_batch, run_many
from .uploads.reporter import OnProgress
from .uploads.sources.opening import SourceLike
from .uploads.uploader import Intake

__all__ = ["ApiVideoClient"]


class ApiVideoClient:
    """The async client of api.video.

    ::

        async with ApiVideoClient(api_key="…") as client:
            video = await client.upload("movie.mp4", title="Movie")

    - ``api_key``: or ``APIVIDEO_API_KEY``; without one only uploads with a token work.
    - ``environment``: ``production`` or ``sandbox``, or ``APIVIDEO_ENVIRONMENT``; each has keys of its own.
    - ``base_url``: or ``APIVIDEO_BASE_URL``: another server, such as the emulator.
    - ``auth``: ``bearer`` exchanges the key for a token, ``basic`` sends the key with every request.
    - ``timeouts``, ``retry``, ``upload``: see those classes.
    - ``app_name``, ``app_version``: your application, told to api.video.
    - ``reserve``: share of the request budget, 0 to below 1, that is left to others who use the key.
    - ``limiter``: one that several clients share, or, made by ``ingest.budget.shared_limiter``, several processes; it
      has its own ``reserve``, and whoever made it closes it.
    - ``webhook_secret``: or ``APIVIDEO_WEBHOOK_SECRET``; what ``client.webhooks.unwrap`` checks with.
    - ``session``: an ``aiohttp.ClientSession`` of yours; never closed here. ``proxy``, ``trust_env``,
      ``trace_configs`` and ``ssl_context`` go to aiohttp.

    Raises ``ConfigurationError`` for settings that cannot work. Nothing is opened before the first request.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        environment: Literal["production", "sandbox"] | None = None,
        base_url: str | None = None,
        auth: Literal["bearer", "basic"] = "bearer",
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        upload: UploadOptions | None = None,
        app_name: str | None = None,
        app_version: str | None = None,
        reserve: float = 0.0,
        limiter: Limiter | None = None,
        webhook_secret: str | None = None,
        session: aiohttp.ClientSession | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        config = resolve_config(
            api_key=api_key,
            environment=environment,
            base_url=base_url,
            auth=auth,
            timeouts=timeouts or Timeouts(),
            retry=retry or RetryPolicy(),
            upload=upload or UploadOptions(),
            app_name=app_name,
            app_version=app_version,
            reserve=reserve,
            webhook_secret=webhook_secret,
        )
        transport = Transport(
            config.base_url,
            session=session,
            proxy=proxy,
            trust_env=trust_env,
            trace_configs=trace_configs,
            ssl_context=ssl_context,
        )
        self._transport: Transport | None = transport
        self._assemble(Pipeline(config, transport, origin_headers(app_name, app_version), limiter))

    def _assemble(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.videos: Videos = Videos(pipeline)
        self.upload_tokens: UploadTokens = UploadTokens(pipeline)
        self.captions: Captions = Captions(pipeline)
        self.chapters: Chapters = Chapters(pipeline)
        self.live_streams: LiveStreams = LiveStreams(pipeline)
        self.players: Players = Players(pipeline)
        self.watermarks: Watermarks = Watermarks(pipeline)
        self.tags: Tags = Tags(pipeline)
        self.summaries: Summaries = Summaries(pipeline)
        self.analytics: Analytics = Analytics(pipeline)
        self.webhooks: Webhooks = Webhooks(pipeline)
        self.account: Accounts = Accounts(pipeline)
        self.auth: Auth = Auth(pipeline)

    @property
    def config(self) -> ClientConfig:
        """The settings in force."""
        return self._pipeline.config

    def __repr__(self) -> str:
        return f"ApiVideoClient(base_url={self.config.base_url!r}, auth={self.config.auth!r})"

    def with_options(
        self,
        *,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        upload: UploadOptions | None = None,
        before_request: BeforeRequest | None = None,
    ) -> "ApiVideoClient":
        """Make a copy with other options that shares connections, tokens and budgets; closing it closes nothing.

        ``before_request`` is awaited before each request of the copy is sent, when there is budget for it; an error
        that it raises ends the call, and nothing is sent.
        """
        changes: dict[str, Any] = {"timeouts": timeouts, "retry": retry, "upload": upload}
        config = attrs.evolve(self.config, **{name: value for name, value in changes.items() if value})
        copy = object.__new__(type(self))
        copy._transport = None
        copy._assemble(self._pipeline.with_config(config, before_request=before_request))
        return copy

    async def upload(
        self,
        source: SourceLike,
        *,
        title: str | None = None,
        filename: str | None = None,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[VideoFields],
    ) -> Video:
        """Create a video and upload its file.

        ``source``: a path, bytes, a binary file, an async iterable of bytes, an object with ``async read(n)`` or a
        ``Source``. ``title`` is the source's name unless given; ``fields`` as in ``videos.create``.

        Raises ``SourceError`` before anything is sent when the source cannot be used. Raises ``UploadError`` when
        the upload ends early; ``error.video_id`` with ``videos.upload`` sends the rest, and so does calling this
        again with the same ``idempotency_key``, or with ``UploadOptions(resume="on")``.
        """

        item = UploadItem(
            source=source, title=title, filename=filename, idempotency_key=idempotency_key, fields=dict(fields)
        )
        return await self._upload(item, Intake(self._pipeline, options, on_progress))

    async def _upload(self, item: UploadItem, intake: Intake) -> Video:
        async def create(name: str) -> Video:
            given = {"title": item.title or name, **item.fields}
            return await create_video(self._pipeline, given, key=item.idempotency_key, again=True)

        async with self._pipeline.exclusive(item.idempotency_key):
            return await intake.into_new(item.source, create, item.filename, fresh=item.idempotency_key is None)

    def upload_many(
        self,
        items: Iterable[UploadItem | SourceLike] | AsyncIterable[UploadItem | SourceLike],
        *,
        concurrency: int = 4,
        on_result: OnResult | None = None,
    ) -> AsyncIterator[UploadResult]:
        """Upload many sources, ``concurrency`` of them at once; iterate over what became of each, as it comes.

        ``items``: sources, or ``UploadItem`` with a title and so on; taken only when there is room, so there may be
        any number of them. Together they have no more chunks in flight than one upload may have, or ``concurrency``
        if that is more, and take turns; each stream among them buffers what ``UploadOptions`` says. A failure, an item
        that cannot be used included, is a result with ``error`` set and stops nothing. What ``items`` itself raises is
        raised after the results of the uploads under way. ``on_result`` is called before each result is given out.
        Raises ``ConfigurationError`` for ``items`` that are no iterable of sources.

        ::

            async for result in client.upload_many(Path("videos").glob("*.mp4")):
                print(result.item.source, result.error or result.video.video_id)
        """
        check_batch(items, concurrency)
        slots = Slots.of(self.config.upload, concurrency)

        async def upload(item: UploadItem) -> Video:
            try:
                check_video_fields(item.fields)
            except TypeError as error:
                raise ConfigurationError(str(error)) from None
            return await self._upload(item, Intake(self._pipeline, item.options, None, slots))

        return run_many(items, upload, concurrency, on_result)

    def budget(self, limit_class: LimitClass) -> RequestBudget:
        """Tell what the answers so far said of a request budget: ``uploads``, ``writes`` or ``reads``.

        See service.md#rate-limit-headers.

        Sends nothing. Call it in the event loop of the client.
        """
        return self._pipeline.limiter.budget(limit_class)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        json: Any = UNSET,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Call an operation that has no method here; authenticated, limited and retried like all others.

        ``path`` starts with ``/`` and is already quoted. Raises like every method, and ``ConfigurationError`` for
        arguments that cannot be sent; the answer has ``status``, ``headers``, ``body`` and ``json()``.
        """
        return await self._pipeline.send(raw_request(method, path, query=query, json=json, headers=headers))

    async def aclose(self) -> None:
        """Close connections that were opened here. A copy made by ``with_options`` closes nothing."""
        if self._transport is not None:
            await self._pipeline.authenticator.close()
            await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
