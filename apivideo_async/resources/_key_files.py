"""The files of idempotency keys: one small file per key, locked while a call uses the key.

A process that ends, also by ``kill -9``, releases its locks. A file without content is removed when
it is closed. Files that were not changed for a long time are removed from time to time. A file is
removed only while it is locked, so every process that has locked a file checks that the file still
has its name.
"""

import os
import stat
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from ..private_files import open_private, state_folder

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
                _close(self._path, self._handle, remove=not self.content)


def open_key_file(name: str) -> KeyFile | None:
    """Open or create and lock the file of a key. None: no folder is writable.

    Raises ``BlockingIOError`` if another process has locked it, and ``OSError``.
    """
    folder = state_folder("keys")
    if folder is None:
        return None
    path = folder / f"{name}.json"
    while True:
        handle = open_private(os.fspath(path), os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0))
        try:
            _lock(handle)
            if _has_name(handle, path):
                content = os.read(handle, LARGEST)
                if not content:
                    _prune_sometimes(folder)
                return KeyFile(path, handle, content)
        except BaseException:
            os.close(handle)
            raise
        # Another process removed the file between the opening and the lock.
        os.close(handle)


def _has_name(handle: int, path: Path) -> bool:
    found = os.fstat(handle)
    # On Windows, an open file cannot be removed, and ``fstat`` may not know the inode.
    if sys.platform == "win32":
        return True
    try:
        return os.path.samestat(found, path.stat())
    except FileNotFoundError:
        return False


def _close(path: Path, handle: int, *, remove: bool) -> None:
    # Removed while it is locked. Windows cannot remove an open file: ``_prune`` does it later.
    if remove:
        with suppress(OSError):
            path.unlink()
    # Processes that were forked have the same lock, and keep it until they close the file.
    with suppress(OSError):
        _unlock(handle)
    with suppress(OSError):
        os.close(handle)


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
    handle = open_private(path, os.O_RDWR)
    try:
        _lock(handle)
    except OSError:
        os.close(handle)
        return
    _close(Path(path), handle, remove=True)


if sys.platform == "win32":
    import msvcrt

    # Windows does not let other processes read a locked byte, so it is one beyond the content.
    _LOCKED_BYTE = 1 << 20

    def _lock(handle: int) -> None:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from error
        os.lseek(handle, 0, os.SEEK_SET)

    def _unlock(handle: int) -> None:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import errno
    import fcntl

    def _lock(handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            # The file system has no locks. The record is still useful without one.
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
                raise

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
