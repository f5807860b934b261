"""Quirks that concern chunks and the responses to them. Pure."""

from typing import Literal, TypeAlias

from ..rules.problems import RefusedError, not_found, refuse
from ..rules.ranges import ContentRange
from ..rules.source_ledger import SourceLedger
from .quirk_set import QuirkSet

__all__ = ["check_header", "check_order", "refused_turn", "upload_response"]

Body: TypeAlias = Literal["video", "id", "empty", "none"]
"""The whole video, an object with the ``videoId``, ``{}``, or no body."""
_RESPONSES: dict[str | None, tuple[int, Body]] = {
    "id": (201, "id"),
    "empty": (201, "empty"),
    "204": (204, "none"),
    "202": (202, "id"),
    "full": (201, "video"),
}
# Types that the documents do not contain: a client must not depend on the type.
_OUT_OF_ORDER = ("upload-chunk-out-of-order", "The chunk does not follow the previous one.")
_FIRST_MISSING = ("upload-first-chunk-missing", "The first chunk of this video is missing.")
_BUSY = ("upload-in-progress", "Another chunk of this video is being received.")


def _unknown_type(status: int, slug_and_title: tuple[str, str]) -> RefusedError:
    slug, title = slug_and_title
    kind = f"https://docs.api.video/reference/{slug}"
    return RefusedError(status, {"type": kind, "title": title, "status": status})


def check_header(quirks: QuirkSet, chunk: ContentRange | None) -> None:
    """Raise a refusal if the service does not accept this form of ``Content-Range``."""
    if chunk is None:
        return
    unit = "no-byte-ranges" if chunk.unit == "bytes" else "no-parts"
    if unit in quirks or (chunk.total is None and "no-unknown-totals" in quirks):
        raise refuse("video-content-range-malformed")


def check_order(quirks: QuirkSet, ledger: SourceLedger, chunk: ContentRange | None) -> None:
    """Raise a refusal if the chunk may not be sent yet, after the chunks in ``ledger``."""
    in_order, status = quirks.choice("chunks-in-order"), quirks.choice("first-chunk-first")
    if chunk is None or not (in_order or status):
        return
    next_unit = 0 if ledger.chunks is None else ledger.chunks.first_gap
    if in_order and chunk.start != next_unit:
        raise _unknown_type(int(in_order), _OUT_OF_ORDER)
    if status and chunk.start > 0 and next_unit == 0:
        if status == "404":
            raise not_found("videoId")
        raise _unknown_type(int(status), _FIRST_MISSING)


def refused_turn(status: str) -> RefusedError:
    """Return the refusal of a chunk while another one of its video is received."""
    return refuse("too-many-requests") if status == "429" else _unknown_type(int(status), _BUSY)


def upload_response(style: str | None, *, complete: bool) -> tuple[int, Body]:
    """Return status and body of the response to an accepted chunk (service.md#upload-responses).

    ``style`` is the value of the quirk ``upload-response``, or None.
    """
    usual: tuple[int, Body] = (201, "video" if complete else "id")
    if style == "308":
        return usual if complete else (308, "id")
    return _RESPONSES.get(style, usual)
