"""Which of the files that are found are taken.

Without patterns: files whose extension is a video's (``VIDEO_EXTENSIONS``). With patterns: what one of them matches,
whatever its extension. Hidden files and files that another program is still receiving are never taken.

Patterns are compared with the path below the folder or prefix, without regard to case: ``*`` and ``?`` stand for
characters of one part, ``**/`` for any number of parts, ``[...]`` for one of these characters. A pattern without ``/``
is compared with the name alone, at any depth; a leading ``/`` ties it to the top.
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
        *("mpe", "mpeg", "mpg", "mts", "mxf", "ogm", "ogv", "qt", "rm", "rmvb", "ts", "vob", "webm", "wmv"),
    }
)
"""Files with these extensions are videos."""
_PARTIAL: Final = (".part", ".partial", ".crdownload", ".tmp", ".download", ".filepart", "~")
_WILDCARD: Final = re.compile(r"[*?\[]")


class Selection:
    """A filter for relative paths with ``/`` between their parts."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = [_compiled(pattern) for pattern in patterns]
        bounded = patterns and all("**" not in pattern and "/" in pattern for pattern in patterns)
        self.depth: int | None = max(pattern.strip("/").count("/") for pattern in patterns) if bounded else None
        """Folders below the top that can hold a match; None: any number."""

    def takes(self, path: str) -> bool:
        """Tell whether this file is wanted; its folders have been looked at with :meth:`enters`."""
        name = path.rpartition("/")[2]
        if name.startswith(".") or name.lower().endswith(_PARTIAL):
            return False
        if not self._patterns:
            return name.rpartition(".")[2].lower() in VIDEO_EXTENSIONS
        return any(pattern.fullmatch(path) for pattern in self._patterns)

    def enters(self, path: str) -> bool:
        """Tell whether a folder is to be looked into."""
        if path.rpartition("/")[2].startswith("."):
            return False
        return self.depth is None or path.count("/") < self.depth

    def takes_key(self, key: str) -> bool:
        """Tell whether an object below a prefix is wanted: its "folders" are part of the key."""
        folders = key.split("/")[:-1]
        return not any(folder.startswith(".") for folder in folders) and self.takes(key)


def has_wildcard(path: str) -> bool:
    """Tell whether a path is a pattern."""
    return _WILDCARD.search(path) is not None


def split_wildcard(path: str) -> tuple[str, str]:
    """Split a pattern into the folder that holds every match, and a pattern tied to it."""
    parts = path.split("/")
    first = next(number for number, part in enumerate(parts) if has_wildcard(part))
    return "/".join(parts[:first]) or ("/" if path.startswith("/") else ""), "/" + "/".join(parts[first:])


def _compiled(pattern: str) -> re.Pattern[str]:
    anchored = pattern if "/" in pattern else f"**/{pattern}"
    return re.compile(_expression(anchored.lstrip("/")), re.IGNORECASE | re.DOTALL)


def _expression(pattern: str) -> str:
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", pattern, re.DOTALL)
    return "".join(map(_token, tokens))


def _token(token: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token)
    if known is not None:
        return known
    if len(token) < 2:
        return re.escape(token)
    negated, characters = token[1] == "!", token[1:-1].removeprefix("!")
    # Escaped but for the hyphen, which makes a range.
    return f"[{'^' if negated else ''}{re.escape(characters).replace(chr(92) + '-', '-')}]"
