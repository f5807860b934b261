"""Decides which of the found files are wanted.

Without patterns, files with the extension of a video format (``VIDEO_EXTENSIONS``) are wanted. With
patterns, files that match one of them are wanted, whatever their extension is. Hidden files and
files that another program is still receiving are never wanted.

Patterns are compared with the path below the folder or prefix, ignoring case. ``*`` and ``?`` match
characters of one path part, ``**/`` matches any number of parts, and ``[...]`` matches one of the
characters. A pattern without ``/`` is compared with the name alone, at any depth. A leading ``/``
anchors the pattern at the top.
"""

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["VIDEO_EXTENSIONS", "Selection", "has_wildcard", "split_wildcard"]

VIDEO_EXTENSIONS: Final = frozenset(
    {
        *(
            "3g2",
            "3gp",
            "asf",
            "avi",
            "divx",
            "dv",
            "f4v",
            "flv",
            "m1v",
            "m2t",
            "m2ts",
            "m2v",
            "m4v",
            "mkv",
            "mov",
            "mp4",
        ),
        *(
            "mpe",
            "mpeg",
            "mpg",
            "mts",
            "mxf",
            "ogm",
            "ogv",
            "qt",
            "rm",
            "rmvb",
            "ts",
            "vob",
            "webm",
            "wmv",
        ),
    }
)
"""Extensions of video files, in lower case."""
_PARTIAL: Final = (".part", ".partial", ".crdownload", ".tmp", ".download", ".filepart", "~")
"""Suffixes of files that another program is still receiving."""
_WILDCARD: Final = re.compile(r"[*?\[]")


class Selection:
    """A filter for relative paths with ``/`` between their parts."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = [_compiled(pattern) for pattern in patterns]
        # A pattern with ``**``, or without ``/``, matches at any depth.
        bounded = patterns and all("**" not in pattern and "/" in pattern for pattern in patterns)
        self.depth: int | None = (
            max(pattern.strip("/").count("/") for pattern in patterns) if bounded else None
        )
        """Levels of folders below the top that can contain a match; None for any number."""

    def takes(self, path: str) -> bool:
        """Return True if this file is wanted. The caller checks its folders by :meth:`enters`."""
        name = path.rpartition("/")[2]
        if name.startswith(".") or name.lower().endswith(_PARTIAL):
            return False
        if not self._patterns:
            return name.rpartition(".")[2].lower() in VIDEO_EXTENSIONS
        return any(pattern.fullmatch(path) for pattern in self._patterns)

    def enters(self, path: str) -> bool:
        """Return True if a folder can contain wanted files."""
        if path.rpartition("/")[2].startswith("."):
            return False
        return self.depth is None or path.count("/") < self.depth

    def takes_key(self, key: str) -> bool:
        """Return True if an object below a prefix is wanted.

        The folders of an object are part of its key, so they are checked here as well.
        """
        folders = key.split("/")[:-1]
        return not any(folder.startswith(".") for folder in folders) and self.takes(key)


def has_wildcard(path: str) -> bool:
    """Return True if a path is a pattern."""
    return _WILDCARD.search(path) is not None


def split_wildcard(path: str) -> tuple[str, str]:
    """Split a pattern into the folder of all matches and a pattern anchored in that folder."""
    parts = path.split("/")
    first = next(number for number, part in enumerate(parts) if has_wildcard(part))
    return "/".join(parts[:first]) or ("/" if path.startswith("/") else ""), "/" + "/".join(
        parts[first:]
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    """Return the regular expression for a pattern."""
    anchored = pattern if "/" in pattern else f"**/{pattern}"
    return re.compile(_expression(anchored.lstrip("/")), re.IGNORECASE | re.DOTALL)


def _expression(pattern: str) -> str:
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", pattern, re.DOTALL)
    return "".join(map(_token, tokens))


def _token(token: str) -> str:
    """Return the regular expression for one token of a pattern."""
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token)
    if known is not None:
        return known
    if len(token) < 2:
        return re.escape(token)
    negated, characters = token[1] == "!", token[1:-1].removeprefix("!")
    # All characters are escaped except the hyphen, which denotes a range.
    return f"[{'^' if negated else ''}{re.escape(characters).replace(chr(92) + '-', '-')}]"
