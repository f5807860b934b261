"""Numbers and foreign text as people read them."""

import re

from rich.cells import cell_len

__all__ = ["bytes_text", "printable", "rate_text", "readable", "shortened", "time_text"]

_CONNECT = re.compile(r"Connect call failed \([^)]*\)")
_UNITS = ("KiB", "MiB", "GiB", "TiB")


def bytes_text(size: float) -> str:
    """``12.3 MiB``."""
    if size < 1024:
        return f"{size:.0f} B"
    for unit in _UNITS:
        size /= 1024
        if size < 999.95 or unit == _UNITS[-1]:
            break
    return f"{size:.1f} {unit}"


def rate_text(rate: float) -> str:
    """``12.3 MiB/s``."""
    return f"{bytes_text(rate)}/s"


def time_text(seconds: float | None) -> str:
    """``0:04``, ``1:02:03``, or dashes when it is not known."""
    if seconds is None or seconds > 359_999:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def readable(text: str) -> str:
    """Replace asyncio's words for a connection that failed, which name the address a second time."""
    return _CONNECT.sub("no connection", text)


def printable(text: str) -> str:
    """Replace what could steer the terminal; lone surrogates of odd file names stay for the encoder."""
    return "".join(c if c.isprintable() or "\ud800" <= c <= "\udfff" else " " if c.isspace() else "?" for c in text)


def shortened(text: str, width: int) -> str:
    """Cut the middle to this many columns, so that the end of a file name stays visible."""
    if cell_len(text) <= width:
        return text
    room = min(width, len(text))
    while cell_len(cut := _cut(text, room)) > width:
        room -= 1  # Some letters take two columns.
    return cut


def _cut(text: str, length: int) -> str:
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"
