"""Received bytes on disk.

Each request writes its file into its own *extent*, a range of bytes in a *spool* file. The media of
a video is an ordered map of extents, so nothing is copied or joined when an upload completes. A
spool file is open only while it is read or written, so that a thousand videos use no file
descriptors.
"""

import hashlib
import os
from collections.abc import Generator
from pathlib import Path

from attrs import define, field, frozen

__all__ = ["ExtentWriter", "Media", "MediaStore", "Spool"]

# Size of a read in bytes.
_BLOCK = 256 * 1024
# Smallest size in bytes of a further extent, for a body that is longer than announced.
_SMALLEST_EXTENT = 1024 * 1024


@define(eq=False)
class Spool:
    """A file that several requests write at the same time. Without a path the bytes are dropped.

    ``media_count`` counts the ``Media`` objects that refer to it.
    """

    path: Path | None
    media_count: int = field(default=0, init=False)
    _fd: int = field(default=-1, init=False)
    _writers: int = field(default=0, init=False)
    _end: int = field(default=0, init=False)

    def open(self) -> None:
        """Add a writer. The first writer opens the file."""
        if self._writers == 0 and self.path is not None:
            # Only the owner can read the file.
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        self._writers += 1

    def close(self) -> None:
        """Remove a writer. The last one closes the file, and deletes it if it is not used."""
        self._writers -= 1
        if self._writers == 0 and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self.delete_if_unused()

    def reserve(self, size: int) -> int:
        """Reserve an extent of ``size`` bytes at the end of the file, and return its offset."""
        offset = self._end
        self._end += size
        return offset

    def release(self, offset: int, size: int) -> None:
        """Free an extent if it is the last one. The space of others stays reserved."""
        if offset + size == self._end:
            self._end = offset
            if self._fd >= 0:
                # The file may be shorter than ``offset``, and ``truncate`` must not extend it.
                os.truncate(self._fd, min(offset, os.fstat(self._fd).st_size))

    def write(self, view: memoryview, offset: int) -> None:
        if self._fd < 0:
            return
        # ``pwrite`` has no shared file position, and may write fewer bytes than asked.
        while view:
            written = os.pwrite(self._fd, view, offset)
            view = view[written:]
            offset += written

    def delete_if_unused(self) -> None:
        if self.path is not None and self.media_count == 0 and self._writers == 0:
            self.path.unlink(missing_ok=True)


@frozen
class Extent:
    """A range of bytes in a spool. ``offset`` and ``size`` are in bytes."""

    spool: Spool
    offset: int
    size: int

    def read(self, skip: int, size: int) -> Generator[bytes, None, None]:
        """Yield ``size`` bytes after the first ``skip`` bytes. Any thread can read."""
        if size <= 0 or self.spool.path is None:
            return
        with self.spool.path.open("rb", buffering=0) as file:
            offset = self.offset + skip
            stop = offset + size
            while offset < stop:
                block = os.pread(file.fileno(), min(_BLOCK, stop - offset), offset)
                if not block:
                    raise EOFError("a spool file is shorter than its extents")
                offset += len(block)
                yield block


class ExtentWriter:
    """Writes the file of one request into a spool, in an extent of the ``announced`` size.

    Bytes above ``limit`` are only counted, because the file will be refused.
    """

    def __init__(self, spool: Spool, announced: int | None, limit: int | None = None) -> None:
        self._spool = spool
        self._limit = limit
        self._reserved = announced or 0
        self._offset = spool.reserve(self._reserved)
        self._used = 0
        self._extents: list[Extent] = []
        self._kept = False
        self.size: int = 0
        spool.open()

    def write(self, view: memoryview) -> None:
        """Append ``view``. If the extent is full, continue in another one."""
        size = len(view)
        # The size still counts, so that the ledger refuses the file as too large.
        if self._limit is not None and self.size + size > self._limit:
            self.size += size
            return
        if self._used + size > self._reserved:
            self._end_extent()
            self._reserved = max(size, _SMALLEST_EXTENT)
            self._offset = self._spool.reserve(self._reserved)
        self._spool.write(view, self._offset + self._used)
        self._used += size
        self.size += size

    def _end_extent(self) -> None:
        if self._used:
            self._extents.append(Extent(self._spool, self._offset, self._used))
        self._used = 0

    def keep(self) -> list[Extent]:
        """End writing and return the extents of the file in order. ``close`` then keeps them."""
        self._end_extent()
        self._kept = True
        return self._extents

    def close(self) -> None:
        """Release the spool. If the file was not kept, its last extent is freed."""
        # Extents that were already full stay allocated until the spool file is deleted.
        if not self._kept:
            self._spool.release(self._offset, self._reserved)
        self._spool.close()


@define(eq=False)
class Media:
    """The bytes of one video: lists of extents, by the position that the ledger returned."""

    _extents: dict[int, list[Extent]] = field(factory=dict, init=False)
    _spools: set[Spool] = field(factory=set, init=False)

    @property
    def size(self) -> int:
        # Copy the values first: another thread may read the size while the event loop adds extents.
        return sum(extent.size for extents in list(self._extents.values()) for extent in extents)

    def add(self, position: int, extents: list[Extent]) -> None:
        """Add extents at a position. Reading goes through the positions in ascending order."""
        self._extents[position] = extents
        for spool in {extent.spool for extent in extents} - self._spools:
            spool.media_count += 1
            self._spools.add(spool)

    def copy(self) -> "Media":
        """Return a copy that shares the stored bytes."""
        clone = Media()
        for position, extents in self._extents.items():
            clone.add(position, extents)
        return clone

    def read(self, start: int = 0, stop: int | None = None) -> Generator[bytes, None, None]:
        """Yield blocks. Raises ``EOFError`` or ``OSError`` if a file was truncated or deleted."""
        remaining = (self.size if stop is None else stop) - start
        positions = sorted(self._extents)
        for extent in [extent for position in positions for extent in self._extents[position]]:
            # ``start`` counts down to 0 at the first extent that contains requested bytes.
            skip = min(start, extent.size)
            start -= skip
            size = min(extent.size - skip, remaining)
            remaining -= size
            yield from extent.read(skip, size)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for block in self.read():
            digest.update(block)
        return digest.hexdigest()

    def delete(self) -> None:
        """Remove the bytes. Files that no other media shares are deleted."""
        for spool in self._spools:
            spool.media_count -= 1
            spool.delete_if_unused()
        self._spools.clear()
        self._extents.clear()


@define(eq=False)
class MediaStore:
    """Creates spools in one directory, or spools without a file with ``discard``."""

    _directory: Path
    discard: bool = field(kw_only=True)
    _spool_count: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        if not self.discard:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def spool(self, name: str) -> Spool:
        if self.discard:
            return Spool(None)
        self._spool_count += 1
        return Spool(self._directory / f"{self._spool_count:06d}-{name}.media")
