"""The files of idempotency keys: one small file per key, locked while a call uses the key.

A file without content is removed when it is closed. Files that were not changed for a long time are
removed from time to time.
"""

import os
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from ..private_files import close_locked, open_locked, state_folder

__all__ = ["KeyFile", "open_key_file"]

MOST = 10_000
"""Files in the folder. The oldest of more are removed."""
LONGEST = 90 * 24 * 3600.0
"""Seconds after which a file that was not changed is removed."""
PRUNE_EVERY = 1000
"""Files that a process creates between two searches for old files."""
LARGEST = 4096
"""Bytes. The content of a larger file is cut."""

_files_created = 0


@define(eq=False)
class KeyFile:
    """An open, locked file. Its methods may be called in any thread."""

    _path: Path
    _handle: int
    content: bytes
    _open: bool = field(default=True, init=False)
    _guard: threading.Lock = field(factory=threading.Lock, init=False)

    def write(self, content: bytes) -> None:
        """Replace the content, unless the file is closed. Raises ``OSError``."""
        # The caller may have been cancelled and have closed the file. The number of the descriptor
        # may belong to another file then.
        with self._guard:
            if self._open:
                # Shorten the file first: an interrupted write leaves a file that is not valid.
                os.ftruncate(self._handle, 0)
                os.lseek(self._handle, 0, os.SEEK_SET)
                os.write(self._handle, content)
                self.content = content

    def close(self) -> None:
        """Close the file, and remove it if it has no content."""
        with self._guard:
            if self._open:
                self._open = False
                close_locked(self._path, self._handle, remove=not self.content)


def open_key_file(name: str) -> KeyFile | None:
    """Open or create and lock the file of a key. None: no folder is writable.

    Raises ``BlockingIOError`` if another process has locked it, and ``OSError``.
    """
    folder = state_folder("keys")
    if folder is None:
        return None
    path = folder / f"{name}.json"
    handle = open_locked(path)
    try:
        content = os.read(handle, LARGEST)
        if not content:
            _prune_sometimes(folder)
    except BaseException:
        close_locked(path, handle, remove=False)
        raise
    return KeyFile(path, handle, content)


def _prune_sometimes(folder: Path) -> None:
    global _files_created
    if _files_created % PRUNE_EVERY == 0:
        with suppress(OSError):
            _prune(folder)
    _files_created += 1


def _prune(folder: Path) -> None:
    """Remove old files, and the oldest ones if there are too many."""
    files = list[tuple[float, str]]()
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode):
                    files.append((found.st_mtime, entry.path))
    files.sort(reverse=True)
    oldest = time.time() - LONGEST
    for number, (changed, path) in enumerate(files):
        if number >= MOST or changed < oldest:
            with suppress(OSError):
                _remove_unused(path)


def _remove_unused(path: str) -> None:
    with suppress(BlockingIOError):
        close_locked(Path(path), open_locked(Path(path)), remove=True)
