"""Files that only their owner can access, their locks and replacement, and the state folder.

A ledger contains presigned URLs and URLs with passwords, and a journal names files and videos.
Files are therefore created with mode 0600 and folders with mode 0700, whatever the umask is, so
that no other user can open them at any moment. Files of an earlier version that other users can
access are restricted when their owner opens them.

All functions block for the time of a few system calls.
"""

import errno
import logging
import os
import secrets
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

__all__ = [
    "close_locked",
    "create_private",
    "existing_state_file",
    "find_state_folder",
    "make_private_folder",
    "open_locked",
    "open_private",
    "replacing",
    "restrict",
    "state_file",
    "state_folder",
]

log: logging.Logger = logging.getLogger("apivideo_async.state")

FILE = 0o600
FOLDER = 0o700
OTHERS = 0o077
"""The permission bits of the group and of all other users."""

_creating = threading.Lock()
_logged_notes: set[str] = set()


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents with mode 0700. Raises ``OSError``."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_private_folder(folder.parent)
    try:
        folder.mkdir(mode=FOLDER, exist_ok=True)
    except FileExistsError:
        # ``exist_ok`` allows an existing folder only; here, the path is a file.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None


def open_private(path: str, flags: int) -> int:
    """Open or create a file with mode 0600. An ``opener`` for ``open``. Raises ``OSError``."""
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), FILE)


def create_private(path: Path) -> None:
    """Create an empty file with mode 0600. An existing file is not changed. Raises ``OSError``."""
    # SQLite uses these files. Closing a descriptor of such a file drops every POSIX lock that this
    # process has on it, also the locks of SQLite's connections. Therefore an existing file is not
    # opened, and no other thread may open the file between its creation and the end of ``close``.
    with _creating, suppress(FileExistsError):
        os.close(open_private(os.fspath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY))


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[TextIO]:
    """Open a new text file that replaces ``path`` when the block ends without an error.

    ``private`` gives it mode 0600; otherwise the umask decides. Raises ``OSError``.
    """
    # In the same folder, because a rename is atomic only within one file system. Mode ``x`` fails
    # if the name exists, so a prepared link cannot redirect the write.
    new = path.with_name(f".{path.stem}.{secrets.token_hex(8)}.new")
    opener = open_private if private else None
    try:
        with open(  # Path.open takes no opener.
            new, "x", encoding="utf-8", errors="backslashreplace", newline="", opener=opener
        ) as file:
            yield file
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise


