"""The catalogue of quirks: names, values, and what each one changes. Pure.

A quirk is a plausible behaviour of the service that differs from the assumption of the emulator
(service.md#open-questions). A client must be able to work with each of them.
"""

import math
import re
from typing import Any, Literal, TypeAlias

from attrs import frozen

__all__ = ["CATALOGUE", "Quirk", "QuirkValue", "read_quirk"]

QuirkValue: TypeAlias = bool | str | float
"""True for a quirk without a value, a text for one of several values, or a number."""

# The statuses of ``gateway-response``, with which gateways and proxies answer in HTML.
_GATEWAY_STATUSES = ("403", "404", "409", "425", "499", "520", "524")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@frozen
class Quirk:
    """One quirk. ``kind`` is the kind of its value; ``flag`` means that it has none.

    ``choices`` are the values of the kind ``choice``, and ``default`` is the one that a quirk has
    if no value is given.
    """

    name: str
    summary: str
    kind: Literal["flag", "choice", "seconds", "bytes"] = "flag"
    choices: tuple[str, ...] = ()
    default: str | None = None

    @property
    def usage(self) -> str:
        """The quirk with its values, such as ``chunks-in-order[=400|409|422]``."""
        if self.kind == "flag":
            return self.name
        if self.kind != "choice":
            return f"{self.name}={self.kind.upper()}"
        values = "=" + "|".join(self.choices)
        return self.name + (values if self.default is None else f"[{values}]")

    def read(self, value: Any) -> QuirkValue:
        """Return a value in its usual type; None and True stand for no value.

        Raises ``ValueError`` if the quirk does not have the value.
        """
        if value is None or value is True:
            value = self.default if self.kind == "choice" else None
            if value is None and self.kind != "flag":
                raise ValueError(f"the quirk {self.name} needs a value: {self.usage}")
            return True if value is None else str(value)
        if self.kind == "flag":
            raise ValueError(f"the quirk {self.name} has no value")
        text = str(value)
        if self.kind == "choice":
            if text not in self.choices:
                raise self._illegal(text, f"one of {', '.join(self.choices)}")
            return text
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        if self.kind == "seconds":
            if not number < math.inf:
                raise self._illegal(text, "a number of seconds")
            return number
        if not (number >= 1 and number == int(number)):
            raise self._illegal(text, "a number of bytes, at least 1")
        return int(number)

    def _illegal(self, text: str, expected: str) -> ValueError:
        return ValueError(f"the value of the quirk {self.name} is {expected}, not {text!r}")


def read_quirk(name: str, value: Any) -> QuirkValue:
    """Return the value of the quirk ``name``. Raises ``ValueError`` for a wrong name or value."""
    if name not in CATALOGUE:
        raise ValueError(f"unknown quirk {name!r}; the quirks are {', '.join(CATALOGUE)}")
    return CATALOGUE[name].read(value)


_UPLOADS = (
    Quirk(
        "chunks-in-order",
        "A chunk that does not follow the last accepted one is refused, with an unknown type.",
        "choice",
        ("400", "409", "422"),
        "400",
    ),
    Quirk(
        "one-chunk-at-a-time",
        "While a chunk of a video is received, others of the video are refused, or they wait.",
        "choice",
        ("409", "423", "429", "wait"),
        "409",
    ),
    Quirk(
        "first-chunk-first",
        "Other chunks are refused until the first one was accepted.",
        "choice",
        ("400", "404", "409"),
        "400",
    ),
    Quirk("no-byte-ranges", "Chunks that state a byte range are refused."),
    Quirk("no-parts", "Chunks that state a part number are refused."),
    Quirk("no-unknown-totals", "Chunks that leave the total open (*) are refused."),
    Quirk(
        "minimum-chunk",
        "Chunks of new videos below this size are refused, except the last.",
        "bytes",
    ),
    Quirk("largest-request", "A gateway refuses larger requests with 413 in HTML.", "bytes"),
    Quirk(
        "upload-response",
        "The response to a chunk: the id only, {}, another status, or always the full video.",
        "choice",
        ("id", "empty", "204", "202", "308", "full"),
    ),
)
_STATUS = (
    Quirk("status-delay", "The status of an upload is older by these seconds.", "seconds"),
    Quirk("status-without-ranges", "The status does not list the received chunks."),
    Quirk("status-without-size", "The status has no file size."),
    Quirk(
        "status-uploading",
        'The status stays "uploading" for these seconds after the upload is complete.',
        "seconds",
    ),
    Quirk("status-merged-ranges", "The status lists adjacent byte ranges as one."),
    Quirk("status-number-strings", "The numbers in the status are texts."),
)
_LISTS = (
    Quirk("list-delay", "A new video appears in lists after these seconds.", "seconds"),
    Quirk("list-ignores-metadata", "Lists of videos ignore the filter by metadata."),
    Quirk("metadata-modified", "Metadata values are stored in upper case with a space added."),
    Quirk("new-video-delay", "A new video and its status are 404 for these seconds.", "seconds"),
)
_RATE = (
    Quirk(
        "rate-headers",
        "The rate limit headers: missing, in part, 0 seconds on success, a Unix time, only the "
        "standard Retry-After of a 429 in seconds or as a date, or -1.",
        "choice",
        ("absent", "partial", "zero", "timestamp", "standard", "standard-date", "unlimited"),
    ),
    Quirk(
        "rate-window",
        "The rate limit counts in a sliding window, or in a token bucket.",
        "choice",
        ("sliding", "token-bucket"),
    ),
)
_GATEWAYS = (
    Quirk("problem-json", "Errors have the content type application/problem+json."),
    Quirk(
        "gateway-response",
        "A gateway answers one upload request of each video in HTML, before or after the service "
        "executed it.",
        "choice",
        tuple(
            f"{status}{moment}"
            for status in _GATEWAY_STATUSES
            for moment in ("", "-before", "-after")
        ),
    ),
    Quirk(
        "late-chunk",
        "One chunk of each video is executed these seconds after its connection was lost.",
        "seconds",
    ),
    Quirk(
        "late-creation",
        "One creation of a video is executed these seconds after its connection was lost.",
        "seconds",
    ),
    Quirk("delivered-twice", "A proxy delivers each creation of a video and each upload twice."),
    Quirk(
        "private-urls", "Private players and live streams have the URLs of the vendor's library."
    ),
)
CATALOGUE: dict[str, Quirk] = {
    quirk.name: quirk for quirk in (*_UPLOADS, *_STATUS, *_LISTS, *_RATE, *_GATEWAYS)
}
"""All quirks by name."""
