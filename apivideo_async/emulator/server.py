"""``Emulator``: the local server as an object, with its address, its state, start and stop."""

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import web
from attrs import define, field, frozen

from .background import sources
from .browsers import AllowedHosts
from .faults.fault_list import FaultList
from .listener import Listener
from .routes import OPERATION_NAMES, application
from .settings import Settings
from .state.deliveries import Delivery
from .state.media import MediaStore
from .state.play import Play
from .state.request_log import RequestLog, RequestRecord
from .state.state import State
from .state.video import Video

__all__ = ["Emulator", "MediaInfo"]

T = TypeVar("T")
# Size in bytes of aiohttp's read buffer for a connection.
_READ_BUFFER = 512 * 1024
# Limit in bytes of the request line and of each header. aiohttp's own limit would refuse analytics
# filters that are too long before the emulator can send the error of the service.
_MAX_HEADER_LINE = 64 * 1024
# Time for running handlers to end when the emulator stops.
_SHUTDOWN_SECONDS = 0.2


@frozen
class MediaInfo:
    """The media of one video: ``size`` in bytes, ``sha256`` in hexadecimal.

    ``sha256`` is None if media is discarded. ``complete`` is true once the source is complete.
    """

    size: int
    sha256: str | None
    complete: bool


@define(kw_only=True, eq=False, repr=False, slots=False)
class Emulator(Settings):
    """A local api.video server.

    Use it with ``async with``, or with ``with Emulator(...).in_thread()`` in synchronous code.
    Raises ``ValueError`` if an argument has an illegal value.

    - ``host``, ``port``: the address to listen on. Port 0 selects a free port.
    - ``api_key``: the key that clients must use. Without it a random key is created,
      ``emu.api_key``.
    - ``allowed_hosts``: host names and addresses that the ``Host`` header may have in addition to
      ``host``, ``localhost`` and loopback addresses, such as the name of a container. Other
      requests are answered with 403, because a web page can send any other name (DNS rebinding).
      With the ``host`` 0.0.0.0 or ``::`` any IP address is accepted.
    - ``directory``: where media is stored. Without it a temporary directory is used.
    - ``discard``: drop media and keep only its size.
    - ``rate_limits``: ``"off"``, ``"production"``, ``"sandbox"`` or a number of requests per class
      (``uploads``, ``writes``, ``reads``).
    - ``rate_window``: seconds in one window of the rate limits.
    - ``token_lifetime``: seconds until an access token expires.
    - ``encoding``: ``"immediate"``, a number of seconds, or ``"polls:N"``: a video is playable
      after N reads of its status.
    - ``seed``: makes ids and faults repeatable. Together with ``api_key`` it also makes access
      tokens, refresh tokens and private tokens repeatable. Without it ids are unpredictable.
    - ``min_chunk``, ``max_chunk``: chunk sizes of the upload protocol in bytes. Tests reduce them.
    - ``ssl_context``: serve HTTPS with this context.
    - ``invalid_key_status``: the status (400 or 401) with which ``/auth/*`` refuses a wrong key
      (service.md#refused-credentials).
    - ``video_restore``: keep deleted videos as discarded videos (service.md#discarded-videos).
    - ``allow_network``: allow calls to other machines, for a ``source`` or by a webhook.
    - ``webhook_pause``, ``webhook_timeout``: seconds between two attempts of a delivery, and
      seconds for one attempt.
    - ``webhook_limit``: the largest number of webhooks.
    - ``analytics_days``: the number of past days that analytics requests may cover.
    - ``quirks``: behaviours that differ from the assumptions about the service, as a mapping of
      names to values, or as texts such as ``"chunks-in-order=409"``. ``emu.quirks`` changes them at
      run time. ``apivideo emulator --help`` and ``docs/conformance.md`` list them.
    """

    host: str = "127.0.0.1"
    _requested_port: int = field(default=0, alias="port")
    allowed_hosts: Iterable[str] = ()
    directory: str | Path | None = None
    ssl_context: ssl.SSLContext | None = None

    faults: FaultList = field(init=False)
    _accepted_hosts: AllowedHosts = field(init=False)
    _log: RequestLog = field(init=False, factory=RequestLog)
    _port: int | None = field(init=False, default=None)
    _temporary: tempfile.TemporaryDirectory[str] | None = field(init=False, default=None)
    _runner: web.AppRunner | None = field(init=False, default=None)
    # The event loop and the identifier of its thread are set by the first start.
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _thread: int = field(init=False)
    _state: State | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.faults = FaultList(self.given_seed or 0, OPERATION_NAMES)
        self._accepted_hosts = AllowedHosts(self.host, self.allowed_hosts)

    @property
    def port(self) -> int:
        """The port that the emulator listens on. Raises ``RuntimeError`` when it is not running."""
        if self._port is None:
            raise RuntimeError("the emulator is not running")
        return self._port

    @property
    def url(self) -> str:
        """The base URL for clients, without a trailing slash."""
        # A wildcard address is not a destination: clients connect to the loopback address.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104
        if ":" in host:
            host = f"[{host}]"
        scheme = "http" if self.ssl_context is None else "https"
        return f"{scheme}://{host}:{self.port}"

    @property
    def state(self) -> State:
        """The state of the emulated service. Raises ``RuntimeError`` before the first start."""
        if self._state is None:
            raise RuntimeError("the emulator is not running")
        return self._state

    @property
    def world(self) -> State:
        """The former name of ``state``."""
        return self.state

    @property
    def requests(self) -> list[RequestRecord]:
        """The request log, in order of arrival."""
        return self._log.records

    @property
    def events(self) -> list[dict[str, str]]:
        """Events as webhooks receive them, oldest first (service.md#webhook-events)."""
        return self.state.events

    @property
    def deliveries(self) -> list[Delivery]:
        """The log of webhook deliveries, in the order in which they began."""
        return self.state.deliveries.log

    def media(self, video_id: str) -> MediaInfo:
        """Return what is stored for a video. Raises ``KeyError`` if there is no such video."""
        video = self._video(video_id)
        digest = None if self.discard else video.media.sha256()
        return MediaInfo(video.media.size, digest, video.finished)

    def size(self, video_id: str) -> int:
        """Return the bytes stored for a video. Raises ``KeyError`` if there is no such video."""
        return self._video(video_id).media.size

    def sha256(self, video_id: str) -> str:
        """Return the SHA-256 digest of a video's media in hexadecimal.

        Raises ``RuntimeError`` if media is discarded, ``KeyError`` if there is no such video.
        """
        if self.discard:
            raise RuntimeError("the emulator discards its media")
        return self._video(video_id).media.sha256()

    def _video(self, video_id: str) -> Video:
        # Discarded videos keep their media until they are deleted.
        video = self.state.videos.get(video_id) or self.state.discarded.get(video_id)
        if video is None:
            raise KeyError(f"no video {video_id} in this emulator")
        return video

    def start_broadcast(self, live_stream_id: str, media: bytes = b"") -> None:
        """Start the broadcast of a live stream. May be called from any thread.

        ``media`` is the content of its recording. Raises a refusal (404) for an unknown id.
        """
        live = self.state.live_streams.find(live_stream_id)

        async def start() -> None:
            sources.start_broadcast(self.state, live, media)

        # In the thread of the event loop, waiting for the result would block the loop.
        if self._thread == threading.get_ident():
            sources.start_broadcast(self.state, live, media)
        else:
            self._submit(start()).result()

    def add_plays(self, *plays: Play) -> list[str]:
        """Add plays of videos and live streams. Return the ids of their sessions."""
        return [self.state.add_play(play) for play in plays]

    async def settled(self) -> None:
        """Wait until all background work has ended. May be called from any event loop."""
        work = self.state.settled()
        if asyncio.get_running_loop() is self._loop:
            await work
        else:
            await asyncio.wrap_future(self._submit(work))

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the emulator's event loop, from another thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def start(self) -> Self:
        """Start to listen. Clients can connect when the method returns.

        Raises ``RuntimeError`` if it is already running, ``OSError`` if the port is in use.
        """
        if self._runner is not None:
            raise RuntimeError("the emulator is running already")
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        directory = self.directory
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="apivideo-emulator-")
            directory = self._temporary.name
        store = MediaStore(Path(directory), discard=self.discard)
        self._state = State(self, store, self._log)
        self._runner = web.AppRunner(
            application(self._state, self.faults, self._accepted_hosts),
            access_log=None,
            # The program that runs the emulator handles signals and writes its own logs.
            handle_signals=False,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            # Do not wait for the rest of request bodies when a connection is closed.
            lingering_time=0,
            read_bufsize=_READ_BUFFER,
            max_line_size=_MAX_HEADER_LINE,
            max_field_size=_MAX_HEADER_LINE,
        )
        self._state.listener = Listener(self._runner, self.ssl_context)
        try:
            await self._runner.setup()
            self._port = await self._state.listener.open(self.host, self._requested_port)
        # Release what was already opened, also if the start is cancelled.
        except BaseException:
            await self.stop()
            raise
        return self

    async def stop(self) -> None:
        """Close connections, end background tasks, remove temporary media. May be repeated."""
        runner, self._runner = self._runner, None
        if runner is not None:
            # In this order, so that no new connection and no new task can start meanwhile.
            if self.state.listener is not None:
                await self.state.listener.close()
            await runner.cleanup()
            await self.state.stop_tasks()
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            temporary.cleanup()
        self._port = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    @contextmanager
    def in_thread(self) -> Iterator[Self]:
        """Run this emulator in a thread with its own event loop, until the context ends."""
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        loop = runner.get_loop()

        def serve() -> None:
            with runner:
                loop.run_forever()

        # A daemon: the thread must not keep a program alive that never leaves the context.
        thread = threading.Thread(target=serve, name="apivideo-emulator", daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result()
            try:
                yield self
            finally:
                self._submit(self.stop()).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
