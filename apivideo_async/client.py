"""``ApiVideoClient``: creates the transport, the pipeline and the resources of one client."""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Literal, Self, Unpack

import aiohttp
import attrs

from .config import (
    UNSET,
    ClientConfig,
    RetryPolicy,
    Timeouts,
    UploadOptions,
    check_callable,
    check_type,
    resolve_config,
)
from .errors import ConfigurationError
from .http.network import Network
from .http.pipeline import BeforeRequest, Pipeline
from .http.shared_profile import SharedProfile
from .http.transport import Transport
from .models import Video
from .protocol.query import QueryValue
from .protocol.raw import raw_request
from .protocol.request import LimitClass, origin_headers
from .protocol.response import Response
from .protocol.service_profile import ServiceProfile
from .rate_limit.bandwidth import Bandwidth
from .rate_limit.limiter import Limiter, RequestBudget
from .resources._creation import create_keyed, create_video, remove_spares
from .resources._fields import VideoFields, check_video_fields
from .resources._key_records import key_record
from .resources.account import Accounts, Auth
from .resources.analytics import Analytics
from .resources.live_streams import LiveStreams
from .resources.players import Players
from .resources.summaries import Summaries
from .resources.tags import Tags
from .resources.text_tracks import Captions, Chapters
from .resources.upload_tokens import UploadTokens
from .resources.videos import Videos
from .resources.watermarks import Watermarks
from .resources.webhooks import Webhooks
from .uploads.capacity import Capacity, affordable
from .uploads.many import OnResult, UploadItem, UploadResult, check_batch, run_many
from .uploads.progress import OnProgress
from .uploads.sources.types import SourceLike
from .uploads.uploader import NewContainer, Uploader

__all__ = ["ApiVideoClient"]


