"""The state of the emulated service: videos, tokens, credentials, limits and media."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, field

from ..listener import Listener
from ..rules.identifiers import Identifiers
from ..rules.rate_windows import RateLimiter
from ..rules.source_ledger import Origin, SourceLedger
from ..settings import Settings
from .credentials import Credentials, PrivateSessions
from .deliveries import Deliveries
from .items import Collection, Item, timestamp
from .media import MediaStore, Spool
from .play import Play
from .records import LiveStream, Player, Summary, UploadToken
from .request_log import RequestLog
from .video import Video
from .webhook import Webhook

__all__ = ["State"]

# See service.md#discarded-videos.
_KEEP_DISCARDED = timedelta(days=90)


def _collection(parameter: str) -> Any:
    return field(factory=lambda: Collection(parameter), init=False)


@define(eq=False)
class State:
    """The state behind the API. It must be changed from one event loop only."""

    settings: Settings
    store: MediaStore
    log: RequestLog
    listener: Listener | None = field(default=None, init=False)
    ids: Identifiers = field(init=False)
    credentials: Credentials = field(init=False)
    limiter: RateLimiter = field(init=False)
    private_sessions: PrivateSessions = field(init=False)
    deliveries: Deliveries = field(init=False)
    videos: Collection[Video] = _collection("videoId")
    discarded: Collection[Video] = _collection("videoId")
    upload_tokens: Collection[UploadToken] = _collection("uploadToken")
    players: Collection[Player] = _collection("playerId")
    watermarks: Collection[Item] = _collection("watermarkId")
    summaries: Collection[Summary] = _collection("summaryId")
    live_streams: Collection[LiveStream] = _collection("liveStreamId")
    webhooks: Collection[Webhook] = _collection("webhookId")
    # Plays by the id of their session.
    plays: dict[str, Play] = field(factory=dict, init=False)
    events: list[dict[str, str]] = field(factory=list, init=False)
    _item_count: int = field(default=0, init=False)
    # Seconds by which the fault ``clock-jump`` has set the expiry clock forward.
    expiry_offset: float = field(default=0.0, init=False)
    # asyncio keeps only weak references to tasks, so they must be stored.
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        self.ids = Identifiers(settings.seed, settings.api_key)
        self.credentials = Credentials(settings, self.ids)
        self.limiter = RateLimiter(settings.requests_per_window, settings.rate_window)
        self.private_sessions = PrivateSessions(self.ids)
        self.deliveries = Deliveries(settings, self.webhooks, self.spawn)

    @property
    def now(self) -> float:
        """Monotonic clock in seconds, for lifetimes and rate limit windows."""
        return time.monotonic()

    @property
    def utc_now(self) -> datetime:
        """Wall clock, for the dates of resources."""
        return datetime.now(UTC)

    @property
    def expiry_clock(self) -> float:
        """Clock for access tokens: ``now``, set forward by the fault ``clock-jump``."""
        return self.now + self.expiry_offset

    @property
    def expiry_utc_now(self) -> datetime:
        """Clock for upload tokens: ``utc_now``, set forward by the fault ``clock-jump``."""
        return self.utc_now + timedelta(seconds=self.expiry_offset)

    def announce(self, kind: str, subject: str, fields: Mapping[str, str]) -> None:
        """Record an event about the video or live stream ``subject``, and send it to webhooks."""
        event = {"type": kind, "emittedAt": timestamp(self.utc_now), **fields}
        self.events.append(event)
        for webhook in self.webhooks.values():
            if kind in webhook.events:
                self.deliveries.send(webhook, event, subject)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the background until it ends or the emulator stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until all background work has ended, including work that it started."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def item_fields(self, prefix: str) -> dict[str, Any]:
        """Return the arguments of a new ``Item``: id with ``prefix``, date and number."""
        self._item_count += 1
        return {"id": self.ids.opaque(prefix), "created": self.utc_now, "number": self._item_count}

    def create_video(self, attributes: dict[str, Any], origin: Origin = "upload") -> Video:
        """Create a video without media. ``origin`` decides whether it accepts uploads."""
        ledger = SourceLedger(self.settings.upload_limits, origin)
        fields = self.item_fields("vi")
        video = Video(**fields, attributes=attributes, ledger=ledger, opened_at=self.now)
        return self.videos.add(video)

    def remove_video(self, video_id: str) -> None:
        """Delete a video, or discard it (Video Restore). Raises a refusal (404)."""
        video = self.videos.remove(video_id)
        if self.settings.video_restore:
            video.discarded_at = self.utc_now
            video.deletes_at = video.discarded_at + _KEEP_DISCARDED
            self.discarded.add(video)
            return
        video.media.delete()
        # The summary of a video is deleted with it.
        summary = self.summary_of(video)
        if summary is not None:
            self.summaries.remove(summary.id)

    def restore_video(self, video_id: str) -> Video:
        """Restore a discarded video. Raises a refusal (404) if there is none."""
        video = self.videos.add(self.discarded.remove(video_id))
        video.discarded_at = video.deletes_at = None
        return video

    def reset(self) -> None:
        """Delete everything that was created, and all logs. Credentials and tokens stay valid."""
        for video in [*self.videos.values(), *self.discarded.values()]:
            video.media.delete()
        for items in (
            self.videos,
            self.discarded,
            self.upload_tokens,
            self.players,
            self.watermarks,
            self.summaries,
            self.live_streams,
            self.webhooks,
            self.plays,
        ):
            items.clear()
        self.events.clear()
        self.deliveries.log.clear()
        self.log.clear()

    def summary_of(self, video: Video) -> Summary | None:
        """Return the summary of a video, or None. A video has at most one summary."""
        summaries = self.summaries.values()
        return next((summary for summary in summaries if summary.video_id == video.id), None)

    def spool_of(self, video: Video) -> Spool:
        """Return the spool for the uploads of a video. The first call creates it."""
        if video.spool is None:
            video.spool = self.store.spool(video.id)
        return video.spool

    def add_play(self, play: Play) -> str:
        session_id = self.ids.opaque("ps")
        self.plays[session_id] = play
        return session_id

    def create_upload_token(self, ttl: int) -> UploadToken:
        # Created by the clock for expiry: the token gets its full lifetime after ``clock-jump``.
        fields = {**self.item_fields("to"), "created": self.expiry_utc_now}
        return self.upload_tokens.add(UploadToken(**fields, ttl=ttl))

    def active_upload_token(self, token: str) -> UploadToken | None:
        """Return the upload token with this value, or None if there is none that still works."""
        found = self.upload_tokens.get(token)
        return found if found is not None and found.active(self.expiry_utc_now) else None
