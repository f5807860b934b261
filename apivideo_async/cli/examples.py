"""The examples at the end of a help text."""

__all__ = ["examples"]


def examples(*lines: str, before: str = "") -> str:
    """Return an epilog with these command lines, which are not wrapped, after a text."""
    # click keeps the lines of a paragraph that begins with a backspace.
    shown = "\n".join(f"  {line}" for line in lines)
    heading = "Examples:" if len(lines) > 1 else "Example:"
    return f"{before}\n\n\b\n{heading}\n{shown}" if before else f"\b\n{heading}\n{shown}"
