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
BUSY = frozenset({409, 423, 425, 429})
"""Statuses with which a server can say that another request of the same video is in progress."""
_NOT_ABOUT_ORDER = frozenset({401, 402, 403, 405, 411, 413, 415, 416, 417})
_NOT_ABOUT_FORM = frozenset({401, 402, 403, 404, 413}) | BUSY
# Documented types have one meaning, so these are final. Those of the size are handled before.
_DOCUMENTED = ("video-content-range-", "video-source-", "uploaded-file-", "authentication-")
_ABOUT_FORM = frozenset({"video-content-range-malformed"})
_STARTED: dict[str, Mode] = {
    "video-content-range-started-with-bytes": "bytes",
    "video-content-range-started-with-part": "part",
}
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
    states_total: bool
    """True if the request stated the total, and not ``*``."""
    total_known: bool
    """True if the total is known now, so that the next request can state it."""
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
    """True if every request must state the total. Otherwise, only the last one of a stream does."""
    chunk_size: int | None = field(default=None, init=False)
    """Bytes, if a refusal has led to another size."""
    careful: set[int] = field(factory=set, init=False)
    """Numbers of refused chunks that are sent alone, after all chunks before them."""
    _initial_order: ChunkOrder
    _refused: set[tuple[SendMode, bool]] = field(factory=set, init=False)
    """The combinations of mode and stated total that were refused."""
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
        return None if sent.mode == "whole" else self._change(error, slug, sent)

    def _change(self, error: ApiStatusError, slug: str, sent: Sent) -> Reaction | None:
        """Change the order or the form of the chunks."""
        if self.mode == sent.mode and slug in _STARTED and _STARTED[slug] != sent.mode:
            # A chunk in the form before was accepted meanwhile.
            self._keep_mode(_STARTED[slug])
        # In these three cases, a change was made since the chunk was sent.
        if self.mode not in (None, sent.mode):
            return "again"
        if not self.is_about_sending(error):
            return None
        if sent.order != self.order and not sent.alone:
            return "again"
        if self.needs_total and sent.total_known and not sent.states_total:
            return "again"
        if slug not in _ABOUT_FORM and self._narrow(error, sent):
            return "again"
        if error.status in _NOT_ABOUT_FORM:
            return None
        if not sent.any_accepted:
            return self._change_form(error, sent)
        # The accepted chunk may be the last one, which states the total.
        return None if sent.states_total else self._state_total(error, sent)

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
        busy = error.status in BUSY
        # 409 may also mean that the first chunk is missing.
        if self.order == "any" and not sent.any_accepted and (error.status == 409 or not busy):
            self._set_order("first_alone", "first-chunk-first", error.reason)
        else:
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
        self._refused.add((sent.mode, sent.states_total))
        other = _TRANSFERS[sent.mode == "bytes"]
        if (other, sent.states_total) not in self._refused:
            self._set_mode(other, error)
            return "again"
        if not sent.states_total:
            return self._state_total(error, sent)
        if self._guesses == MOST_GUESSES:
            return None
        self._guesses += 1
        return self._grow(error, sent)

    def _state_total(self, error: ApiStatusError, sent: Sent) -> Reaction | None:
        """State the total in every request. If it is not known, the stream has to end first."""
        if sent.any_accepted and not sent.total_known:
            return None
        self._keep_mode(self.mode)
        self.needs_total = True
        self._unproven["no-unknown-totals"] = error.reason, {"unknown_totals": False}
        if sent.total_known:
            return "again"
        self.mode = None
        return "plan"

    def _keep_mode(self, mode: Mode | None) -> None:
        self.mode = mode
        for quirk, _ in _NO_MODE.values():
            self._unproven.pop(quirk, None)

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
            self._keep_mode(None)
            self._refused.clear()
        return "plan"

    def after_acceptance(self, sent: Sent, learn: Learn) -> None:
        """Record the changes in the profile, if the accepted chunk was sent with all of them."""
        if sent.mode != "whole" and self.mode not in (None, sent.mode):
            # A chunk of another form would now be refused (service.md#upload-errors).
            self._keep_mode(sent.mode)
        if sent.order != self.order or (self.needs_total and not sent.states_total):
            return
        for quirk, (evidence, changes) in self._unproven.items():
            learn(quirk, evidence, **changes)
        self._unproven.clear()


_NO_MODE: dict[Mode, tuple[str, str]] = {
    "bytes": ("no-byte-ranges", "byte_ranges"),
    "part": ("no-parts", "parts"),
}
