"""Moments of a video, as the API writes them."""

from datetime import timedelta

from ..errors import ConfigurationError

__all__ = ["timecode"]

MILLISECOND = timedelta(milliseconds=1)


def timecode(value: str | timedelta) -> str:
    """Write a ``timedelta`` as ``HH:MM:SS.mmm``; a text goes as it is, because more forms exist.

    See service.md#time-codes.

    Raises ``ConfigurationError`` for a negative one.
    """
    if isinstance(value, str):
        return value
    if value < timedelta():
        raise ConfigurationError(f"a timecode counts from the start of the video, so it is not {value}")
    seconds, milliseconds = divmod(round(value / MILLISECOND), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"
