"""Computes the costs of sources for each ingestion strategy, and the earliest possible end."""

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from ....config import REQUEST_LIMITS, UploadOptions, resolve_config
from ....errors import SourceError
from ....ingest.items import Item
from ....ingest.uris import parse_uri
from ....uploads.plan import make_plan
from ...console.formatting import bytes_text, time_text
from ...console.terminal import Terminal
from ...session import Session

__all__ = ["Costs", "documented_limits", "windows"]


MINUTE = 60.0


def documented_limits(session: Session) -> dict[str, int]:
    """Return the documented requests per minute by class for the configured environment.

    Raises ``ConfigurationError`` if the environment does not exist.
    """
    settings = session.settings
    asked = resolve_config(environment=settings.environment, base_url=settings.base_url)
    return dict(REQUEST_LIMITS["sandbox" if "sandbox" in asked.base_url else "production"])


def windows(requests: int, per_minute: int) -> float:
    """Return the seconds before the last of ``requests`` can start.

    All requests of the first window can start at once. Each further window begins a minute later.
    """
    return max(0, requests - 1) // per_minute * MINUTE


@define
class _Cost:
    """The costs of one strategy."""

    requests: dict[str, int] = field(factory=lambda: {"uploads": 0, "writes": 0, "reads": 0})
    bytes: int = 0
    """Bytes that pass through this machine."""

    def add(self, *, uploads: int, writes: int, reads: int, size: int = 0) -> None:
        for name, count in (("uploads", uploads), ("writes", writes), ("reads", reads)):
            self.requests[name] += count
        self.bytes += size

    def earliest_end(
        self, limits: Mapping[str, int], bandwidth: int | None
    ) -> tuple[float, str | None]:
        """Return the earliest end in seconds and the name of the limit that causes it, if any."""
        bounds = {name: windows(count, limits[name]) for name, count in self.requests.items()}
        if bandwidth:
            bounds["bandwidth"] = self.bytes / bandwidth
        bound = max(bounds, key=lambda name: bounds[name])
        return bounds[bound], bound if bounds[bound] else None


class Costs:
    """Adds up the costs of sources, one at a time."""

    def __init__(self, upload: UploadOptions, *, keep_key: bool) -> None:
        self._upload = upload
        self._dropping = 0 if keep_key else 1
        self._stream, self._pull = _Cost(), _Cost()
        self._local = 0
        self._unknown_sizes = 0

    @property
    def bytes(self) -> int:
        """The total size of the sources whose size is known."""
        return self._stream.bytes

    def add(self, item: Item) -> None:
        """Add an item that is still to be ingested."""
        chunks = self._chunks(item)
        # One request creates the video; another removes the ingest key from it unless it is kept.
        writes = 1 + self._dropping
        # Reads: the search for the ingest key, and a status check at the end of a chunked upload.
        self._stream.add(uploads=chunks, writes=writes, reads=1 + (chunks > 1), size=item.size or 0)
        # Reads: the search for the ingest key, and at least one poll of the status.
        self._pull.add(uploads=0, writes=writes, reads=2)
        self._local += parse_uri(item.uri).scheme == "file"

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
        said = {}
        for name, cost in (("stream", self._stream), ("pull", self._pull)):
            seconds, bound = cost.earliest_end(limits, bandwidth)
            said[name] = {
                **cost.requests,
                "bytes": cost.bytes,
                "earliestSeconds": seconds,
                "bound": bound,
            }
        # api.video cannot fetch files of this machine.
        return {"limits": dict(limits), **said, **({"pull": None} if self._local else {})}

    def tell(
        self, terminal: Terminal, limits: Mapping[str, int], bandwidth: int | None = None
    ) -> None:
        """Print the costs for people."""
        terminal.result(_sentence("stream", self._stream, limits, bandwidth))
        if self._local:
            terminal.result(f"pull: not possible for {self._local:,} files of this machine")
        else:
            terminal.result(_sentence("pull", self._pull, limits, bandwidth))
        if self._unknown_sizes:
            terminal.note(
                f"{self._unknown_sizes:,} sizes are known only to the store and count as one request each"
            )


def _sentence(name: str, cost: _Cost, limits: Mapping[str, int], bandwidth: int | None) -> str:
    seconds, bound = cost.earliest_end(limits, bandwidth)
    requests = ", ".join(
        f"{count:,} {kind} ({limits[kind]:,} a minute)" for kind, count in cost.requests.items()
    )
    why = f", bounded by {bound}" if bound else ""
    return f"{name}: {requests}; {bytes_text(cost.bytes)} through this machine; not before {time_text(seconds)}{why}"
