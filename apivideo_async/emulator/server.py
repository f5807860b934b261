"""The emulator as an object: its settings, its address, its beginning and its end."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from .background import broadcasts
from .browsers import AllowedHosts
from .faults.fault_list import FaultList
from .listener import Door
from .routes import application
from .rules.content_range import Limits
from .rules.encoding import parse_pace
from .rules.rate_windows import rate_limits as read_rate_limits
from .state.deliveries import Delivery
from .state.play import Play
from .state.request_log import RequestLog, RequestRecord
from .state.state import Settings, World, media_store
from .state.video import Video
from .threaded import EmulatorThread

_READ_BUFFER = 512 * 1024
_LONGEST_LINE = 64 * 1024
"""Room for filters over the limit, whose refusal is documented (service.md#error-details)."""
_SHUTDOWN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the emulator holds of one video; without a digest when media is discarded."""

    size: int
    sha256: str | None
    complete: bool


class Emulator:
    """A local api.video. Use it with `async with`, or `with Emulator(...).in_thread()` from plain code.

    Without `api_key` clients need a random one, `emu.api_key`. A request is answered with 403 unless its `Host` header
    is `host`, `localhost` or a loopback address, because a web page can send any other name (DNS rebinding); with
    the `host` 0.0.0.0 or :: it may be any IP address. `allowed_hosts` are names and addresses that are accepted in
    addition, such as the name of a container. With `seed` ids and faults are repeatable; with
    `api_key` in addition also access tokens, refresh tokens and private tokens.

    `rate_limits` is "off", "production", "sandbox" or numbers per class (uploads, writes, reads) in a window of
    `rate_window` seconds. `encoding` is "immediate", seconds, or "polls:N": playable after N reads of the status.
    `min_chunk` and `max_chunk` are the sizes of the upload protocol in bytes, which tests scale down. With `discard`
    only the sizes of media are kept. Without `directory` media lives in a temporary one. `invalid_key_status` (400 or
    401) is the answer of `/auth/*` to a wrong key (service.md#refused-credentials), and `video_restore` keeps deleted
    videos as discarded ones (service.md#discarded-videos). Only with `allow_network` are other machines called, for a
    `source` or by a webhook; `webhook_pause` and `webhook_timeout` are the seconds between two attempts of a delivery
    and for one of them, `webhook_limit` is how many webhooks there can be. `analytics_days` is how far back analytics
    can ask.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str | None = None,
        allowed_hosts: Iterable[str] = (),
        directory: str | Path | None = None,
        discard: bool = False,
        rate_limits: str | Mapping[str, int] = "off",
        rate_window: float = 60.0,
        token_lifetime: float = 3600.0,
        encoding: str | float = "immediate",
        seed: int | None = None,
        min_chunk: int = 5 * 1024 * 1024,
        max_chunk: int = 200 * 1024 * 1024,
        ssl_context: ssl.SSLContext | None = None,
        invalid_key_status: int = 400,
        video_restore: bool = False,
        allow_network: bool = False,
        webhook_pause: float = 3.0,
        webhook_timeout: float = 10.0,
        webhook_limit: int = 100,
        analytics_days: int = 30,
    ) -> None:
        if invalid_key_status not in {400, 401}:
            raise ValueError("invalid_key_status is 400 or 401")
        if api_key == "":
            raise ValueError("api_key is empty; leave it out for a random one")
        self.host = host
        self._allowed_hosts = AllowedHosts(host, allowed_hosts)
        self._wanted_port = port
        self._port: int | None = None
        self._directory = None if directory is None else Path(directory)
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._ssl = ssl_context
        self._runner: web.AppRunner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._world: World | None = None
        self._log = RequestLog()
        self.faults: FaultList = FaultList(seed or 0)
        self._settings = Settings(
            api_key=secrets.token_hex(16) if api_key is None else api_key,
            limits=Limits(min_chunk, max_chunk),
            rates=read_rate_limits(rate_limits),
            rate_window=rate_window,
            token_lifetime=token_lifetime,
            pace=parse_pace(encoding),
            seed=secrets.randbits(64) if seed is None else seed,
            discard=discard,
            invalid_key_status=invalid_key_status,
            video_restore=video_restore,
            allow_network=allow_network,
            webhook_pause=webhook_pause,
            webhook_timeout=webhook_timeout,
            webhook_limit=webhook_limit,
            analytics_days=analytics_days,
            environment="sandbox" if rate_limits == "sandbox" else "production",
        )

    @property
    def api_key(self) -> str:
        """The key that clients must use."""
        return self._settings.api_key

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._port is None:
            raise RuntimeError("the emulator is not running")
        return self._port

    @property
    def url(self) -> str:
        """The base URL for clients, without a slash at the end."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104
        shown = f"[{host}]" if ":" in host else host
        return f"{'http' if self._ssl is None else 'https'}://{shown}:{self.port}"

    @property
    def requests(self) -> list[RequestRecord]:
        """The log of requests, in order of arrival."""
        return self._log.records

    @property
    def events(self) -> list[dict[str, str]]:
        """What happened to videos and live streams, as webhooks are told (service.md#webhook-events), oldest first."""
        return self.world.events

    @property
    def world(self) -> World:
        """The state behind the API, for tests that look inside."""
        if self._world is None:
            raise RuntimeError("the emulator is not running")
        return self._world

    def media(self, video_id: str) -> MediaInfo:
        """Tell what is held of a video."""
        video = self._held(video_id)
        digest = None if self._settings.discard else video.media.sha256()
        return MediaInfo(video.media.size, digest, video.finished_at is not None)

    def size(self, video_id: str) -> int:
        """Return the number of bytes held of a video."""
        return self._held(video_id).media.size

    def sha256(self, video_id: str) -> str:
        """Return the digest of the assembled media as hexadecimal text."""
        if self._settings.discard:
            raise RuntimeError("the emulator discards its media")
        return self._held(video_id).media.sha256()

    def _held(self, video_id: str) -> Video:
        world = self.world
        return world.videos.get(video_id) or world.discarded[video_id]

    @property
    def deliveries(self) -> list[Delivery]:
        """The log of webhook deliveries, in the order in which they began."""
        return self.world.deliveries.log

    def start_broadcast(self, live_stream_id: str, media: bytes = b"") -> None:
        """Put a live stream on the air; `media` is what its recording will hold. From any thread."""
        live = self.world.live_streams.find(live_stream_id)
        self._in_loop(lambda: broadcasts.start(self.world, live, media))

    def add_plays(self, *plays: Play) -> list[str]:
        """Let videos and live streams be watched, for the analytics; the answer is the ids of the sessions."""
        return [self.world.add_play(play) for play in plays]

    async def settled(self) -> None:
        """Wait until nothing is under way any more: encodings by the clock, downloads, deliveries. From any loop."""
        if self._loop is None or asyncio.get_running_loop() is self._loop:
            await self.world.settled()
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.world.settled(), self._loop))

    def _in_loop(self, act: Callable[[], None]) -> None:
        """Do something in the loop that serves, and wait for it when this is another thread."""
        if self._loop is None or self._thread == threading.get_ident():
            act()
            return

        async def there() -> None:
            act()

        asyncio.run_coroutine_threadsafe(there(), self._loop).result()

    async def start(self) -> Self:
        """Listen; returns when clients can connect."""
        if self._runner is not None:
            raise RuntimeError("the emulator is running already")
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        directory = self._directory
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="apivideo-emulator-")
            directory = Path(self._temporary.name)
        store = media_store(directory, discard=self._settings.discard)
        self._world = World(self._settings, store, self.faults, self._log)
        self._runner = web.AppRunner(
            application(self._world, self._allowed_hosts),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            lingering_time=0,
            read_bufsize=_READ_BUFFER,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        self._world.door = Door(self._runner, self._ssl)
        try:
            await self._runner.setup()
            self._port = await self._world.door.open(self.host, self._wanted_port)
        except BaseException:
            await self.stop()
            raise
        return self

    async def stop(self) -> None:
        """Close every connection, end every task, remove temporary media. Harmless when not running."""
        runner, self._runner = self._runner, None
        if runner is not None:
            if self.world.door is not None:
                await self.world.door.close()
            await runner.cleanup()
            await self.world.stop_tasks()
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            temporary.cleanup()
        self._port = None

    def in_thread(self) -> EmulatorThread[Self]:
        """Return a context manager that serves this emulator from a thread with a loop of its own."""
        return EmulatorThread(self)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
