"""Progress of an upload: sent and accepted bytes, the rate and the remaining time.

The server has the *accepted* bytes. Their number never falls. *Sent* bytes are the accepted ones
and those of the attempts in progress that have left this machine. Their number falls when an
attempt fails, because they must be sent again. It is therefore never below the accepted bytes, and
equals the total at the end, whatever happened before.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from attrs import field, frozen

from .ledger import ChunkState
from .plan import Chunk

__all__ = ["Meter", "OnProgress", "UploadProgress"]

RATE_WINDOW = 5.0
"""Default length of the time window for the rate, in seconds."""


@frozen(kw_only=True)
class UploadProgress:
    """The state of an upload, passed to ``on_progress``."""

    video_id: str | None
    bytes_total: int | None
    """Size of the source, or None until a stream has ended."""
    bytes_sent: int
    """Bytes that have left this machine. Where the system does not count them (elsewhere than on
    Linux), up to 0.2 MiB per connection are in a buffer of the system."""
    bytes_accepted: int
    rate: float
    """Bytes per second, over the last five seconds."""
    eta: float | None
    """Seconds left at this rate, or None if unknown."""
    elapsed: float
    """Seconds since the upload began."""
    chunks: Mapping[ChunkState, int]
    """Number of chunks in each state."""
    # Reports are compared to find changes; ``chunks`` and the numbers of bytes suffice for that.
    chunk_states: tuple[tuple[Chunk, ChunkState], ...] = field(default=(), eq=False, repr=False)
    """The chunks of this call with their states.

    Bytes of no chunk were received before this call, or are chunks of a stream that are not read
    yet.
    """

    @property
    def fraction(self) -> float | None:
        """Accepted share of the total, 0 to 1, or None if the total is unknown."""
        return self.bytes_accepted / self.bytes_total if self.bytes_total else None

    @property
    def finished(self) -> bool:
        """True if the server has every byte."""
        return self.bytes_total is not None and self.bytes_accepted == self.bytes_total


OnProgress: TypeAlias = Callable[[UploadProgress], Awaitable[None] | None]
"""A plain or async function. Its exception ends the upload, which can be resumed later."""


class Meter:
    """Counts bytes and their rate. ``received`` bytes are counted, but not in the rate."""

    def __init__(self, now: float, received: int = 0, *, window: float = RATE_WINDOW) -> None:
        self.started = now
        self._window = window
        self.sent: int = received
        self._samples: deque[tuple[float, int]] = deque([(now, received)])

    def add(self, count: int, now: float) -> None:
        """Count bytes; a negative number subtracts. ``now`` is a time in seconds."""
        self.sent += count
        # Keep at most about 50 samples in the window, however often blocks are sent.
        if now - self._samples[-1][0] >= self._window / 50:
            self._samples.append((now, self.sent))
            # Keep one sample at or before the start of the window as the base of the rate.
            while len(self._samples) > 2 and now - self._samples[1][0] > self._window:
                self._samples.popleft()

    def skip(self, count: int) -> None:
        """Count bytes without an effect on the rate."""
        self.sent += count
        self._samples = deque((at, sent + count) for at, sent in self._samples)

    def rate(self, now: float) -> float:
        """Return the rate in bytes per second over the last ``window`` seconds."""
        since, before = self._samples[0]
        return max(0.0, (self.sent - before) / (now - since)) if now > since else 0.0

    def eta(self, now: float, total: int | None) -> float | None:
        """Return the seconds until all is sent. None: not known, or only responses are missing."""
        rate = self.rate(now)
        if total is None or rate <= 0 or total <= self.sent:
            return None
        return (total - self.sent) / rate
