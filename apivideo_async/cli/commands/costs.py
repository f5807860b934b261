"""Computes the requests, bytes and minimum time of an ingestion, for each strategy."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from attrs import define, field

from ...config import REQUEST_LIMITS, UploadOptions
from ...errors import SourceError
from ...ingest.items import Item
from ...ingest.uris import parse_uri
from ...uploads.plan import make_plan
from ..console.formatting import bytes_text, time_text
from ..console.terminal import Terminal
from ..session import Session

__all__ = ["Costs", "documented_limits", "minimum_seconds", "minimum_text"]

MINUTE = 60.0


def documented_limits(session: Session) -> dict[str, int]:
    """Return the environment's requests per minute by class. Raises ``ConfigurationError``."""
    config = session.settings.resolve(needs_key=False)
    return dict(REQUEST_LIMITS["sandbox" if "sandbox" in config.base_url else "production"])


def minimum_seconds(requests: int, per_minute: int) -> float:
    """Return the seconds before the last request can start: each window has one minute."""
    return max(0, requests - 1) // per_minute * MINUTE


def minimum_text(seconds: float, bound: str | None) -> str:
    """Describe the minimum time and the limit that causes it."""
    if not seconds:
        return "limited only by the connection"
    return f"takes at least {time_text(seconds)}, limited by {bound}"


@define
class _Cost:
    requests: Counter[str] = field(factory=lambda: Counter(uploads=0, writes=0, reads=0))
    bytes: int = 0
    """Bytes that pass through this machine."""

    def minimum(self, limits: Mapping[str, int], bandwidth: int | None) -> tuple[float, str | None]:
        """Return the minimum time in seconds and the name of the limit that causes it, if any."""
        bounds = {
            name: minimum_seconds(count, limits[name]) for name, count in self.requests.items()
        }
        if bandwidth:
            bounds["bandwidth"] = self.bytes / bandwidth
        bound = max(bounds, key=lambda name: bounds[name])
        return bounds[bound], bound if bounds[bound] else None

    def document(self, limits: Mapping[str, int], bandwidth: int | None) -> dict[str, Any]:
        seconds, bound = self.minimum(limits, bandwidth)
        return {**self.requests, "bytes": self.bytes, "earliestSeconds": seconds, "bound": bound}

    def text(self, limits: Mapping[str, int], bandwidth: int | None) -> str:
        seconds, bound = self.minimum(limits, bandwidth)
        requests = ", ".join(
            f"{count:,} {name} ({limits[name]:,} a minute)" for name, count in self.requests.items()
        )
        amount = f"{bytes_text(self.bytes)} through this machine"
        return f"{requests}; {amount}; {minimum_text(seconds, bound)}"


@define
class Costs:
    """Adds up the costs of items, one at a time."""

    _upload: UploadOptions
    _keep_key: bool
    _stream: _Cost = field(factory=_Cost, init=False)
    _pull: _Cost = field(factory=_Cost, init=False)
    _local_files: int = field(default=0, init=False)
    _unknown_sizes: int = field(default=0, init=False)

    @property
    def bytes(self) -> int:
        """The total size of the items whose size is known."""
        return self._stream.bytes

    def add(self, item: Item) -> None:
        """Add an item that is still to be ingested."""
        chunks = self._chunks(item)
        # One request creates the video; another removes the ingest key from it unless it is kept.
        writes = 1 if self._keep_key else 2
        # Reads: the search for the ingest key, and a status check at the end of a chunked upload.
        self._stream.requests.update(uploads=chunks, writes=writes, reads=1 + (chunks > 1))
        self._stream.bytes += item.size or 0
        # Reads: the search for the ingest key, and at least one poll of the status.
        self._pull.requests.update(writes=writes, reads=2)
        self._local_files += parse_uri(item.uri).scheme == "file"

    def _chunks(self, item: Item) -> int:
        if item.size is None:
            self._unknown_sizes += 1
            return 1
        try:
            return make_plan(item.size, self._upload).parts
        except SourceError:
            return 0  # An empty or too large file fails before any request.

    def document(self, limits: Mapping[str, int], bandwidth: int | None = None) -> dict[str, Any]:
        """Return the costs as a JSON document."""
        # api.video cannot fetch files of this machine.
        pull = None if self._local_files else self._pull.document(limits, bandwidth)
        stream = self._stream.document(limits, bandwidth)
        return {"limits": dict(limits), "stream": stream, "pull": pull}

    def write(
        self, terminal: Terminal, limits: Mapping[str, int], bandwidth: int | None = None
    ) -> None:
        """Write the costs as text."""
        terminal.result(f"stream: {self._stream.text(limits, bandwidth)}")
        if self._local_files:
            terminal.result(
                f"pull: not possible, because {self._local_files:,} files are on this machine"
            )
        else:
            terminal.result(f"pull: {self._pull.text(limits, bandwidth)}")
        if self._unknown_sizes:
            terminal.note(
                f"the size of {self._unknown_sizes:,} items is not known before they are opened; "
                "each counts as one request"
            )
