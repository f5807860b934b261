"""Reactions to refused chunks: how an upload changes when the service differs from an assumption.

Theory of operation. The documentation leaves open in which order chunks may arrive, whether every
path to the service accepts byte ranges, parts and open totals, and which sizes pass its gateways
(docs/conformance.md). An upload starts with the assumptions, and a refusal whose error type is not
documented as final is taken as evidence against one of them. The upload then changes, in this
order: the chunk size, if the refusal is about the size; the order of the chunks; bytes or parts;
the total; the chunk size once more. Each change excludes the one before as the cause.

A refusal alone proves nothing. A change enters the profile of the service when a chunk is accepted
that was sent in the changed way. If no change helps, the upload fails with the last refusal.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from ..config import MIB, Mode, UploadLimits
from ..errors import ApiStatusError, RateLimitError
from ..protocol.service_profile import ChunkOrder, ServiceProfile
from .plan import SendMode

__all__ = ["Adaptation", "Learn", "Reaction", "Sent"]

Reaction: TypeAlias = Literal["again", "plan"]
"""Send the chunk again, or divide the source again."""
Learn: TypeAlias = Callable[..., Any]
"""``SharedProfile.learn``."""

LARGEST_GUESS = 128 * MIB
"""Bytes. The official clients use no larger chunks."""
MOST_GUESSES = 2
MOST_TIMEOUTS = 2
"""Response timeouts of an upload whose chunks are sent one by one: one may be a lost response."""
BUSY = frozenset({409, 423, 425})
"""Statuses with which a server can say that another request of the same video is in progress."""
_NOT_ABOUT_ORDER = frozenset({401, 402, 403, 405, 411, 413, 415, 416, 417})
_NOT_ABOUT_FORM = frozenset({401, 402, 403, 404, 413}) | BUSY
# Documented types have one meaning, so these are final. Those of the size are handled before.
_DOCUMENTED = ("video-content-range-", "video-source-", "uploaded-file-", "authentication-")
_ABOUT_FORM = frozenset({"video-content-range-malformed"})
_TRANSFERS: tuple[Mode, Mode] = ("bytes", "part")


@frozen(kw_only=True)
class Sent:
    """How a chunk was sent that the service refused or accepted."""

    number: int
    """Number of the chunk."""
    order: ChunkOrder
    alone: bool
    """True if no other chunk was in progress, and all chunks before it were accepted."""
    mode: SendMode
    total_known: bool
    size: int
    several: bool
    """True if the upload has other chunks that are not accepted."""
    any_accepted: bool
    """True if the service has accepted a chunk of this upload."""
    smaller: bool
    """True if the chunk is smaller than the others, because it is the last one."""


@define(eq=False, kw_only=True)
class Adaptation:
    """How one upload sends its chunks. It is kept when the source is divided again."""

    limits: UploadLimits
    order: ChunkOrder
    mode: Mode | None = field(default=None, init=False)
    """The mode to which a refusal has led, or None."""
    needs_total: bool
    """True if every request must state the total."""
    chunk_size: int | None = field(default=None, init=False)
    """Bytes, if a refusal has led to another size."""
    careful: set[int] = field(factory=set, init=False)
    """Numbers of refused chunks that are sent alone, after all chunks before them."""
    _initial_order: ChunkOrder
    _refused: set[tuple[SendMode, bool]] = field(factory=set, init=False)
    """The combinations of mode and known total that were refused."""
    _unproven: dict[str, tuple[str, dict[str, Any]]] = field(factory=dict, init=False)
    """Quirk: evidence, and the changes of the profile."""
    _timeouts: int = field(default=0, init=False)
    _guesses: int = field(default=0, init=False)
    """How often the chunk size was doubled although the refusal did not name the size."""

    @classmethod
    def of(cls, profile: ServiceProfile, limits: UploadLimits) -> "Adaptation":
        """Create the adaptation of a new upload from the profile of the service."""
        order = profile.chunk_order
        return cls(
            limits=limits,
            order=order,
            initial_order=order,
            needs_total=not profile.unknown_totals,
        )

    def is_about_sending(self, error: ApiStatusError) -> bool:
        """Return True if a refusal may concern how the chunk was sent, not what it contains."""
        slug = error.slug or ""
        documented = slug.startswith(_DOCUMENTED) and slug not in _ABOUT_FORM
        return error.status == 413 or slug.endswith(("too-large", "too-small")) or not documented

    def after_refusal(self, error: ApiStatusError, sent: Sent) -> Reaction | None:
        """Change something, and return what to do. None: the refusal is final."""
        slug = error.slug or ""
        if error.status == 413 or slug.endswith("too-large"):
            return self._shrink(error, sent)
        if slug.endswith("too-small"):
            return self._grow(error, sent)
        if sent.mode == "whole" or not self.is_about_sending(error):
            return None
        if self.mode not in (None, sent.mode) or (sent.order != self.order and not sent.alone):
            # Another refusal has changed this since the chunk was sent.
            return "again"
        if slug not in _ABOUT_FORM and self._narrow(error, sent):
            return "again"
        if sent.any_accepted or error.status in _NOT_ABOUT_FORM:
            return None
        return self._change_form(error, sent)

    def after_rate_limit(self, error: RateLimitError, sent: Sent) -> None:
        """React to a 429 although the budget is not used up: another chunk is in progress."""
        if error.headers.get("x-ratelimit-remaining") != "0":
            self._narrow(error, sent)

    def after_timeout(self, text: str, sent: Sent) -> bool:
        """React to a response that did not come in time. True: wait longer for the next one.

        Requests for one video may wait for each other, so the chunks are sent one by one first.
        """
        if sent.order != self.order:
            return False
        if sent.several and not sent.alone:
            self._set_order("sequential", "one-chunk-at-a-time", text)
            return False
        self._timeouts += 1
        return self._timeouts >= MOST_TIMEOUTS

    def _narrow(self, error: ApiStatusError, sent: Sent) -> bool:
        """Send fewer chunks at once. False if that cannot be the cause.

        A single refusal may have another reason, so it concerns one chunk only.
        """
        if sent.alone or not sent.several or error.status in _NOT_ABOUT_ORDER:
            return False
        first = not self.careful
        self.careful.add(sent.number)
        if first:
            return True
        if self.order == "any" and not sent.any_accepted:
            self._set_order("first_alone", "first-chunk-first", error.reason)
        else:
            busy = isinstance(error, RateLimitError) or error.status in BUSY
            quirk = "one-chunk-at-a-time" if busy else "chunks-in-order"
            self._set_order("sequential", quirk, error.reason)
        return True

    def _set_order(self, order: ChunkOrder, quirk: str, evidence: str) -> None:
        self._forget_order()
        self.order = order
        self._unproven[quirk] = evidence, {"chunk_order": order}

    def _forget_order(self) -> None:
        for quirk, (_, changes) in list(self._unproven.items()):
            if "chunk_order" in changes:
                del self._unproven[quirk]

    def _change_form(self, error: ApiStatusError, sent: Sent) -> Reaction | None:
        """Try bytes or parts, then a known total, then larger chunks."""
        # The order was not the cause.
        self._forget_order()
        self.order = self._initial_order
        self.careful.clear()
        self._refused.add((sent.mode, sent.total_known))
        other = _TRANSFERS[sent.mode == "bytes"]
        if (other, sent.total_known) not in self._refused:
            self._set_mode(other, error)
            return "again"
        if not sent.total_known:
            for mode in _TRANSFERS:
                self._unproven.pop(_NO_MODE[mode][0], None)
            self.mode, self.needs_total = None, True
            self._unproven["no-unknown-totals"] = error.reason, {"unknown_totals": False}
            return "plan"
        if self._guesses == MOST_GUESSES:
            return None
        self._guesses += 1
        return self._grow(error, sent)

    def _set_mode(self, mode: Mode, error: ApiStatusError) -> None:
        self.mode = mode
        self._unproven.pop(_NO_MODE[mode][0], None)
        quirk, setting = _NO_MODE[_TRANSFERS[mode == "bytes"]]
        self._unproven[quirk] = error.reason, {setting: False}

    def _shrink(self, error: ApiStatusError, sent: Sent) -> Reaction | None:
        smaller = max(self.limits.smallest_chunk, sent.size // 2)
        if sent.any_accepted or smaller >= sent.size:
            return None
        if self.chunk_size is None or smaller < self.chunk_size:
            self.chunk_size = smaller
            self._unproven["largest-request"] = error.reason, {"largest_chunk": smaller}
        return "plan"

    def _grow(self, error: ApiStatusError, sent: Sent) -> Reaction | None:
        most = min(LARGEST_GUESS, self.limits.largest_chunk)
        if sent.any_accepted or sent.smaller or sent.size >= most:
            return None
        least = (error.range or {}).get("min")
        larger = least if isinstance(least, int) and least > sent.size else 2 * sent.size
        if self.chunk_size is None or larger > self.chunk_size:
            self.chunk_size = min(most, larger)
            self._unproven["minimum-chunk"] = error.reason, {"smallest_chunk": self.chunk_size}
            # The form was not the cause.
            self.mode = None
            for quirk, _ in _NO_MODE.values():
                self._unproven.pop(quirk, None)
            self._refused.clear()
        return "plan"

    def after_acceptance(self, sent: Sent, learn: Learn) -> None:
        """Record the changes in the profile, if the accepted chunk was sent with all of them."""
        if sent.order != self.order or self.mode not in (None, sent.mode):
            return
        for quirk, (evidence, changes) in self._unproven.items():
            learn(quirk, evidence, **changes)
        self._unproven.clear()


_NO_MODE: dict[Mode, tuple[str, str]] = {
    "bytes": ("no-byte-ranges", "byte_ranges"),
    "part": ("no-parts", "parts"),
}
