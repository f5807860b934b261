"""An entry of the journal: what it holds, how it is checked, and whether a file is its file."""

import json
from typing import Any, TypeAlias, get_args

from attrs import asdict, frozen

from .ledger import LedgerSnapshot
from .plan import Chunk, SendMode

__all__ = ["Fingerprint", "JournalEntry", "parse_entry", "same_content"]

VERSION = 1
HINTS = frozenset({"path", "inode", "mtime_ns"})
"""The values of a fingerprint that do not describe the content."""
LARGEST = 2**63
"""Above the size of any file."""

Fingerprint: TypeAlias = dict[str, Any]


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

    def to_json(self) -> str:
        """Return the text of the file."""
        return json.dumps({"version": VERSION, **asdict(self)})


def same_content(first: Fingerprint, second: Fingerprint) -> bool:
    """True if two fingerprints describe the same bytes, as far as they describe them.

    Entries of an earlier version have fewer samples, so only values that both have are compared.
    """
    common = first.keys() & second.keys() - HINTS
    return bool(common) and all(first[key] == second[key] for key in common)


def parse_entry(text: str, base_url: str) -> JournalEntry:
    """Parse and check an entry of the server ``base_url``. Raises ``ValueError`` with the reason.

    A wrong entry would mix the bytes of two files, or complete a video with missing bytes.
    """
    raw = _json_object(text)
    if raw.get("version") != VERSION:
        raise ValueError(f"its version is not {VERSION}")
    if raw.get("base_url") != base_url:
        raise ValueError("it is of another server")
    fingerprint, video_id = raw.get("fingerprint"), raw.get("video_id")
    if not isinstance(fingerprint, dict) or not _is_count(fingerprint.get("size")):
        raise ValueError("it does not describe the file")
    if not isinstance(video_id, str) or not video_id.isprintable() or not video_id.strip(" /."):
        raise ValueError("it names no video")
    if raw.get("mode") not in get_args(SendMode) or not _is_count(raw.get("chunk_size")):
        raise ValueError("its mode or chunk size is impossible")
    return JournalEntry(
        fingerprint=fingerprint,
        base_url=base_url,
        video_id=video_id,
        mode=raw["mode"],
        chunk_size=raw["chunk_size"],
        accepted=_accepted(raw, fingerprint["size"]),
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if isinstance(raw, dict):
        return raw
    raise ValueError("it is not a JSON object")


def _accepted(raw: dict[str, Any], total: int) -> tuple[tuple[int, int, int], ...]:
    """Return the accepted chunks. Raises ``ValueError`` if they do not fit the file."""
    rows, stop, numbers = raw.get("accepted"), 0, set[int]()
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise ValueError("its list of chunks is damaged")
    for number, start, size in sorted(rows, key=lambda row: row[1]):
        regular = raw["mode"] != "part" or (
            start == (number - 1) * raw["chunk_size"]
            and (size == raw["chunk_size"] or start + size == total)
        )
        if start < stop or start + size > total or number in numbers or not regular:
            raise ValueError("its chunks do not fit the file")
        stop = start + size
        numbers.add(number)
    return tuple((number, start, size) for number, start, size in rows)


def _is_row(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 3
        and _is_count(row[0])
        and (row[1] == 0 or _is_count(row[1]))
        and type(row[1]) is int
        and _is_count(row[2])
    )


def _is_count(value: object) -> bool:
    # A bool is an int, too.
    return type(value) is int and 0 < value < LARGEST
