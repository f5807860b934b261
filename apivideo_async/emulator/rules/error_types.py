"""The error types of the service: status, ``name`` and title of each, by slug.

See service.md#error-types, service.md#upload-errors, service.md#refused-credentials.
"""

__all__ = ["ERROR_TYPES", "UPLOAD_ERRORS"]

_RANGE = "video-content-range"
_BYTES = f"{_RANGE}-by-bytes"
_PART = f"{_RANGE}-by-part"

_FILE = {
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

_CONTENT_RANGE = {
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

UPLOAD_ERRORS: dict[str, tuple[int, str | None, str]] = {
    **{slug: (400, "file", title) for slug, title in _FILE.items()},
    **{slug: (400, "Content-Range", title) for slug, title in _CONTENT_RANGE.items()},
}
_AUTHENTICATION = {
    "invalid-api-key": "The API key is invalid.",
    "invalid-access-token": "The access token is invalid or expired.",
    "invalid-refresh-token": "The refresh token is invalid.",
    "invalid-upload-token": "The upload token is invalid or expired.",
    "missing-upload-token": "The upload token is missing.",
    "invalid-authorization-header-value": 'The "Authorization" header value is invalid.',
    "missing-authorization-header": 'The "Authorization" header is missing.',
}
ERROR_TYPES: dict[str, tuple[int, str | None, str]] = {
    **UPLOAD_ERRORS,
    **{f"authentication-{rule}": (401, None, title) for rule, title in _AUTHENTICATION.items()},
    "authentication-invalid-user-credentials": (400, "", "The user credentials were incorrect."),
    "invalid-payload": (400, None, "The payload is invalid."),
    "request-invalid-query-parameter": (400, None, "A query parameter is invalid."),
    "webhook-limit-reached": (400, None, "Your account has reached the webhook urls limit."),
    # The title lists the extensions.
    "uploaded-file-extension-invalid": (400, "file", ""),
    "resource-not-found": (404, None, "The requested resource could not be found."),
    "unrecognized-request-url": (404, None, "Unrecognized request URL."),
    "method-not-allowed": (405, None, "Method is not allowed for this route."),
    "summary-already-exists": (
        409,
        None,
        "A summary already exists or is being created on this video.",
    ),
    "too-many-requests": (429, None, "Too many requests."),
}
