"""What earlier calls know about an idempotency key: the id of its video, in memory and on disk.

Each key has a small JSON file in the state folder of the user. The name of the file is a digest of
the base URL, the API key and the idempotency key, so it discloses none of them. A call locks the
file from its search to its end; other processes of the user wait. The lock ends with the process.
An unreadable or damaged file is ignored: the list of videos is searched then. Without a writable
folder, or if the file system has no locks, only the calls of this process take turns.

Before a creation is requested, the record says so. If the call is interrupted, the next call knows
that a video may exist that the list does not show yet.
"""

import asyncio
import hashlib
import json
import logging
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from attrs import asdict, define, field, frozen

from ..errors import ConfigurationError, SourceError
from ..http.pipeline import Pipeline
from ..uploads.sources.threads import in_thread
from ._key_files import KeyFile, open_key_file

__all__ = ["KeyRecord", "Known", "key_record", "recorded_ids"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

VERSION = 1
MOST = 10_000
"""Records in memory. The oldest are dropped."""
SLOW = 2.0
"""Seconds of waiting for another process after which this is logged."""


@frozen(kw_only=True)
class Known:
    """The known facts about a key."""

    video_id: str | None
    """None: a creation was requested, and its result is not known."""
    at: float
    """When the video was created or found, or when the creation was requested: seconds since 1970,
    by the clock of this machine."""
    lost: bool = False
    """True if a request without a response may have created a second video, or may still do so."""
    unseen: bool = False
    """True if the list did not show the video after its creation, so it may not have shown a second
    one either."""

    @property
    def may_have_spare(self) -> bool:
        """Whether a second video may exist."""
        return self.lost or self.unseen

    @property
    def age(self) -> float:
        """Seconds since ``at``; 0 if the clock was set back."""
        return max(0.0, time.time() - self.at)

    def to_json(self) -> bytes:
        """Return the content of the file."""
        return json.dumps({"version": VERSION, **asdict(self)}).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Known | None":
        """Parse the content of a file; None if it is of another version or damaged."""
        try:
            raw = json.loads(content)
            if raw.pop("version") != VERSION:
                return None
            valid = isinstance(raw["video_id"], str | None) and raw["video_id"] != ""
            if valid and math.isfinite(raw["at"]):
                return cls(**raw)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            pass
        log.warning(
            "the record of an idempotency key is damaged and ignored",
            extra={"event": "key_record_damaged"},
        )
        return None


_memory: OrderedDict[str, Known] = OrderedDict()
"""By digest."""
_locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}
"""The lock of each idempotency key in use, and the number of calls that use it."""


@define(eq=False)
class KeyRecord:
    """The record of one key, for the call whose turn it is."""

    digest: str
    """Of the server, the account and the key."""
    known: Known | None = None
    _file: KeyFile | None = None
    _warned: bool = field(default=False, init=False)

    async def save(self, known: Known | None) -> None:
        """Replace the record; None removes it. A failure to write the file is logged."""
        self.known = known
        _remember(self.digest, known)
        if self._file is None:
            return
        try:
            await in_thread(self._file.write, b"" if known is None else known.to_json())
        except (OSError, SourceError) as error:  # SourceError: no further thread can be started.
            if not self._warned:
                self._warned = True
                _log_unusable(error)


def _log_unusable(error: OSError | SourceError) -> None:
    log.warning(
        "the record of an idempotency key cannot be kept on disk (%s): a later process searches "
        "the list of videos",
        getattr(error, "strerror", None) or error,
        extra={"event": "key_record_unusable", "error": error},
    )


@asynccontextmanager
async def key_record(
    pipeline: Pipeline, key: str, *, on_disk: bool = True
) -> AsyncIterator[KeyRecord]:
    """Wait until no other call uses the key, and yield its record.

    Calls of this event loop take turns, and with ``on_disk`` also those of other processes of the
    user, for the same account and server. Raises ``ConfigurationError`` if the key is empty.
    """
    _check(key)
    config = pipeline.config
    # Lone surrogates are reported later, when the request is built.
    texts = (text.encode("utf-8", "surrogatepass") for text in (config.base_url, key))
    digest = _digest(*texts, (config.api_key or "").encode())
    async with _turn((asyncio.get_running_loop(), digest)):
        file = await _open_file(digest) if on_disk else None
        try:
            # Another process may have changed the file since this process wrote it.
            known = Known.from_json(file.content) if file is not None and file.content else None
            yield KeyRecord(digest, known or _memory.get(digest), file)
        finally:
            if file is not None:
                file.close()


def _check(key: object) -> None:
    if not isinstance(key, str) or not key:
        text = "idempotency_key must be a text that is not empty"
        raise ConfigurationError(text, option="idempotency_key")


@asynccontextmanager
async def _turn(name: Hashable) -> AsyncIterator[None]:
    lock, users = _locks.get(name, (asyncio.Lock(), 0))
    _locks[name] = (lock, users + 1)
    try:
        async with lock:
            yield
    finally:
        # The last user of a key removes its lock, so that ``_locks`` does not grow.
        lock, users = _locks.pop(name)
        if users > 1:
            _locks[name] = (lock, users - 1)


def _digest(*texts: bytes) -> str:
    digest = hashlib.sha256(b"apivideo idempotency key")
    for text in texts:
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()[:40]


def recorded_ids(*, except_for: KeyRecord) -> set[str]:
    """Return the ids of the videos of all other keys that this process remembers."""
    own = except_for.digest
    return {known.video_id for digest, known in _memory.items() if digest != own and known.video_id}


def _remember(digest: str, known: Known | None) -> None:
    _memory.pop(digest, None)
    if known is not None:
        _memory[digest] = known
        if len(_memory) > MOST:
            _memory.popitem(last=False)


async def _open_file(digest: str) -> KeyFile | None:
    """Open and lock the file of a key; wait for other processes. None: no file can be used."""
    delay, waited = 0.02, 0.0
    while True:
        try:
            file = await in_thread(open_key_file, digest, unwanted=_close)
        except BlockingIOError:
            pass
        except (OSError, SourceError) as error:
            _log_unusable(error)
            return None
        else:
            return file
        if waited < SLOW <= waited + delay:
            log.warning(
                "waiting for another process of this user, which uses the same idempotency key",
                extra={"event": "key_in_use"},
            )
        await asyncio.sleep(delay)
        waited += delay
        delay = min(2 * delay, 0.5)


def _close(file: KeyFile | None) -> None:
    if file is not None:
        file.close()
