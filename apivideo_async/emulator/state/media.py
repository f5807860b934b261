"""Received bytes on disk: every request writes its own extent, and an ordered map of extents is the media.

Nothing is copied or joined when an upload completes. A spool file is open only while somebody reads or
writes it, so that a thousand videos cost no descriptor.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

BLOCK = 256 * 1024
_SLAB = 1024 * 1024


class Spool:
    """A file that several requests fill side by side; without a path the bytes are dropped."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.media_count = 0
        self._fd = -1
        self._writers = 0
        self._end = 0

    def open(self) -> None:
        """Join the writers of the file; the first one opens it."""
        if self._writers == 0 and self.path is not None:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        self._writers += 1

    def close(self) -> None:
        """Leave the writers of the file; the last one closes it."""
        self._writers -= 1
        if self._writers == 0 and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self.delete_if_unused()

    def reserve(self, size: int) -> int:
        """Return the offset of a new extent of `size` bytes."""
        offset = self._end
        self._end += size
        return offset

    def give_back(self, offset: int, size: int) -> None:
        """Free an extent, when it is the last one of the file."""
        if offset + size == self._end:
            self._end = offset
            if self._fd >= 0:
                os.truncate(self._fd, min(offset, os.fstat(self._fd).st_size))

    def write(self, view: memoryview, offset: int) -> None:
        """Write all of `view` at `offset`."""
        if self._fd < 0:
            return
        while view:
            written = os.pwrite(self._fd, view, offset)
            view = view[written:]
            offset += written

    def delete_if_unused(self) -> None:
        """Remove the file once no media refers to it and nobody has it open."""
        if self.path is not None and self.media_count == 0 and self._writers == 0:
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of bytes in a spool."""

    spool: Spool
    offset: int
    size: int


class ExtentWriter:
    """Writes one request's file into a spool, in an extent reserved by the announced size.

    What is beyond `limit` bytes is counted and not written: the file will be refused anyway.
    """

    def __init__(self, spool: Spool, announced: int | None, limit: int | None = None) -> None:
        self._spool = spool
        self._limit = limit
        self._reserved = announced or 0
        self._offset = spool.reserve(self._reserved)
        self._used = 0
        self._full: list[Extent] = []
        self.size: int = 0
        self._kept = False
        spool.open()

    def write(self, view: memoryview) -> None:
        """Append `view`; a body longer than announced goes on in another extent."""
        size = len(view)
        if self._limit is not None and self.size + size > self._limit:
            self.size += size
            return
        if self._used + size > self._reserved:
            self._seal()
            self._reserved = max(size, _SLAB)
            self._offset = self._spool.reserve(self._reserved)
        self._spool.write(view, self._offset + self._used)
        self._used += size
        self.size += size

    def _seal(self) -> None:
        if self._used:
            self._full.append(Extent(self._spool, self._offset, self._used))
        self._used = 0

    def keep(self) -> list[Extent]:
        """End the writing and keep what was written; the extents hold the file in order."""
        self._seal()
        self._kept = True
        return self._full

    def close(self) -> None:
        """Leave the spool; what was not kept is forgotten, its space given back where that is easy."""
        if not self._kept:
            self._spool.give_back(self._offset, self._reserved)
        self._spool.close()


class Media:
    """The bytes of one video: extents under the places that the ledger gave them."""

    def __init__(self) -> None:
        self._extents: dict[int, list[Extent]] = {}
        self._spools: set[Spool] = set()

    @property
    def size(self) -> int:
        """Number of bytes held."""
        return sum(extent.size for extents in list(self._extents.values()) for extent in extents)

    def add(self, place: int, extents: list[Extent]) -> None:
        """Put extents at a place; places are read in ascending order."""
        self._extents[place] = extents
        for spool in {extent.spool for extent in extents} - self._spools:
            spool.media_count += 1
            self._spools.add(spool)

    def copy(self) -> Media:
        """Return a clone that shares the bytes."""
        clone = Media()
        for place, extents in self._extents.items():
            clone.add(place, extents)
        return clone

    def read(self, start: int = 0, stop: int | None = None) -> Generator[bytes, None, None]:
        """Yield the bytes from `start` to `stop` in blocks."""
        wanted = (self.size if stop is None else stop) - start
        for extent in [extent for place in sorted(self._extents) for extent in self._extents[place]]:
            skipped = min(start, extent.size)
            start -= skipped
            size = min(extent.size - skipped, wanted)
            wanted -= size
            yield from _read_extent(extent, skipped, size)

    def sha256(self) -> str:
        """Digest of the bytes in order."""
        digest = hashlib.sha256()
        for block in self.read():
            digest.update(block)
        return digest.hexdigest()

    def delete(self) -> None:
        """Let go of the bytes; files that nobody else shares disappear."""
        for spool in self._spools:
            spool.media_count -= 1
            spool.delete_if_unused()
        self._spools.clear()
        self._extents.clear()


def _read_extent(extent: Extent, skipped: int, size: int) -> Generator[bytes, None, None]:
    """Read with a descriptor of its own, so that any thread may look at the media."""
    if size <= 0 or extent.spool.path is None:
        return
    with extent.spool.path.open("rb", buffering=0) as file:
        offset, stop = extent.offset + skipped, extent.offset + skipped + size
        while offset < stop:
            block = os.pread(file.fileno(), min(BLOCK, stop - offset), offset)
            if not block:
                raise EOFError("a spool file is shorter than its extents")
            offset += len(block)
            yield block


class MediaStore:
    """Makes spools in one directory, or nowhere when media is discarded."""

    def __init__(self, directory: Path, *, discard: bool) -> None:
        self._directory = directory
        self.discard = discard
        self._made = 0

    def spool(self, name: str) -> Spool:
        """Return a fresh spool."""
        if self.discard:
            return Spool(None)
        self._made += 1
        return Spool(self._directory / f"{self._made:06d}-{name}.media")
