"""Files that only their owner can access, atomic replacement, and the package's state folder.

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
    "create_private",
    "existing_state_file",
    "find_state_folder",
    "make_private_folder",
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

    The first of these places that is writable is used: ``$XDG_STATE_HOME/apivideo``
    (``%LOCALAPPDATA%\\apivideo`` on Windows, ``~/.local/state/apivideo`` if neither variable is
    set), then a private folder of this user in the system's folder for temporary files. The folder
    is None if no place is writable. The note is empty if the first place is writable.
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
    """Yield the place that an environment variable names, or else the one in the home folder."""
    for variable in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        place = Path(os.environ.get(variable, ""))
        if place.is_absolute():  # The XDG specification says that relative paths are ignored.
            yield place / "apivideo"
            return
    home = _home()
    if home is not None:
        yield home / ".local" / "state" / "apivideo"


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
