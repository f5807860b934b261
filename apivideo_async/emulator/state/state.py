"""The state of the emulated service: videos, tokens, credentials, limits and media."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..listener import Listener
from ..rules.identifiers import Identifiers
from ..rules.problems import not_found, unauthorized
from ..rules.rate_windows import RateLimiter
from ..rules.source_ledger import Origin, SourceLedger
from ..settings import Settings
from .credentials import Credentials
from .deliveries import Deliveries
from .items import Collection, Item, timestamp
from .live_stream import LiveStream
from .media import MediaStore, Spool
from .play import Play
from .player import Player
from .request_log import RequestLog
from .sessions import PrivateAccess
from .summary import Summary
from .video import Video
from .webhook import Webhook

# See service.md#discarded-videos.
_KEEP_DISCARDED = timedelta(days=90)


@dataclass(slots=True, eq=False, kw_only=True)
class UploadToken(Item):
    """A token for delegated uploads (service.md#upload-tokens). ``ttl`` is in seconds."""

    ttl: int

    @property
    def expires(self) -> datetime | None:
        """The moment at which the token stops working. None if ``ttl`` is 0."""
        return self.created + timedelta(seconds=self.ttl) if self.ttl else None

    def active(self, now: datetime) -> bool:
        """Return whether the token still works."""
        return self.expires is None or now < self.expires

    def as_json(self) -> dict[str, Any]:
        """Return the ``upload-token`` schema. ``expiresAt`` is absent if the token does not expire.

        See service.md#upload-token-record.
        """
        shown = {"token": self.key, "ttl": self.ttl, "createdAt": timestamp(self.created)}
        return shown if self.expires is None else {**shown, "expiresAt": timestamp(self.expires)}


@dataclass(slots=True, eq=False)
class State:
    """The state behind the API. It must be changed from one event loop only."""

    settings: Settings
    store: MediaStore
    log: RequestLog
    ids: Identifiers = field(init=False)
    credentials: Credentials = field(init=False)
    limiter: RateLimiter = field(init=False)
    private: PrivateAccess = field(init=False)
    videos: Collection[Video] = field(default_factory=lambda: Collection("videoId"))
    discarded: Collection[Video] = field(default_factory=lambda: Collection("videoId"))
    upload_tokens: Collection[UploadToken] = field(
        default_factory=lambda: Collection("uploadToken")
    )
    players: Collection[Player] = field(default_factory=lambda: Collection("playerId"))
    watermarks: Collection[Item] = field(default_factory=lambda: Collection("watermarkId"))
    summaries: Collection[Summary] = field(default_factory=lambda: Collection("summaryId"))
    live_streams: Collection[LiveStream] = field(default_factory=lambda: Collection("liveStreamId"))
    webhooks: Collection[Webhook] = field(default_factory=lambda: Collection("webhookId"))
    # Plays by the id of their session.
    plays: dict[str, Play] = field(default_factory=dict)
    deliveries: Deliveries = field(init=False)
    events: list[dict[str, str]] = field(default_factory=list)
    listener: Listener | None = None
    # The number of items created so far.
    _made: int = 0
    # Seconds by which the fault ``clock-jump`` has set the expiry clock forward.
    _ahead: float = 0.0
    # asyncio keeps only weak references to tasks, so they must be stored.
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        settings = self.settings
        self.ids = Identifiers(settings.seed, settings.api_key)
        self.credentials = Credentials(
            settings.api_key,
            self.ids,
            token_lifetime=settings.token_lifetime,
            invalid_key_status=settings.invalid_key_status,
        )
        self.limiter = RateLimiter(settings.rates, settings.rate_window)
        self.private = PrivateAccess(self.ids)
        self.deliveries = Deliveries(
            self.spawn,
            self.webhooks,
            settings.webhook_pause,
            settings.webhook_timeout,
            settings.allow_network,
        )

    @property
    def now(self) -> float:
        """Monotonic clock in seconds, for lifetimes and windows."""
        return time.monotonic()

    @property
    def today(self) -> datetime:
        """Wall clock, for the dates of resources."""
        return datetime.now(UTC)

    @property
    def expiry_clock(self) -> float:
        """Monotonic clock in seconds for the expiry of access tokens.

        It is ahead of ``now`` after a jump.
        """
        return self.now + self._ahead

    @property
    def expiry_date(self) -> datetime:
        """Wall clock for the expiry of upload tokens. It is ahead of ``today`` after a jump."""
        return self.today + timedelta(seconds=self._ahead)

    def jump(self, seconds: float) -> None:
        """Set the clocks for the expiry of tokens forward by ``seconds``."""
        self._ahead += seconds

    def announce(self, event: str, subject: str, fields: Mapping[str, str]) -> None:
        """Record an event of a video or live stream, and send it to the webhooks with that event.

        ``subject`` is the id of the video or live stream. See service.md#webhook-events.
        """
        told = {"type": event, "emittedAt": timestamp(self.today), **fields}
        self.events.append(told)
        for webhook in self.webhooks.values():
            if event in webhook.events:
                self.deliveries.send(webhook, told, subject)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the background until it ends or the emulator stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until all background work has ended, including work that it started."""
        # A task may have started others, so check again.
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop_tasks(self) -> None:
        """Cancel all background tasks and wait for their end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def birth(self, prefix: str) -> dict[str, Any]:
        """Return the common fields of a new item: id, date and number.

        ``prefix`` is the start of the id.
        """
        self._made += 1
        return {"key": self.ids.opaque(prefix), "created": self.today, "number": self._made}

    def create_video(self, attributes: dict[str, Any], origin: Origin = "upload") -> Video:
        """Create a container."""
        ledger = SourceLedger(self.settings.limits, origin)
        return self.videos.add(Video(**self.birth("vi"), attributes=attributes, ledger=ledger))

    def forget_video(self, video: Video) -> None:
        """Remove a video that was created by a request that is refused."""
        del self.videos[video.key]

    def remove_video(self, video_id: str) -> None:
        """Delete a video, or with Video Restore discard it for 90 days.

        See service.md#discarded-videos. Raises a refusal (404) if there is no such video.
        """
        video = self.videos.remove(video_id)
        if self.settings.video_restore:
            video.discarded = self.today
            video.deletes = video.discarded + _KEEP_DISCARDED
            self.discarded.add(video)
            return
        video.media.delete()
        # The summary of a video is deleted with it.
        for summary in [
            summary for summary in self.summaries.values() if summary.video_id == video_id
        ]:
            self.summaries.remove(summary.key)

    def restore_video(self, video_id: str) -> Video:
        """Restore a discarded video. Raises a refusal (404) if there is none."""
        video = self.videos.add(self.discarded.remove(video_id))
        video.discarded = video.deletes = None
        return video

    def spool_of(self, video: Video) -> Spool:
        """Return the spool for the uploads of a video. It is created at the first call."""
        if video.spool is None:
            video.spool = self.store.spool(video.key)
        return video.spool

    def add_play(self, play: Play) -> str:
        """Add a play and return the id of its session."""
        session_id = self.ids.opaque("ps")
        self.plays[session_id] = play
        return session_id

    def create_upload_token(self, ttl: int) -> UploadToken:
        """Create a token for delegated uploads."""
        # The creation date follows the expiry clock, so that a token gets its full lifetime after a
        # jump.
        token = UploadToken(**{**self.birth("to"), "created": self.expiry_date}, ttl=ttl)
        return self.upload_tokens.add(token)

    def upload_token(self, token: str) -> UploadToken:
        """Return an active upload token. Raises a refusal (404) if there is none."""
        found = self.upload_tokens.get(token)
        if found is None or not found.active(self.expiry_date):
            raise not_found("uploadToken")
        return found

    def admit_upload(self, token: str | None) -> UploadToken:
        """Return the upload token of a delegated upload.

        Raises a refusal (401) if it does not work.

        Called for each request (service.md#token-checks).
        """
        if not token:
            raise unauthorized("authentication-missing-upload-token")
        found = self.upload_tokens.get(token)
        if found is None or not found.active(self.expiry_date):
            raise unauthorized("authentication-invalid-upload-token")
        return found


def media_store(directory: Path, *, discard: bool) -> MediaStore:
    """Return the media store for a directory.

    A missing directory is created, unless media is discarded.
    """
    if not discard:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return MediaStore(directory, discard=discard)
