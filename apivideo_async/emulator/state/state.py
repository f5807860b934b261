"""The state of the emulated service: videos, tokens, credentials, limits and media."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, field

from ..listener import Listener
from ..rules.identifiers import Identifiers
from ..rules.problems import not_found, refuse
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
    """Return an attribute that holds a collection. ``parameter`` is the path parameter of ids."""
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
    # The number of items created so far.
    _item_count: int = field(default=0, init=False)
    # Seconds by which the fault ``clock-jump`` has set the expiry clock forward.
    _expiry_offset: float = field(default=0.0, init=False)
    # asyncio keeps only weak references to tasks, so they must be stored.
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        self.ids = Identifiers(settings.seed, settings.api_key)
        self.credentials = Credentials(settings, self.ids)
        self.limiter = RateLimiter(settings.rates, settings.rate_window)
        self.private_sessions = PrivateSessions(self.ids)
        self.deliveries = Deliveries(settings, self.webhooks, self.spawn)

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
        """Monotonic clock in seconds for access tokens. It is ahead of ``now`` after ``jump``."""
        return self.now + self._expiry_offset

    @property
    def expiry_date(self) -> datetime:
        """Wall clock for upload tokens. It is ahead of ``today`` after ``jump``."""
        return self.today + timedelta(seconds=self._expiry_offset)

    def jump(self, seconds: float) -> None:
        """Set the clocks for the expiry of tokens forward by ``seconds``."""
        self._expiry_offset += seconds

    def announce(self, kind: str, subject: str, fields: Mapping[str, str]) -> None:
        """Record an event, and send it to its webhooks (service.md#webhook-events).

        ``subject`` is the id of the video or live stream.
        """
        event = {"type": kind, "emittedAt": timestamp(self.today), **fields}
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
        # A task may have started others, so check again.
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop_tasks(self) -> None:
        """Cancel all background tasks and wait for their end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def item_fields(self, prefix: str) -> dict[str, Any]:
        """Return id, date and number for a new ``Item``. The id starts with ``prefix``."""
        self._item_count += 1
        return {"key": self.ids.opaque(prefix), "created": self.today, "number": self._item_count}

    def create_video(self, attributes: dict[str, Any], origin: Origin = "upload") -> Video:
        """Create a container."""
        ledger = SourceLedger(self.settings.limits, origin)
        fields = self.item_fields("vi")
        return self.videos.add(Video(**fields, attributes=attributes, ledger=ledger))

    def forget_video(self, video: Video) -> None:
        """Remove a video that was created by a request that is refused."""
        del self.videos[video.key]

    def remove_video(self, video_id: str) -> None:
        """Delete a video, or with Video Restore discard it for 90 days.

        Raises a refusal (404) if there is no such video.
        """
        video = self.videos.remove(video_id)
        if self.settings.video_restore:
            video.discarded_at = self.today
            video.deletes_at = video.discarded_at + _KEEP_DISCARDED
            self.discarded.add(video)
            return
        video.media.delete()
        # The summary of a video is deleted with it.
        summary = self.summary_of(video)
        if summary is not None:
            self.summaries.remove(summary.key)

    def restore_video(self, video_id: str) -> Video:
        """Restore a discarded video. Raises a refusal (404) if there is none."""
        video = self.videos.add(self.discarded.remove(video_id))
        video.discarded_at = video.deletes_at = None
        return video

    def summary_of(self, video: Video) -> Summary | None:
        """Return the summary of a video, or None. A video has at most one summary."""
        summaries = self.summaries.values()
        return next((summary for summary in summaries if summary.video_id == video.key), None)

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
        fields = {**self.item_fields("to"), "created": self.expiry_date}
        return self.upload_tokens.add(UploadToken(**fields, ttl=ttl))

    def upload_token(self, token: str) -> UploadToken:
        """Return an active upload token. Raises a refusal (404) if there is none."""
        found = self.upload_tokens.get(token)
        if found is None or not found.active(self.expiry_date):
            raise not_found("uploadToken")
        return found

    def admit_upload(self, token: str | None) -> UploadToken:
        """Return the upload token of a request (service.md#token-checks).

        Raises a refusal (401) if it does not work.
        """
        if not token:
            raise refuse("authentication-missing-upload-token")
        found = self.upload_tokens.get(token)
        if found is None or not found.active(self.expiry_date):
            raise refuse("authentication-invalid-upload-token")
        return found
