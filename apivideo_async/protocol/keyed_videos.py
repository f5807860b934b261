"""Which videos of a list were created with an idempotency key, and which one counts.

The key is stored as the metadata pair ``ingestKey``. A service may modify metadata values: remove
spaces, change the case, or shorten them. A modified value is weaker evidence than the key itself,
because different keys can become equal. Therefore a video with a modified key counts only if it has
the wanted title, and one with a shortened key only if it was also created since the caller began.
"""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

from ..config import INGEST_KEY, INGEST_LEDGER, UNSET
from ..errors import ConfigurationError
from ..models import Video, readable_pairs

__all__ = ["Wanted", "created_together", "keys_in", "oldest", "with_key"]

CLOCK_ERROR = timedelta(minutes=10)
"""Difference between the clocks of the client and the server that is tolerated."""
AT_ONCE = timedelta(seconds=5)
"""Two videos with one key that were created within this time may result from one request."""
SHORTEST = 8
"""Characters. A shorter value is not compared with the beginning of a key."""
_LAST = datetime.max.replace(tzinfo=UTC)


def with_key(metadata: Any, key: str) -> dict[str, str]:
    """Return ``metadata``, which may be ``UNSET``, with the pair of the key.

    Raises ``ConfigurationError`` if the key is empty or ``metadata`` has another one.
    """
    pairs = {} if metadata is UNSET else dict(metadata)
    if not key or pairs.setdefault(INGEST_KEY, key) != key:
        text = f"idempotency_key must not be empty or differ from metadata[{INGEST_KEY!r}]"
        raise ConfigurationError(text, option="idempotency_key")
    return pairs


def keys_in(video: Video, name: str = INGEST_KEY) -> list[str]:
    """Return the values of the pairs ``name``, also if the service changed the case of the name.

    There are several if a program other than this one added pairs of the same name.
    """
    raw = video.extra.get("metadata")  # Set if ``metadata`` lacks some of the pairs.
    pairs = readable_pairs(raw) if isinstance(raw, list) else [*video.metadata.items()]
    exact = [value for other, value in pairs if other == name]
    return exact or [value for other, value in pairs if _plain(other) == name.casefold()]


def oldest(videos: Iterable[Video]) -> Video:
    """Return the video that was created first; the smallest id decides if the times are equal.

    Every process chooses the same one.
    """
    return min(videos, key=lambda video: (video.created_at or _LAST, video.video_id))


def created_together(one: Video, other: Video) -> bool:
    """Return whether one request, delivered twice, may have created both videos."""
    if one.created_at is None or other.created_at is None:
        return False
    return abs(one.created_at - other.created_at) < AT_ONCE


@frozen(kw_only=True)
class Wanted:
    """The video that a call with an idempotency key creates or searches for."""

    key: str
    title: str | None = None
    owner: str | None = None
    """Mark of the ledger that creates the video (``ingestLedger``); None without a ledger."""
    stored: str | None = None
    """The key as the service has stored it, if that is different and known."""
    since: datetime | None = None
    """When the call began to create the video, by the clock of the client; None: it did not."""

    def has_key(self, video: Video, *, modified: bool = False) -> bool:
        """Return whether the video carries the key. ``modified``: also a modified form of it."""
        found = keys_in(video)
        if self.key in found:
            return True
        if not modified or self.title is None or video.title != self.title:
            return False
        if any(_plain(each) == _plain(self.key) for each in found):
            return True
        similar = any(_is_short_form(each, self.key) or each == self.stored for each in found)
        return similar and self.may_be_new(video)

    def is_related(self, video: Video) -> bool:
        """Return whether a filter by the key may yield the video, however the filter compares."""
        key, stored = _plain(self.key), _plain(self.stored or "")
        values = filter(None, map(_plain, keys_in(video)))
        return any(value == stored or key in value or key.startswith(value) for value in values)

    def may_be_new(self, video: Video) -> bool:
        """Return whether the video may have been created since the call began."""
        if video.created_at is None or self.since is None:
            return False
        return video.created_at >= self.since - CLOCK_ERROR

    def is_own(self, video: Video) -> bool:
        """Return whether the video carries the key and belongs to the same ledger, or to none.

        A video with several keys or marks belongs to others, too.
        """
        keys, marks = set(keys_in(video)), set(keys_in(video, INGEST_LEDGER))
        if len(keys) > 1 or len(marks) != (self.owner is not None):
            return False
        same = all(self._is_mark(mark) for mark in marks)
        return same and self.has_key(video, modified=True)

    def _is_mark(self, mark: str) -> bool:
        owner = self.owner or ""
        return _plain(mark) == _plain(owner) or _is_short_form(mark, owner)


def _is_short_form(value: str, text: str) -> bool:
    plain = _plain(value)
    return len(plain) >= SHORTEST and _plain(text).startswith(plain)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
