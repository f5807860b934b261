"""Formats numbers and untrusted text for display."""

from rich.cells import cell_len

__all__ = ["bytes_text", "printable", "rate_text", "shortened", "time_text"]

_UNITS = ("KiB", "MiB", "GiB", "TiB")


def bytes_text(size: float) -> str:
    """Format a number of bytes, such as ``12.3 MiB``."""
    if size < 1024:
        return f"{size:.0f} B"
    for unit in _UNITS:
        size /= 1024
        # 999.95 would be rounded to 1000.0, so it gets the next unit.
        if size < 999.95 or unit == _UNITS[-1]:
            break
    return f"{size:.1f} {unit}"


def rate_text(rate: float) -> str:
    """Format a rate in bytes per second, such as ``12.3 MiB/s``."""
    return f"{bytes_text(rate)}/s"


def time_text(seconds: float | None) -> str:
    """Format seconds as ``0:04`` or ``1:02:03``; ``-:--`` if unknown or 100 hours and more."""
    # 359,999 seconds are 99:59:59.
    if seconds is None or seconds > 359_999:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def printable(text: str) -> str:
    """Replace characters that could control the terminal."""
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    # Lone surrogates come from file names that are not valid UTF-8. The output stream escapes them.
    if character.isprintable() or "\ud800" <= character <= "\udfff":
        return character
    return " " if character.isspace() else "?"


def shortened(text: str, width: int) -> str:
    """Shorten the text in its middle to ``width`` columns. A file extension stays visible."""
    if cell_len(text) <= width:
        return text
    room = min(width, len(text))
    while cell_len(cut := _cut(text, room)) > width:
        room -= 1  # Some characters occupy two columns.
    return cut


def _cut(text: str, length: int) -> str:
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"
