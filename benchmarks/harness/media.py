"""Files to upload, kept between runs."""

import os
from pathlib import Path

from .measuring import CACHE, MIB


def media(mib: int) -> Path:
    """Return a file of ``mib`` MiB.

    Its blocks differ only in their number. Servers and clients do not look at the content.
    """
    path = CACHE / "media" / f"{mib}MiB.mp4"
    if not path.exists() or path.stat().st_size != mib * MIB:
        path.parent.mkdir(parents=True, exist_ok=True)
        block = os.urandom(MIB - 8)
        with path.open("wb") as handle:
            for number in range(mib):
                handle.write(number.to_bytes(8, "big") + block)
            handle.flush()
            os.fsync(handle.fileno())
    return path


def small_files(count: int, size: int) -> Path:
    """Return a folder with ``count`` files of ``size`` bytes.

    All names are hard links to one file, so that the disk stores it once.
    """
    folder = CACHE / "media" / f"{count}x{size}"
    folder.mkdir(parents=True, exist_ok=True)
    first, *others = (folder / f"{number:05d}.mp4" for number in range(count))
    if not first.exists() or first.stat().st_size != size:
        first.write_bytes(os.urandom(size))
    for path in others:
        if not path.exists():
            path.hardlink_to(first)
    return folder


def forget(path: Path) -> None:
    """Drop a file from the page cache, so that reading it waits for the disk."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
