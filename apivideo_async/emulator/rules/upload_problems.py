"""The upload errors: slug, title and ``name`` of each (service.md#upload-errors)."""

from __future__ import annotations

from .problems import RefusedError, refuse

FILE = "file"
HEADER = "Content-Range"

_RANGE = "video-content-range"
_BYTES = f"{_RANGE}-by-bytes"
_PART = f"{_RANGE}-by-part"

UPLOAD_PROBLEMS: dict[str, tuple[str, str]] = {
    "uploaded-file-empty": (FILE, "The uploaded file is empty."),
    "uploaded-file-invalid-file": (FILE, "The uploaded file is invalid."),
    "uploaded-file-no-file": (FILE, "There is no uploaded file in the request."),
    "uploaded-file-multiple-files": (FILE, "There are more than one uploaded file in the request."),
    "uploaded-file-too-large": (FILE, "The uploaded file is too large."),
    "video-source-already-uploaded": (FILE, "This video source has already been uploaded."),
    "video-source-already-downloaded": (
        FILE,
        "This video source has already been downloaded when the video was created.",
    ),
    "video-source-already-copied": (
        FILE,
        "This video source has already been copied from an existing video when the video was created.",
    ),
    f"{_RANGE}-already-initiated": (
        HEADER,
        'This video source has already been initiated with a "Content-Range" upload.',
    ),
    f"{_RANGE}-started-with-bytes": (
        HEADER,
        'This "Content-Range" upload has been started with "bytes", you cannot continue it with "part"',
    ),
    f"{_RANGE}-started-with-part": (
        HEADER,
        'This "Content-Range" upload has been started with "part", you cannot continue it with "bytes".',
    ),
    f"{_RANGE}-malformed": (
        HEADER,
        'The value of the "Content-Range" header is malformed, the expected format is '
        '"bytes <from_byte>-<to_byte>/<total_bytes>" or "part <part>/<total_parts>".',
    ),
    f"{_BYTES}-different-total-bytes": (
        HEADER,
        'The "total_bytes" value in the "Content-Range" header must be the same than the one you already '
        "set for this video.",
    ),
    f"{_BYTES}-from-byte-too-high": (
        HEADER,
        'The "from_byte" value in the "Content-Range" header is higher than the "to_byte" value.',
    ),
    f"{_BYTES}-range-mismatch": (
        HEADER,
        'The size of the file you sent is different than the range length you set in the "Content-Range" header.',
    ),
    f"{_BYTES}-range-overlap": (
        HEADER,
        'The range in the "Content-Range" header overlaps with a previous one you already sent for this video.',
    ),
    f"{_BYTES}-range-too-small": (HEADER, 'The range in the "Content-Range" header is too small.'),
    f"{_BYTES}-range-too-large": (HEADER, 'The range in the "Content-Range" header is too large.'),
    f"{_BYTES}-to-byte-too-high-allowed": (
        HEADER,
        'The "to_byte" value in the "Content-Range" header is higher than the maximum upper bound allowed for a video.',
    ),
    f"{_BYTES}-to-byte-too-high-total": (
        HEADER,
        'The "to_byte" value in the "Content-Range" header is higher than the "total_bytes" value you set '
        "for this video.",
    ),
    f"{_BYTES}-total-bytes-too-high": (
        HEADER,
        'The "total_bytes" value in the "Content-Range" header is higher than the maximum allowed limit.',
    ),
    f"{_BYTES}-total-bytes-too-low": (
        HEADER,
        'The "total_bytes" value in the "Content-Range" header is lower than or equal to the upper bound '
        "of a range you already sent for this video.",
    ),
    f"{_BYTES}-total-bytes-zero": (
        HEADER,
        'The "total_bytes" value in the "Content-Range" header must be greater than 0.',
    ),
    f"{_PART}-different-total-parts": (
        HEADER,
        'The "total_parts" value in the "Content-Range" header must be the same than the one you already '
        "set for this video.",
    ),
    f"{_PART}-part-already-sent": (
        HEADER,
        'The "part" value in the "Content-Range" header collides with a previous one you already sent for this video.',
    ),
    f"{_PART}-part-too-high-allowed": (
        HEADER,
        'The "part" value in the "Content-Range" header is higher than the maximum number of parts '
        "allowed for a video.",
    ),
    f"{_PART}-part-too-high-total": (
        HEADER,
        'The "part" value in the "Content-Range" header is higher than the maximum number of parts '
        "allowed for a video.",
    ),
    f"{_PART}-part-zero": (
        HEADER,
        'The "part" value in the "Content-Range" header must be greater than 0.',
    ),
    f"{_PART}-total-parts-too-high": (
        HEADER,
        'The "total_parts" value in the "Content-Range" header is higher than the maximum number of parts '
        "allowed for a video.",
    ),
    f"{_PART}-total-parts-too-low": (
        HEADER,
        'The "total_parts" value in the "Content-Range" header is lower than or equal to a part number '
        "you already sent for this video.",
    ),
    f"{_PART}-total-parts-zero": (
        HEADER,
        'The "total_parts" value in the "Content-Range" header must be greater than 0.',
    ),
    f"{_PART}-uploaded-file-too-small": (FILE, "The uploaded file is too small."),
}


def upload_problem(slug: str, detail: str | None = None) -> RefusedError:
    """Return the refusal with a documented slug.

    The status is always 400 (service.md#upload-errors).
    """
    name, title = UPLOAD_PROBLEMS[slug]
    return refuse(400, slug, title, name=name, detail=detail)


def by_bytes(rule: str, detail: str | None = None) -> RefusedError:
    """Return the refusal of a byte range. ``rule`` is the end of the slug."""
    return upload_problem(f"{_BYTES}-{rule}", detail)


def by_part(rule: str, detail: str | None = None) -> RefusedError:
    """Return the refusal of a part. ``rule`` is the end of the slug."""
    return upload_problem(f"{_PART}-{rule}", detail)
