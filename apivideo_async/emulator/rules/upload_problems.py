"""The upload errors: slug, ``name`` and title of each (service.md#upload-errors)."""

from .problems import RefusedError, refuse

__all__ = ["UPLOAD_PROBLEMS", "by_bytes", "by_part", "upload_problem"]

_RANGE = "video-content-range"
_BYTES = f"{_RANGE}-by-bytes"
_PART = f"{_RANGE}-by-part"

_FILE_TITLES = {
    "uploaded-file-empty": "The uploaded file is empty.",
    "uploaded-file-invalid-file": "The uploaded file is invalid.",
    "uploaded-file-no-file": "There is no uploaded file in the request.",
    "uploaded-file-multiple-files": "There are more than one uploaded file in the request.",
    "uploaded-file-too-large": "The uploaded file is too large.",
    f"{_PART}-uploaded-file-too-small": "The uploaded file is too small.",
    "video-source-already-uploaded": "This video source has already been uploaded.",
    "video-source-already-downloaded": "This video source has already been downloaded when the "
    "video was created.",
    "video-source-already-copied": "This video source has already been copied from an existing "
    "video when the video was created.",
}

# Parts of the titles. The titles themselves are those of the service, including their errors.
_STARTED = 'This "Content-Range" upload has been started with'
_HEADER = 'in the "Content-Range" header'
_BYTE_RANGE = f"The range {_HEADER}"
_FROM_BYTE = f'The "from_byte" value {_HEADER}'
_TO_BYTE = f'The "to_byte" value {_HEADER}'
_TOTAL_BYTES = f'The "total_bytes" value {_HEADER}'
_PART_NUMBER = f'The "part" value {_HEADER}'
_TOTAL_PARTS = f'The "total_parts" value {_HEADER}'
_DIFFERENT = "must be the same than the one you already set for this video."
_SENT = "you already sent for this video."
_MANY_PARTS = "is higher than the maximum number of parts allowed for a video."

_HEADER_TITLES = {
    f"{_RANGE}-already-initiated": "This video source has already been initiated with a "
    '"Content-Range" upload.',
    f"{_RANGE}-started-with-bytes": f'{_STARTED} "bytes", you cannot continue it with "part"',
    f"{_RANGE}-started-with-part": f'{_STARTED} "part", you cannot continue it with "bytes".',
    f"{_RANGE}-malformed": 'The value of the "Content-Range" header is malformed, the expected '
    'format is "bytes <from_byte>-<to_byte>/<total_bytes>" or "part <part>/<total_parts>".',
    f"{_BYTES}-different-total-bytes": f"{_TOTAL_BYTES} {_DIFFERENT}",
    f"{_BYTES}-from-byte-too-high": f'{_FROM_BYTE} is higher than the "to_byte" value.',
    f"{_BYTES}-range-mismatch": "The size of the file you sent is different than the range length "
    f"you set {_HEADER}.",
    f"{_BYTES}-range-overlap": f"{_BYTE_RANGE} overlaps with a previous one {_SENT}",
    f"{_BYTES}-range-too-small": f"{_BYTE_RANGE} is too small.",
    f"{_BYTES}-range-too-large": f"{_BYTE_RANGE} is too large.",
    f"{_BYTES}-to-byte-too-high-allowed": f"{_TO_BYTE} is higher than the maximum upper bound "
    "allowed for a video.",
    f"{_BYTES}-to-byte-too-high-total": f'{_TO_BYTE} is higher than the "total_bytes" value you '
    "set for this video.",
    f"{_BYTES}-total-bytes-too-high": f"{_TOTAL_BYTES} is higher than the maximum allowed limit.",
    f"{_BYTES}-total-bytes-too-low": f"{_TOTAL_BYTES} is lower than or equal to the upper bound "
    f"of a range {_SENT}",
    f"{_BYTES}-total-bytes-zero": f"{_TOTAL_BYTES} must be greater than 0.",
    f"{_PART}-different-total-parts": f"{_TOTAL_PARTS} {_DIFFERENT}",
    f"{_PART}-part-already-sent": f"{_PART_NUMBER} collides with a previous one {_SENT}",
    f"{_PART}-part-too-high-allowed": f"{_PART_NUMBER} {_MANY_PARTS}",
    f"{_PART}-part-too-high-total": f"{_PART_NUMBER} {_MANY_PARTS}",
    f"{_PART}-part-zero": f"{_PART_NUMBER} must be greater than 0.",
    f"{_PART}-total-parts-too-high": f"{_TOTAL_PARTS} {_MANY_PARTS}",
    f"{_PART}-total-parts-too-low": f"{_TOTAL_PARTS} is lower than or equal to a part number "
    f"{_SENT}",
    f"{_PART}-total-parts-zero": f"{_TOTAL_PARTS} must be greater than 0.",
}

UPLOAD_PROBLEMS: dict[str, tuple[str, str]] = {
    **{slug: ("file", title) for slug, title in _FILE_TITLES.items()},
    **{slug: ("Content-Range", title) for slug, title in _HEADER_TITLES.items()},
}
"""The ``name`` and title of each error, by slug."""


def upload_problem(slug: str, detail: str | None = None) -> RefusedError:
    """Return the refusal with a documented slug. The status is always 400."""
    name, title = UPLOAD_PROBLEMS[slug]
    return refuse(400, slug, title, name=name, detail=detail)


def by_bytes(rule: str, detail: str | None = None) -> RefusedError:
    """Return the refusal of a byte range. ``rule`` is the end of the slug."""
    return upload_problem(f"{_BYTES}-{rule}", detail)


def by_part(rule: str, detail: str | None = None) -> RefusedError:
    """Return the refusal of a part. ``rule`` is the end of the slug."""
    return upload_problem(f"{_PART}-{rule}", detail)
