"""The journal: the ledger on disk, with which a later process finds an interrupted upload.

It has one small JSON file per source and server, replaced atomically, without API keys and tokens.
With an API key, the status of the server says which chunks are missing, and the journal gives only
the container and the chunk size. With an upload token the status cannot be read, so the journal is
the only record (service.md#token-uploads).

A file is identified by its size and by samples of its content. Its path, inode and time of change
are hints: after a remount, a copy or a rename, the same bytes have others. The name of an entry is
derived from the path, so a new file with the path of an old one replaces its entry. Two files with
the same content are two sources; an entry with another path counts only if its file was moved.

While an upload uses an entry, it locks a file beside it. The lock ends with the process.
"""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import define, field

from ..errors import SourceError
from ..private_files import close_locked, make_private_folder, open_locked, replacing, restrict
from .journal_entry import Fingerprint, JournalEntry, parse_entry, same_content
from .ledger import LedgerSnapshot
from .sources.threads import PendingWork, in_thread

__all__ = ["Fingerprint", "Journal", "JournalEntry", "UploadJournal"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

WRITE_TIMEOUT = 0.5
"""Seconds that a cancelled caller waits for a write in progress."""
FIRST_DELAY = 0.02
LONGEST_DELAY = 0.5
"""Seconds between two attempts to lock an entry."""
_noted: set[Path] = set()
"""Folders whose failure has been logged: once in a process, not for every file."""


class Journal:
    """The entries of one server in one folder. A full or read-only disk never ends an upload."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self._folder = folder
        self.base_url = base_url
        self._writes = PendingWork()

    def path(self, fingerprint: Fingerprint) -> Path:
        """Return the path of the entry for a source with this fingerprint."""
        # Paths can contain bytes that are not UTF-8. A source that is no file has no path.
        name = fingerprint.get("path") or json.dumps(fingerprint, sort_keys=True)
        key = f"{self.base_url}\n{name}".encode("utf-8", "surrogateescape")
        return self._folder / f"{hashlib.sha256(key).hexdigest()[:32]}.json"

    async def find(self, fingerprint: Fingerprint, *, moved: bool = False) -> JournalEntry | None:
        """Return the entry of this source, or None. Entries that are damaged are logged.

        With ``moved``, an entry of the same content with another path counts, if its file was
        moved.
        """
        _, entry = await self.look(fingerprint, moved=moved)
        return entry if entry is not None and same_content(entry.fingerprint, fingerprint) else None

    async def look(
        self, fingerprint: Fingerprint, *, moved: bool = True
    ) -> tuple[Path, JournalEntry | None]:
        """Return an entry and its path: of the source, or else of another one with its path."""
        return await in_thread(self._look, fingerprint, moved)

    def _look(self, fingerprint: Fingerprint, moved: bool) -> tuple[Path, JournalEntry | None]:
        path = self.path(fingerprint)
        entry = self._read(path)
        if moved and (entry is None or not same_content(entry.fingerprint, fingerprint)):
            for other, found in self._entries_with(fingerprint["size"]):
                if other != path and _is_moved(found.fingerprint, fingerprint):
                    return other, found
        return path, entry

    def _read(self, path: Path) -> JournalEntry | None:
        try:
            restrict(path)
            return parse_entry(path.read_text("utf-8"), self.base_url)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            log.warning(
                "the journal entry %s is damaged and ignored (%s): "
                "the upload starts from the beginning",
                path,
                reason,
                extra={"event": "journal_unreadable", "error": error},
            )
            return None

    def _entries_with(self, size: int) -> Iterator[tuple[Path, JournalEntry]]:
        """Yield the entries of files with ``size`` bytes. Damaged ones concern other files."""
        mark = f'"size": {size}'
        try:
            paths = sorted(self._folder.glob("*.json"))
        except OSError:
            return
        for path in paths:
            try:
                text = path.read_text("utf-8")
                # Most entries are of files with another size: do not parse them.
                entry = parse_entry(text, self.base_url) if mark in text else None
            except (OSError, ValueError):
                continue
            if entry is not None:
                yield path, entry

    async def save(self, entry: JournalEntry) -> bool:
        """Write an entry atomically. Returns False after a failure; the first one is logged."""
        try:
            await self._writes.in_thread(_replace, self.path(entry.fingerprint), entry.to_json())
        # ``SourceError``: the system cannot start another thread.
        except (OSError, SourceError) as error:
            self.note(error)
        except asyncio.CancelledError:
            # The write continues. If it came late, it would replace a newer entry.
            await self._writes.wait(WRITE_TIMEOUT)
            raise
        else:
            return True
        return False

    def note(self, error: OSError | SourceError) -> None:
        """Log that the folder cannot be used, once in a process."""
        if self._folder in _noted:
            return
        _noted.add(self._folder)
        log.warning(
            "the journal in %s cannot be written (%s): "
            "a later run cannot continue or skip this upload",
            self._folder,
            getattr(error, "strerror", None) or error,
            extra={"event": "journal_unwritable", "error": error},
        )

    def forget(self, fingerprint: Fingerprint) -> None:
        """Remove the entry. Synchronous, so that a cancellation cannot interrupt it."""
        self.remove(self.path(fingerprint))

    def remove(self, path: Path) -> None:
        """Remove a file of the journal. A failure is logged."""
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


def _is_moved(earlier: Fingerprint, now: Fingerprint) -> bool:
    """True if a file with another path is the earlier one, and not a copy of it."""
    if not same_content(earlier, now):
        return False
    hints = ("inode", "mtime_ns")
    if all(earlier.get(hint) == now.get(hint) for hint in hints):
        return True
    path = earlier.get("path")
    return isinstance(path, str) and not os.path.lexists(path)


def _replace(path: Path, content: str) -> None:
    make_private_folder(path.parent)
    with replacing(path, private=True) as file:
        file.write(content)


def _open_lock(path: Path) -> int:
    make_private_folder(path.parent)
    return open_locked(path)


@define(eq=False)
class UploadJournal:
    """The journal of one upload. Without a ``journal`` it finds and writes nothing."""

    _journal: Journal | None
    _fingerprint: Fingerprint
    earlier: JournalEntry | None = field(default=None, init=False)
    """The entry of an earlier upload of the same source, if it is to be continued."""
    _one_write: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _locks: list[tuple[Path, int]] = field(factory=list, init=False)
    _moved: Path | None = field(default=None, init=False)
    """The entry that is continued, if it has the name of another path."""

    async def lock(self, *, wait: bool) -> None:
        """Make other uploads of the same file wait until ``close``.

        If another one is running already, wait for its end, or, without ``wait``, use no journal.
        """
        if self._journal is None:
            return
        delay, path = FIRST_DELAY, self._journal.path(self._fingerprint)
        while not await self._try_lock(self._journal, path):
            if delay == FIRST_DELAY or not wait:
                log.warning(
                    "another upload of %s is running: this one %s",
                    self._fingerprint.get("path", "the source"),
                    "starts when it has ended" if wait else "is not recorded in the journal",
                    extra={"event": "upload_waits" if wait else "upload_unrecorded"},
                )
            if not wait:
                self._journal = None
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _try_lock(self, journal: Journal, entry: Path) -> bool:
        """Lock an entry. Returns False if another upload uses it; True if there are no locks."""
        path = entry.with_suffix(".lock")
        try:
            handle = await in_thread(
                _open_lock, path, unwanted=lambda handle: close_locked(path, handle, remove=True)
            )
        except BlockingIOError:
            return False
        except (OSError, SourceError) as error:
            journal.note(error)
            return True
        self._locks.append((path, handle))
        return True

    def close(self) -> None:
        """Let other uploads of the file continue. Synchronous: no cancellation can interrupt it."""
        for path, handle in self._locks:
            close_locked(path, handle, remove=True)
        self._locks.clear()

    async def find(self, video_id: str | None) -> str:
        """Find the entry to continue: ``earlier``. If there is none, return the reason.

        Raises ``SourceError`` if ``video_id`` has bytes of another file.
        """
        if self._journal is None:
            return "it has no journal"
        path, found = await self._journal.look(self._fingerprint)
        if found is None:
            return "the journal has no entry of it"
        if not same_content(found.fingerprint, self._fingerprint):
            return self._replaced(found, video_id)
        if video_id not in (None, found.video_id):
            return f"it was interrupted as {found.video_id}, which is another video"
        if path != self._journal.path(self._fingerprint):
            if not await self._try_lock(self._journal, path):
                return "an upload of the same file with another path is running"
            self._moved = path
        self.earlier = found
        return ""

    def _replaced(self, found: JournalEntry, video_id: str | None) -> str:
        """Report that the path has other content than the interrupted upload had."""
        path = self._fingerprint.get("path", "the source")
        if found.video_id == video_id:
            raise SourceError(
                f"{path} is not the file whose upload into {video_id} was interrupted: its content "
                "has changed. Upload it into another video",
                cause="changed",
                video_id=video_id,
            )
        log.warning(
            "%s has changed since its upload was interrupted, which cannot be continued. "
            "The incomplete video %s remains",
            path,
            found.video_id,
            extra={"event": "source_replaced", "video_id": found.video_id},
        )
        return "its content has changed since its upload was interrupted"

    async def write(self, video_id: str, read: Callable[[], LedgerSnapshot]) -> None:
        """Write the accepted chunks and those of ``earlier``. ``read`` returns the ledger."""
        if self._journal is None:
            return
        # One writer at a time. Each reads the ledger after it has the lock, so a later write never
        # stores an older state.
        async with self._one_write:
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
            if await self._journal.save(entry) and self._moved is not None:
                self._journal.remove(self._moved)
                self._moved = None

    def forget(self) -> None:
        """Remove the entry, because the upload is complete."""
        if self._journal is not None:
            self._journal.forget(self._fingerprint)
            if self._moved is not None:  # The new entry could not be written.
                self._journal.remove(self._moved)
