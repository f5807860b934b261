"""Positions in a video, in the form that the API expects."""

from datetime import timedelta

from ..errors import ConfigurationError

__all__ = ["timecode"]

MILLISECOND = timedelta(milliseconds=1)


def timecode(value: str | timedelta) -> str:
    """Return a ``timedelta`` as ``HH:MM:SS.mmm``. Text is returned unchanged.

    Text can have other forms, such as frame numbers. See service.md#time-codes.

    Raises ``ConfigurationError`` for a negative ``timedelta``.
    """
    if isinstance(value, str):
        return value
    if value < timedelta():
        raise ConfigurationError(
            f"a timecode counts from the start of the video, so it is not {value}"
        )
    seconds, milliseconds = divmod(round(value / MILLISECOND), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"
