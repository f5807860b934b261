"""The options of a check."""

from attrs import field, frozen

from ..config import MIB, positive
from ..errors import ConfigurationError

__all__ = ["CheckOptions"]


def _not_negative(_: object, attribute: object, value: float) -> None:
    if not 0 <= value < float("inf"):
        raise ConfigurationError(f"{getattr(attribute, 'name', '')} must be at least 0")


@frozen(kw_only=True)
class CheckOptions:
    """How long a check waits and how much it sends. Times are in seconds.

    Raises ``ConfigurationError`` for a number that cannot be used.
    """

    settle: float = field(default=30.0, validator=_not_negative)
    """Longest delay of a status, a list or a new video that is measured."""
    late: float = field(default=5.0, validator=_not_negative)
    """How long to look for a request whose connection was closed before its response."""
    pause: float = field(default=1.0, validator=positive)
    """How long a chunk must be unanswered to count as waiting for another one, at least."""
    window: float = field(default=65.0, validator=_not_negative)
    """Longest wait for the end of a window of the rate limit. 0: the window is not probed."""
    largest: int = field(default=64 * MIB, validator=_not_negative)
    """Bytes of the largest request to try: by default, the largest chunk that an upload uses
    while requests are not scarce. 0: large requests are not tried."""