def open_locked(path: Path) -> int:
    """Open or create a private file and lock it. The lock ends with the process, if not before.

    Locks exclude each other in one process, too. On a file system without locks, the file is opened
    without one. Raises ``BlockingIOError`` if the file is locked, and ``OSError``.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    while True:
        handle = open_private(os.fspath(path), flags)
        try:
            _lock(handle)
            if _has_name(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        # Another process removed the file between the opening and the lock.
        os.close(handle)


def close_locked(path: Path, handle: int, *, remove: bool) -> None:
    """Close a file of :func:`open_locked`. With ``remove``, the name is removed before."""
    # Removed while it is locked. Windows cannot remove an open file, so it stays there.
    if remove:
        with suppress(OSError):
            path.unlink()
    # Processes that were forked have the same lock, and keep it until they close the file.
    with suppress(OSError):
        _unlock(handle)
    with suppress(OSError):
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
    import fcntl

    def _lock(handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            # The file system has no locks. The file is still useful without one.
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
                raise

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


def restrict(path: Path) -> None:
    """Remove the access of other users to a path that this user owns, and log a warning."""
    if sys.platform == "win32":
        return  # Windows uses access lists. The user's folders are private.
    try:
        found = path.stat()
        if found.st_uid == os.geteuid() and found.st_mode & OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
            log.warning("%s was accessible to other users; now only its owner can access it", path)
    except FileNotFoundError:
        return
    except OSError as error:
        text = "%s may be accessible to other users, and this cannot be changed: %s"
        log.warning(text, path, error.strerror)


def find_state_folder(name: str) -> tuple[Path | None, str]:
    """Create the folder ``name`` for the state of this user. Return it and a note about it.

    The first of these places that is writable is used: ``$XDG_STATE_HOME/apivideo``, or else the
    platform's folder for the state of programs (``~/.local/state/apivideo``, on macOS
    ``~/Library/Application Support/apivideo``, on Windows ``%LOCALAPPDATA%\\apivideo``), then a
    private folder of this user in the system's folder for temporary files. The folder is None if no
    place is writable. The note is empty if the first place is writable.
    """
    problems = []
    for base in _places():
        try:
            return _own_folder(base, name), ""
        except OSError as error:
            problems.append(f"{base} cannot be used ({error.strerror or error})")
    reason = "; ".join(problems) or "this user has no home folder"
    try:
        base = _temporary_place()
        folder = _own_folder(base, name)
    except OSError as error:
        reason = f"{reason}; {error.strerror or error}"
        return None, f"no state can be kept for later runs: {reason}. Set XDG_STATE_HOME"
    note = f"the state for later runs is kept in {base}, because {reason}"
    return folder, f"{note}. Set XDG_STATE_HOME to keep it elsewhere"


def state_folder(name: str) -> Path | None:
    """Return the folder of :func:`find_state_folder`, and log the note about it once."""
    folder, note = find_state_folder(name)
    if note and note not in _logged_notes:
        _logged_notes.add(note)
        log.warning("%s", note)
    return folder


def state_file(name: str, file: str) -> Path | None:
    """Return the path of ``file`` in the folder ``name``, or None if no place is writable.

    A file that exists in a preferred place is returned even if that place is not writable. It can
    still be read, and a new file elsewhere would hide it.
    """
    for base in _places():
        if os.path.lexists(found := base / name / file):
            return found
    folder = state_folder(name)
    return None if folder is None else folder / file


def existing_state_file(name: str, file: str) -> Path | None:
    """Return the path of ``file`` in the folder ``name`` if it exists. Creates nothing."""
    places = list(_places())
    with suppress(OSError):
        _check_private(place := _temporary_path())
        places.append(place)
    return next((base / name / file for base in places if (base / name / file).is_file()), None)


def _places() -> Iterator[Path]:
    """Yield the folders for the state of this user, by the rules of ``platformdirs``."""
    home = _home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", ""))
        if local.is_absolute():
            yield local / "apivideo"
        elif home is not None:
            yield home / "AppData" / "Local" / "apivideo"
        return
    xdg = Path(os.environ.get("XDG_STATE_HOME", ""))
    if xdg.is_absolute():  # The XDG specification says that relative paths are ignored.
        yield xdg / "apivideo"
    elif home is not None:
        yield from _places_in(home, sys.platform)


def _places_in(home: Path, platform: str) -> Iterator[Path]:
    unix = home / ".local" / "state" / "apivideo"
    mac = home / "Library" / "Application Support" / "apivideo"
    # An earlier version used the folder of Unix on macOS, too. Its ledgers remain in use.
    if platform == "darwin" and (mac.is_dir() or not unix.is_dir()):
        yield mac
    else:
        yield unix


def _home() -> Path | None:
    # In a container, ``HOME`` may be unset or ``/nonexistent``, and the user id may have no passwd
    # entry. The folder is not created.
    home = Path(os.environ.get("USERPROFILE" if sys.platform == "win32" else "HOME", ""))
    if sys.platform != "win32" and not home.is_absolute():
        import pwd

        with suppress(KeyError):
            home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    exists = home.is_absolute() and os.path.isdir(home)  # noqa: PTH112 (False where Path raises)
    return home if exists else None


def _temporary_path() -> Path:
    user = "" if sys.platform == "win32" else f"-{os.geteuid()}"
    return Path(tempfile.gettempdir()) / f"apivideo{user}"


def _temporary_place() -> Path:
    """Create this user's folder in the system's folder for temporary files, and return it."""
    place = _temporary_path()
    if sys.platform != "win32":
        with suppress(FileExistsError):
            place.mkdir(mode=FOLDER)
        _check_private(place)
    return place


def _check_private(place: Path) -> None:
    """Raise ``OSError`` unless a folder for temporary files belongs to this user only."""
    if sys.platform == "win32":
        return
    # The system's folder is shared, so another user may have created this folder or a symbolic
    # link. ``lstat`` does not follow the link.
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & OTHERS:
        raise PermissionError(errno.EACCES, f"{place} is not a private folder of this user")


def _own_folder(base: Path, name: str) -> Path:
    """Create ``base / name``, or restrict it to its owner. Raises ``OSError`` if not writable."""
    folder = base / name
    make_private_folder(folder)
    restrict(base)
    restrict(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "it cannot be written to")
    return folder
