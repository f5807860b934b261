"""The settings of the emulated service."""

import secrets
from collections.abc import Mapping

from attrs import define, field

from .quirks.quirk_set import QuirkSet
from .rules.encoding import EncodingPace, parse_pace
from .rules.ranges import Limits
from .rules.rate_windows import RateClass, parse_rate_limits

__all__ = ["Settings"]


def _given_key(key: str | None) -> str:
    return secrets.token_hex(16) if key is None else key


@define(kw_only=True, eq=False, repr=False, slots=False)
class Settings:
    """The settings, which ``Emulator`` describes."""

    api_key: str = field(default=None, converter=_given_key)
    discard: bool = False
    rate_limits: str | Mapping[str, int] = "off"
    rate_window: float = 60.0
    token_lifetime: float = 3600.0
    encoding: str | float = "immediate"
    given_seed: int | None = field(default=None, alias="seed")
    min_chunk: int = 5 * 1024 * 1024
    max_chunk: int = 200 * 1024 * 1024
    invalid_key_status: int = 400
    video_restore: bool = False
    allow_network: bool = False
    webhook_pause: float = 3.0
    webhook_timeout: float = 10.0
    webhook_limit: int = 100
    analytics_days: int = 30
    quirks: QuirkSet = field(factory=QuirkSet, converter=QuirkSet)

    # Computed from the settings. ``seed`` is random if none was given.
    requests_per_window: Mapping[RateClass, int] | None = field(init=False)
    encoding_pace: EncodingPace = field(init=False)
    seed: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        if not self.api_key:
            raise ValueError("api_key is empty; leave it out for a random one")
        if self.invalid_key_status not in {400, 401}:
            raise ValueError("invalid_key_status is 400 or 401")
        self.requests_per_window = parse_rate_limits(self.rate_limits)
        self.encoding_pace = parse_pace(self.encoding)
        self.seed = secrets.randbits(64) if self.given_seed is None else self.given_seed

    @property
    def upload_limits(self) -> Limits:
        """The limits of chunks. Videos keep those that applied when they were created."""
        smallest = max(self.min_chunk, int(self.quirks.number("minimum-chunk")))
        return Limits(smallest, self.max_chunk)

    @property
    def environment(self) -> str:
        """The environment that ``/account`` reports."""
        return "sandbox" if self.rate_limits == "sandbox" else "production"
