"""The journal: the ledger on disk, with which a later process finds an interrupted upload.

It has one small JSON file per source and server, replaced atomically, without API keys and tokens.
With an API key, the status of the server says which chunks are missing, and the journal gives only
the container and the chunk size. With an upload token the status cannot be read, so the journal is
the only record (service.md#token-uploads).
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

import aiofiles
from attrs import asdict, define, field, frozen

from ..errors import SourceError
from ..private_files import make_private_folder, replacing, restrict
from .ledger import LedgerSnapshot
from .plan import Chunk, SendMode
from .sources.threads import PendingWork

__all__ = ["Fingerprint", "Journal", "JournalEntry", "UploadJournal"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

VERSION = 1
WRITE_TIMEOUT = 0.5
"""Seconds that a cancelled caller waits for a write in progress."""

T = TypeVar("T")
Fingerprint: TypeAlias = dict[str, Any]

CHANGES = {
    "size": "its size changed",
    "mtime_ns": "it was written to",
    "inode": "another file replaced it",
    "ends": "its content changed",
}
"""What a different value in the fingerprint means."""


@frozen(kw_only=True)
class JournalEntry:
    """An upload that was started."""

    fingerprint: Fingerprint
    base_url: str
    video_id: str
    mode: SendMode
    chunk_size: int
    accepted: tuple[tuple[int, int, int], ...] = ()
    """Number, start and size (bytes) of each accepted chunk."""

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """The accepted chunks."""
        return tuple(Chunk(*each) for each in self.accepted)

    def snapshot(self) -> LedgerSnapshot:
        """Return the ledger that was written."""
        size: int = self.fingerprint["size"]
        accepted = sum(chunk.size for chunk in self.chunks)
        return LedgerSnapshot(self.mode, size, self.chunk_size, self.chunks, accepted)


class Journal:
    """The entries of one server in one folder. A full or read-only disk never ends an upload."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self._folder = folder
        self.base_url = base_url
        self._warned = False
        self._files = PendingWork()

    async def _finish(self, work: Awaitable[T]) -> T:
        """Wait for ``work``, which continues if the caller is cancelled.

        Interrupted work would leave a file open or a temporary file behind. A late write would
        replace a newer entry, so a cancelled caller waits up to ``WRITE_TIMEOUT`` seconds for it.
        """
        try:
            return await self._files.finish(work)
        except asyncio.CancelledError:
            await self._files.wait(WRITE_TIMEOUT)
            raise

    def _file(self, fingerprint: Fingerprint) -> Path:
        # Paths can contain bytes that are not UTF-8.
        key = f"{self.base_url}\n{fingerprint['path']}".encode("utf-8", "surrogateescape")
        return self._folder / f"{hashlib.sha256(key).hexdigest()[:32]}.json"

    async def find(self, fingerprint: Fingerprint) -> JournalEntry | None:
        """Return the entry of this source, or None. Raises ``SourceError`` if the file changed."""
        path = self._file(fingerprint)
        try:
            entry = _parse(await self._finish(_read(path)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
            log.warning(
                "the journal %s cannot be read (%s): it is ignored",
                path,
                error,
                extra={"event": "journal_unreadable", "error": error},
            )
            return None
        if entry is None:
            return None
        changed = [
            text for key, text in CHANGES.items() if entry.fingerprint.get(key) != fingerprint[key]
        ]
        if changed:
            raise SourceError(
                f"{fingerprint['path']} is not the file whose upload was interrupted: "
                f"{changed[0]}. Upload it without resume",
                video_id=entry.video_id,
            )
        return entry

    async def save(self, entry: JournalEntry) -> None:
        """Write an entry atomically. The first failure is logged, and later ones are ignored."""
        content = json.dumps({"version": VERSION, **asdict(entry)})
        try:
            path = self._file(entry.fingerprint)
            await self._finish(asyncio.to_thread(_replace, path, content))
        # ``RuntimeError``: the system cannot start another thread.
        except (OSError, RuntimeError) as error:
            if not self._warned:
                self._warned = True
                reason = getattr(error, "strerror", None) or error
                log.warning(
                    "the journal in %s cannot be written (%s): "
                    "a later run cannot continue or skip this upload",
                    self._folder,
                    reason,
                    extra={"event": "journal_unwritable", "error": error},
                )

    def forget(self, fingerprint: Fingerprint) -> None:
        """Remove the entry. Synchronous, so that a cancellation cannot interrupt it."""
        path = self._file(fingerprint)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            log.warning(
                "the journal %s cannot be removed (%s): "
                "with resume, the next upload of this file returns this video",
                path,
                error.strerror,
                extra={"event": "journal_unwritable", "error": error},
            )


def _parse(text: str) -> JournalEntry | None:
    """Parse an entry. Return None if another version of the format wrote it."""
    raw = json.loads(text)
    if raw.pop("version") != VERSION:
        return None
    rows = tuple(
        (int(number), int(start), int(size)) for number, start, size in raw.pop("accepted")
    )
    typed = isinstance(raw["video_id"], str) and isinstance(raw["fingerprint"], dict)
    if not typed or raw["mode"] not in get_args(SendMode) or raw["chunk_size"] <= 0:
        raise ValueError("its content is damaged")
    return JournalEntry(**raw, accepted=rows)


async def _read(path: Path) -> str:
    restrict(path)
    async with aiofiles.open(path, encoding="utf-8") as handle:
        return await handle.read()


def _replace(path: Path, content: str) -> None:
    make_private_folder(path.parent)
    with replacing(path, private=True) as file:
        file.write(content)


@define(eq=False)
class UploadJournal:
    """The journal of one upload. Without a ``journal`` it finds and writes nothing."""

    _journal: Journal | None
    _fingerprint: Fingerprint
    earlier: JournalEntry | None = field(default=None, init=False)
    """The entry of an earlier upload of the same source, if it is to be continued."""
    _lock: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def find(self, video_id: str | None) -> JournalEntry | None:
        """Return the result of ``Journal.find``. ``earlier`` is set unless the video differs."""
        if self._journal is None:
            return None
        found = await self._journal.find(self._fingerprint)
        if found is not None and video_id in (None, found.video_id):
            self.earlier = found
        return found

    async def write(self, video_id: str, read: Callable[[], LedgerSnapshot]) -> None:
        """Write the accepted chunks and those of ``earlier``. ``read`` returns the ledger."""
        if self._journal is None:
            return
        # One writer at a time. Each reads the ledger after it has the lock, so a later write never
        # stores an older state.
        async with self._lock:
            ledger = read()
            accepted = tuple((chunk.number, chunk.start, chunk.size) for chunk in ledger.accepted)
            entry = JournalEntry(
                fingerprint=self._fingerprint,
                base_url=self._journal.base_url,
                video_id=video_id,
                mode=ledger.mode,
                chunk_size=ledger.chunk_size,
                accepted=accepted,
            )
            await self._journal.save(entry)

    def forget(self) -> None:
        """Remove the entry, because the upload is complete."""
        if self._journal is not None:
            self._journal.forget(self._fingerprint)
