"""Decides which of the found files are wanted, and reports the wanted ones that are left out.

Without patterns, files with the extension of a video format (``VIDEO_EXTENSIONS``) are wanted. With
patterns, files that match one of them are wanted, whatever their extension is. Hidden files and
files that another program is still receiving are never wanted.

Patterns are compared with the path below the folder or prefix, ignoring case. ``*`` and ``?`` match
characters of one path part, ``**/`` matches any number of parts, and ``[...]`` matches one of the
characters. A pattern without ``/`` is compared with the name alone, at any depth. A leading ``/``
anchors the pattern at the top.
"""

import logging
import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

__all__ = [
    "VIDEO_EXTENSIONS",
    "OnProblem",
    "Selection",
    "has_wildcard",
    "log",
    "log_problem",
    "matcher",
    "split_wildcard",
]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

OnProblem: TypeAlias = Callable[[str], object]
"""Called with a sentence for each wanted source that is left out."""

VIDEO_EXTENSIONS: Final = frozenset(
    (  # noqa: SIM905  (a list of literals would have one line for each)
        "3g2 3gp asf avi divx dv f4v flv m1v m2t m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mts mxf "
        "ogm ogv qt rm rmvb ts vob webm wmv"
    ).split()
)
"""Extensions of video files, in lower case."""
_PARTIAL: Final = (".part", ".partial", ".crdownload", ".tmp", ".download", ".filepart", "~")
"""Suffixes of files that another program is still receiving."""


def log_problem(text: str) -> None:
    """Log a problem, for callers without ``on_problem``."""
    log.warning("%s", text, extra={"event": "left_out"})


class Selection:
    """A filter for relative paths with ``/`` between their parts."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = [_compile(pattern) for pattern in patterns]
        self.depth: int | None = None
        """Levels of folders below the top that can contain a match; None for any number."""
        # A pattern with ``**``, or without ``/``, matches at any depth.
        if patterns and all("/" in pattern and "**" not in pattern for pattern in patterns):
            self.depth = max(pattern.strip("/").count("/") for pattern in patterns)

    def matches(self, path: str) -> bool:
        """Return True if a file is wanted; its folders are checked by :meth:`may_contain`."""
        name = path.rpartition("/")[2]
        if name.startswith(".") or name.lower().endswith(_PARTIAL):
            return False
        if not self._patterns:
            return name.rpartition(".")[2].lower() in VIDEO_EXTENSIONS
        return any(pattern.fullmatch(path) for pattern in self._patterns)

    def may_contain(self, path: str) -> bool:
        """Return True if a folder can contain wanted files."""
        if path.rpartition("/")[2].startswith("."):
            return False
        return self.depth is None or path.count("/") < self.depth

    def matches_key(self, key: str) -> bool:
        """Return True if an object below a prefix is wanted. Its folders are checked, too."""
        folders = key.split("/")[:-1]
        return not any(folder.startswith(".") for folder in folders) and self.matches(key)


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a function that is true for a path whose end matches one of the patterns."""
    compiled = [_compile(f"**/{pattern.lstrip('/')}") for pattern in patterns]
    return lambda path: any(pattern.fullmatch(path.lstrip("/")) for pattern in compiled)


def has_wildcard(path: str) -> bool:
    """Return True if a path is a pattern."""
    return any(character in path for character in "*?[")


def split_wildcard(path: str) -> tuple[str, str]:
    """Split a pattern into the folder of all matches and a pattern anchored in that folder."""
    parts = path.split("/")
    first = next(number for number, part in enumerate(parts) if has_wildcard(part))
    top = "/" if path.startswith("/") else ""
    return "/".join(parts[:first]) or top, "/" + "/".join(parts[first:])


def _compile(pattern: str) -> re.Pattern[str]:
    anchored = pattern.lstrip("/") if "/" in pattern else f"**/{pattern}"
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", anchored, re.DOTALL)
    return re.compile("".join(map(_translate, tokens)), re.IGNORECASE | re.DOTALL)


_WILDCARDS: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _translate(token: str) -> str:
    if token in _WILDCARDS:
        return _WILDCARDS[token]
    if len(token) == 1:
        return re.escape(token)
    negation = "^" if token[1] == "!" else ""
    # All characters are escaped except the hyphen, which denotes a range.
    characters = re.escape(token[1:-1].removeprefix("!")).replace(r"\-", "-")
    return f"[{negation}{characters}]"