class ApiVideoClient:
    """The async client of api.video.

    ::

        async with ApiVideoClient(api_key="…") as client:
            video = await client.upload("movie.mp4", title="Movie")

    - ``api_key``: the API key. Default: ``APIVIDEO_API_KEY``. Without a key, only uploads with an
      upload token work.
    - ``environment``: ``production`` or ``sandbox``. Default: ``APIVIDEO_ENVIRONMENT``, else
      ``production``. Each environment has its own keys.
    - ``base_url``: the URL of another server, such as the emulator. Default: ``APIVIDEO_BASE_URL``,
      else the URL of the environment.
    - ``auth``: ``bearer`` exchanges the key for an access token; ``basic`` sends the key with every
      request.
    - ``timeouts``, ``retry``, ``upload``: see ``Timeouts``, ``RetryPolicy`` and ``UploadOptions``.
    - ``app_name``, ``app_version``: name and version of your application, which are sent to
      api.video with every request.
    - ``reserve``: share of the request budget that is left to other users of the key, from 0 to
      below 1.
    - ``limiter``: a limiter that several clients share.
      ``rate_limit.shared_limiter.shared_limiter`` makes one that several processes share. A limiter
      has its own ``reserve``. The client does not close it.
    - ``limit_rate``: bytes per second that all files of this client are sent with at most, in
      total: videos, thumbnails, captions. None: no limit. See the attribute of this name.
    - ``profile``: what is known about the service, for one that differs from the assumptions of
      ``docs/conformance.md``. The client adapts without it, at the cost of refused requests.
    - ``webhook_secret``: the secret with which ``client.webhooks.unwrap`` checks signatures.
      Default: ``APIVIDEO_WEBHOOK_SECRET``.
    - ``session``: an existing ``aiohttp.ClientSession``. The client uses its connector, trace
      configurations and proxy, but not its headers, cookies or credentials, and does not close it.
    - ``proxy``: URL of an HTTP proxy, such as ``http://user:password@host:3128``. SOCKS is not
      supported.
    - ``trust_env``: without ``proxy``, use HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. The
      passwords of ``~/.netrc`` are never used.
    - ``ssl_context``: certificates to trust and to present. By default those of the system, or of
      SSL_CERT_FILE and SSL_CERT_DIR.
    - ``trace_configs``: a list of ``aiohttp.TraceConfig``.

    Raises ``ConfigurationError`` for settings that cannot work. The client opens no connection
    before the first request.
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
        limit_rate: int | None = None,
        profile: ServiceProfile | None = None,
        webhook_secret: str | bytes | None = None,
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
            timeouts=Timeouts() if timeouts is None else timeouts,
            retry=RetryPolicy() if retry is None else retry,
            upload=UploadOptions() if upload is None else upload,
            app_name=app_name,
            app_version=app_version,
            reserve=reserve,
            webhook_secret=webhook_secret,
        )
        check_type("limiter", limiter, Limiter)
        check_type("profile", profile, ServiceProfile)
        self._transport = transport = Transport(
            base_url=config.base_url,
            bandwidth=Bandwidth(limit_rate),
            network=Network(proxy=proxy, trust_env=trust_env, ssl_context=ssl_context),
            borrowed=session,
            trace_configs=trace_configs,
        )
        self._create_resources(
            Pipeline(
                config,
                transport,
                origin_headers(app_name, app_version),
                limiter,
                profile=SharedProfile(profile or ServiceProfile()),
            )
        )

    def _create_resources(self, pipeline: Pipeline) -> None:
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
        """The options of this client, after defaults and environment variables were applied."""
        return self._pipeline.config

    @property
    def profile(self) -> ServiceProfile:
        """What this client knows about the service; it changes while the client works."""
        return self._pipeline.profile.current

    @property
    def limit_rate(self) -> int | None:
        """Bytes per second that the files of all uploads together are sent with, or None.

        May be set at any time, from any thread: uploads in progress follow at once. Copies of
        ``with_options`` share the limit. Uploads get equal shares. Every period of five seconds
        stays below 1.05 of the limit. Requests without a file are not limited. Setting it raises
        ``ConfigurationError`` for a value that is not None or a whole number above 0.
        """
        return self._pipeline.bandwidth.limit_rate

    @limit_rate.setter
    def limit_rate(self, limit_rate: int | None) -> None:
        self._pipeline.bandwidth.limit_rate = limit_rate

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
        """Return a copy with other options. It shares connections, tokens and request budgets.

        The copy is a plain ``ApiVideoClient``, also if this client is of a subclass. Closing the
        copy closes nothing. ``before_request`` is awaited before each request of the copy, after
        the request budget has allowed it. If it raises an error, the request is not sent and the
        call raises that error.
        """
        check_callable("before_request", before_request)
        config = attrs.evolve(
            self.config,
            timeouts=self.config.timeouts if timeouts is None else timeouts,
            retry=self.config.retry if retry is None else retry,
            upload=self.config.upload if upload is None else upload,
        )
        return _Copy(self._pipeline.with_config(config, before_request=before_request))

    async def upload(
        self,
        source: SourceLike,
        *,
        title: str | None = None,
        filename: str | None = None,
        size: int | None = None,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[VideoFields],
    ) -> Video:
        """Create a video and upload its file.

        ``source`` is a path, bytes, a binary file, an async iterable of bytes, an object with
        ``async read(n)``, or a ``Source``. ``title`` is the name of the source by default.
        ``fields`` are those of ``videos.create``. ``size`` is the number of bytes that the source
        must have. Pass it for a stream whose length you know, such as a download: if it ends early,
        the video is not completed.

        Raises ``SourceError`` before anything is sent if the source cannot be used. Raises
        ``UploadError`` if the upload does not finish. To send the rest, call ``videos.upload`` with
        ``error.video_id``, or call this method again with the same ``idempotency_key`` or with
        ``UploadOptions(resume="on")``.
        """
        item = UploadItem(
            source=source,
            title=title,
            filename=filename,
            size=size,
            idempotency_key=idempotency_key,
            fields=dict(fields),
        )
        return await self._upload(item, Uploader(self._pipeline, options, on_progress))

    async def _upload(self, item: UploadItem, uploader: Uploader) -> Video:
        if item.idempotency_key is not None:
            return await self._upload_once(item, item.idempotency_key, uploader)

        async def create(source_name: str) -> NewContainer:
            fields = {"title": item.title or source_name, **item.fields}
            video = await create_video(self._pipeline.patient(), fields, repeat_lost=True)
            return NewContainer(video.video_id, empty=True)

        return await uploader.into_new(item.source, create, item.filename, item.size)

    async def _upload_once(self, item: UploadItem, key: str, uploader: Uploader) -> Video:
        fields, pipeline = {"title": item.title, **item.fields}, self._pipeline.patient()
        # A second call with the same key waits, and then finds the container of the first.
        async with key_record(pipeline, key) as record:

            async def create(source_name: str) -> NewContainer:
                fields["title"] = item.title or source_name
                created = await create_keyed(pipeline, fields, key, record, check="always")
                return NewContainer(created.video.video_id, empty=created.empty)

            video = await uploader.into_new(item.source, create, item.filename, item.size)
            await remove_spares(pipeline, fields, key, record, video.video_id)
            return video

    async def _upload_into(
        self,
        video_id: str,
        source: SourceLike,
        *,
        options: UploadOptions | None,
        on_progress: OnProgress,
        capacity: Capacity | None,
        empty: bool,
    ) -> Video:
        """Upload into a container, for ingestion: its items share ``capacity``."""
        uploader = Uploader(self._pipeline, options, on_progress, capacity)
        return await uploader.into_container(video_id, source, empty=empty)

    def upload_many(
        self,
        items: Iterable[UploadItem | SourceLike] | AsyncIterable[UploadItem | SourceLike],
        *,
        concurrency: int = 4,
        on_result: OnResult | None = None,
    ) -> AsyncIterator[UploadResult]:
        """Upload many sources, ``concurrency`` of them at once, and yield their results.

        The results are yielded in the order in which the uploads end. ``items`` are sources, or
        ``UploadItem`` objects, which can have a title and other fields. An item is taken from
        ``items`` only when its upload can start, so there is no limit to their number. All uploads
        together have at most as many chunks in flight as one upload may have, or ``concurrency`` if
        that is more, and are served in turn. Each stream has its own buffers (``UploadOptions``).
        Both numbers are lower if the process may open few files (``ulimit -n``).

        If an item fails, its result has ``error`` set and the other uploads continue. If ``items``
        raises an error, it is raised after the results of the uploads under way. ``on_result`` is
        called before each result is yielded. Raises ``ConfigurationError`` if ``items`` is not an
        iterable of sources.

        ::

            async for result in client.upload_many(Path("videos").glob("*.mp4")):
                print(result.item.source, result.error or result.video.video_id)
        """
        check_batch(items, concurrency)
        check_callable("on_result", on_result)
        concurrency = affordable(concurrency)
        capacity = Capacity.of(self.config.upload, concurrency, lambda: self.limit_rate)

        async def upload(item: UploadItem) -> Video:
            try:
                check_video_fields(item.fields)
            except TypeError as error:
                raise ConfigurationError(str(error), option="fields") from None
            return await self._upload(item, Uploader(self._pipeline, item.options, None, capacity))

        return run_many(items, upload, concurrency, on_result)

    def budget(self, limit_class: LimitClass) -> RequestBudget:
        """Return the request budget of a class, as the responses so far describe it.

        Sends no request. Call it in the client's event loop. See service.md#rate-limit-headers.
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
        """Call an operation for which the client has no method.

        The request is authenticated, rate limited and retried like all others. ``path`` starts with
        ``/`` and is percent-encoded already. The response has ``status``, ``headers``, ``body`` and
        ``json()``. Raises the errors of every other method, and ``ConfigurationError`` for
        arguments that cannot be sent.
        """
        return await self._pipeline.send(
            raw_request(method, path, query=query, json=json, headers=headers)
        )

    async def aclose(self) -> None:
        """Close the connections that this client opened. A copy of ``with_options`` closes none."""
        await self._pipeline.authenticator.close()
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Copy(ApiVideoClient):
    """The result of ``with_options``. The transport belongs to the original client."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._create_resources(pipeline)

    async def aclose(self) -> None:
        pass
