"""Files and folders that only their owner can access, and the folder in which the package keeps its state.

A ledger holds presigned URLs and the passwords of URLs, and a journal names files and videos. Files are therefore
created with mode 0600 and folders with mode 0700, whatever the umask is, so there is no moment at which another user
could open them. Files of an earlier version that others can access are restricted when their owner opens them.

All functions block for the time of a few system calls.
"""

import errno
import logging
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = [
    "create_private",
    "find_state_folder",
    "make_private_folder",
    "open_private",
    "restrict",
    "state_file",
    "state_folder",
]

log: logging.Logger = logging.getLogger("apivideo_async.state")

FILE, FOLDER = 0o600, 0o700
OTHERS = 0o077
"""The permission bits of the group and of all other users."""

_creating = threading.Lock()
_noted: set[str] = set()
"""Notes that this process has logged already."""


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents, each with mode 0700. Existing folders stay as they are.

    Raises ``OSError``.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_private_folder(folder.parent)
    try:
        folder.mkdir(mode=FOLDER, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None


def open_private(path: str, flags: int) -> int:
    """Open a file, created with mode 0600: the ``opener`` of ``open``. Raises ``OSError``."""
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), FILE)


def create_private(path: Path) -> None:
    """Create an empty file with mode 0600. An existing one stays as it is. Raises ``OSError``.

    This is for files of SQLite, so an existing one is not opened: closing its descriptor would drop every POSIX lock
    that this process has on the file, also those of SQLite's connections. For the same reason no other thread may open
    the file between its creation and the end of ``os.close``.
    """
    with _creating, suppress(FileExistsError):
        os.close(open_private(os.fspath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY))


def restrict(path: Path) -> None:
    """Take the access of other users from a file or folder that this user owns, and log that they had it."""
    if sys.platform == "win32":
        return  # Access is a matter of the folder's list there, and the user's folders are private.
    try:
        found = path.stat()
        if found.st_uid == os.geteuid() and found.st_mode & OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
            log.warning("%s was accessible to other users; now only its owner can access it", path)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s may be accessible to other users, and this cannot be changed: %s", path, error.strerror)


def find_state_folder(name: str) -> tuple[Path | None, str]:
    """Return the folder ``name`` for the state of this user, created if necessary, and a note about it.

    The first of these that can be written to is used: ``$XDG_STATE_HOME/apivideo`` (``%LOCALAPPDATA%\\apivideo`` on
    Windows, and ``~/.local/state/apivideo`` if neither is set), or else a private folder of this user among the
    system's temporary files. The folder is None if none of them can be written to; the note is empty if the first can.
    """
    problems = []
    for base in _places():
        try:
            return _own_folder(base, name), ""
        except OSError as error:
            problems.append(f"{base} cannot be used ({error.strerror or error})")
    why = "; ".join(problems) or "this user has no home folder"
    try:
        base = _temporary_place()
        folder = _own_folder(base, name)
    except OSError as error:
        return None, f"nothing can be kept for later runs: {why}; {error.strerror or error}. Set XDG_STATE_HOME"
    return folder, f"what later runs need is kept in {base}, because {why}. Set XDG_STATE_HOME to keep it elsewhere"


def state_folder(name: str) -> Path | None:
    """Return the folder of :func:`find_state_folder`, and log the note about it once."""
    folder, note = find_state_folder(name)
    if note and note not in _noted:
        _noted.add(note)
        log.warning("%s", note)
    return folder


def state_file(name: str, file: str) -> Path | None:
    """Return the path of ``file`` in the folder ``name``, or None if no place for it can be written to.

    A file that exists in a preferred place is returned even if that place cannot be written to: it can still be read,
    and a new file elsewhere would hide it.
    """
    for base in _places():
        if os.path.lexists(found := base / name / file):
            return found
    folder = state_folder(name)
    return None if folder is None else folder / file


def _places() -> Iterator[Path]:
    """Give the place that the environment names, or else the one in the home folder."""
    for variable in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        place = Path(os.environ.get(variable, ""))
        if place.is_absolute():  # The XDG specification wants relative ones ignored.
            yield place / "apivideo"
            return
    home = _home()
    if home is not None:
        yield home / ".local" / "state" / "apivideo"


def _home() -> Path | None:
    """Return the home folder if there is one; it is not created.

    A container may run without ``HOME``, with a user id that no passwd entry has, or with ``/nonexistent``.
    """
    home = Path(os.environ.get("USERPROFILE" if sys.platform == "win32" else "HOME", ""))
    if sys.platform != "win32" and not home.is_absolute():
        import pwd

        with suppress(KeyError):
            home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    return home if home.is_absolute() and os.path.isdir(home) else None  # noqa: PTH112 (False where Path raises)


def _temporary_place() -> Path:
    """Return this user's folder among the temporary files. Raises ``OSError``, also if another user made it."""
    if sys.platform == "win32":
        return Path(tempfile.gettempdir()) / "apivideo"
    user = os.geteuid()
    place = Path(tempfile.gettempdir()) / f"apivideo-{user}"
    with suppress(FileExistsError):
        place.mkdir(mode=FOLDER)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user or found.st_mode & OTHERS:
        raise PermissionError(errno.EACCES, f"{place} is not a private folder of this user")
    return place


def _own_folder(base: Path, name: str) -> Path:
    """Create a folder of ours, or restrict it to its owner. Raises ``OSError`` if it cannot be written to."""
    folder = base / name
    make_private_folder(folder)
    for each in (base, folder):
        restrict(each)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "it cannot be written to")
    return folder
