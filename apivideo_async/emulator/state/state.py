"""Everything the emulated service knows: videos, tokens, credentials, limits, media."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..faults.fault_list import FaultList
from ..listener import Door
from ..rules.content_range import Limits
from ..rules.encoding import EncodingPace
from ..rules.identifiers import Identifiers
from ..rules.problems import not_found, unauthorized
from ..rules.rate_windows import RateClass, RateLimiter
from ..rules.source_ledger import Origin, SourceLedger
from .credentials import Credentials
from .deliveries import Deliveries
from .items import Item, Shelf, timestamp
from .live_stream import LiveStream
from .media import MediaStore, Spool
from .play import Play
from .player import Player
from .request_log import RequestLog
from .sessions import PrivateAccess
from .summary import Summary
from .video import Video
from .webhook import Webhook

_KEEP_DISCARDED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the emulator was started with."""

    api_key: str
    limits: Limits
    rates: Mapping[RateClass, int] | None
    rate_window: float
    token_lifetime: float
    pace: EncodingPace
    seed: int
    discard: bool
    invalid_key_status: int
    video_restore: bool
    allow_network: bool
    webhook_pause: float
    webhook_timeout: float
    webhook_limit: int
    analytics_days: int
    environment: str


@dataclass(slots=True, eq=False, kw_only=True)
class UploadToken(Item):
    """A token for delegated uploads (service.md#upload-tokens)."""

    ttl: int

    @property
    def expires(self) -> datetime | None:
        """When it stops working; never with a ttl of 0."""
        return self.created + timedelta(seconds=self.ttl) if self.ttl else None

    def active(self, now: datetime) -> bool:
        """Whether it still works."""
        return self.expires is None or now < self.expires

    def as_json(self) -> dict[str, Any]:
        """Return the `upload-token` schema; without expiry `expiresAt` is absent (service.md#upload-token-record)."""
        shown = {"token": self.key, "ttl": self.ttl, "createdAt": timestamp(self.created)}
        return shown if self.expires is None else {**shown, "expiresAt": timestamp(self.expires)}


@dataclass(slots=True, eq=False)
class World:
    """The state behind the API; all of it is touched from one event loop only."""

    settings: Settings
    store: MediaStore
    faults: FaultList
    log: RequestLog
    ids: Identifiers = field(init=False)
    credentials: Credentials = field(init=False)
    limiter: RateLimiter = field(init=False)
    private: PrivateAccess = field(init=False)
    videos: Shelf[Video] = field(default_factory=lambda: Shelf("videoId"))
    discarded: Shelf[Video] = field(default_factory=lambda: Shelf("videoId"))
    upload_tokens: Shelf[UploadToken] = field(default_factory=lambda: Shelf("uploadToken"))
    players: Shelf[Player] = field(default_factory=lambda: Shelf("playerId"))
    watermarks: Shelf[Item] = field(default_factory=lambda: Shelf("watermarkId"))
    summaries: Shelf[Summary] = field(default_factory=lambda: Shelf("summaryId"))
    live_streams: Shelf[LiveStream] = field(default_factory=lambda: Shelf("liveStreamId"))
    webhooks: Shelf[Webhook] = field(default_factory=lambda: Shelf("webhookId"))
    plays: dict[str, Play] = field(default_factory=dict)
    deliveries: Deliveries = field(init=False)
    events: list[dict[str, str]] = field(default_factory=list)
    door: Door | None = None
    _made: int = 0
    _ahead: float = 0.0
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
            self.spawn, self.webhooks, settings.webhook_pause, settings.webhook_timeout, settings.allow_network
        )

    @property
    def now(self) -> float:
        """Monotonic seconds, for lifetimes and windows."""
        return time.monotonic()

    @property
    def today(self) -> datetime:
        """The wall clock, for what is shown."""
        return datetime.now(UTC)

    @property
    def expiry_clock(self) -> float:
        """Monotonic seconds by which access tokens expire; ahead of `now` after a jump."""
        return self.now + self._ahead

    @property
    def expiry_date(self) -> datetime:
        """The wall clock by which upload tokens expire; ahead of `today` after a jump."""
        return self.today + timedelta(seconds=self._ahead)

    def jump(self, seconds: float) -> None:
        """Set the clock by which tokens expire forward."""
        self._ahead += seconds

    def announce(self, event: str, subject: str, fields: Mapping[str, str]) -> None:
        """Let an event happen to a video or a live stream, and tell who subscribed to it.

        See service.md#webhook-events.
        """
        told = {"type": event, "emittedAt": timestamp(self.today), **fields}
        self.events.append(told)
        for webhook in self.webhooks.values():
            if event in webhook.events:
                self.deliveries.send(webhook, told, subject)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background until it ends or the emulator stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until everything in the background has ended, and what it began as well."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop_tasks(self) -> None:
        """End whatever runs in the background."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def birth(self, prefix: str) -> dict[str, Any]:
        """Return what a new item begins with: an id with this prefix, its date, its number."""
        self._made += 1
        return {"key": self.ids.opaque(prefix), "created": self.today, "number": self._made}

    def create_video(self, attributes: dict[str, Any], origin: Origin = "upload") -> Video:
        """Add a container."""
        ledger = SourceLedger(self.settings.limits, origin)
        return self.videos.add(Video(**self.birth("vi"), attributes=attributes, ledger=ledger))

    def forget_video(self, video: Video) -> None:
        """Undo a creation that came to nothing."""
        del self.videos[video.key]

    def remove_video(self, video_id: str) -> None:
        """Delete a video; with Video Restore it is discarded for 90 days instead (service.md#discarded-videos)."""
        video = self.videos.remove(video_id)
        if self.settings.video_restore:
            video.discarded = self.today
            video.deletes = video.discarded + _KEEP_DISCARDED
            self.discarded.add(video)
            return
        video.media.delete()
        for summary in [summary for summary in self.summaries.values() if summary.video_id == video_id]:
            self.summaries.remove(summary.key)

    def restore_video(self, video_id: str) -> Video:
        """Bring a discarded video back."""
        video = self.videos.add(self.discarded.remove(video_id))
        video.discarded = video.deletes = None
        return video

    def spool_of(self, video: Video) -> Spool:
        """Return the spool that a video's uploads fill."""
        if video.spool is None:
            video.spool = self.store.spool(video.key)
        return video.spool

    def add_play(self, play: Play) -> str:
        """Let something be watched; the answer is the id of the session."""
        session_id = self.ids.opaque("ps")
        self.plays[session_id] = play
        return session_id

    def create_upload_token(self, ttl: int) -> UploadToken:
        """Add a token for delegated uploads."""
        token = UploadToken(**{**self.birth("to"), "created": self.expiry_date}, ttl=ttl)
        return self.upload_tokens.add(token)

    def upload_token(self, token: str) -> UploadToken:
        """Return an active upload token, or refuse."""
        found = self.upload_tokens.get(token)
        if found is None or not found.active(self.expiry_date):
            raise not_found("uploadToken")
        return found

    def admit_upload(self, token: str | None) -> UploadToken:
        """Check the token of a delegated upload, at each request (service.md#token-checks)."""
        if not token:
            raise unauthorized("authentication-missing-upload-token")
        found = self.upload_tokens.get(token)
        if found is None or not found.active(self.expiry_date):
            raise unauthorized("authentication-invalid-upload-token")
        return found


def media_store(directory: Path, *, discard: bool) -> MediaStore:
    """Make the store in a directory that is created when it is missing."""
    if not discard:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return MediaStore(directory, discard=discard)
