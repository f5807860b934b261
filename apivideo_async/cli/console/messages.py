"""Converts an error to one line that says what happened and what to do."""

import os

from ...errors import (
    ApiConnectionError,
    ApiResponseError,
    ApiStatusError,
    ApiVideoError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    SourceError,
    UploadError,
)
from .formatting import readable

__all__ = ["explain"]

_OPTIONS = {
    "chunk_size": "--chunk-size",
    "base_url": "APIVIDEO_BASE_URL or --base-url",
    "environment": "--environment",
}


def explain(error: Exception, base_url: str) -> str:
    """Return one line that says what happened and what the user can do about it.

    ``base_url`` is the address of the API server, for errors that may have their cause in it.
    """
    if isinstance(error, ConfigurationError):
        return _with_options(str(error))
    if isinstance(error, UploadError) and not isinstance(error, SourceError):
        return _of_upload(error, base_url)
    if isinstance(error, ApiConnectionError):
        return _of_connection(error)
    if isinstance(error, ApiStatusError | ApiResponseError):
        return _of_answer(error, base_url)
    if isinstance(error, OSError) and error.strerror:
        return (
            f"{error.strerror}: {os.fsdecode(error.filename)}" if error.filename else error.strerror
        )
    return str(error) or type(error).__name__


def _with_options(text: str) -> str:
    for name, option in _OPTIONS.items():
        if text.startswith(f"{name} must"):
            return option + text.removeprefix(name)
    return text


def _without_operation(error: ApiConnectionError | ApiStatusError | ApiResponseError) -> str:
    text = readable(str(error))
    return text.removeprefix(f"{error.request.operation}: ") if error.request is not None else text


def _of_upload(error: UploadError, base_url: str) -> str:
    cause = error.__cause__
    # The message of the upload does not say how to fix a refused key.
    if isinstance(cause, AuthenticationError):
        return explain(cause, base_url)
    again = isinstance(cause, ApiVideoError) and cause.retryable and error.video_id is not None
    return f"{readable(str(error))}{'; the same command with --resume continues' if again else ''}"


def _of_connection(error: ApiConnectionError) -> str:
    text = _without_operation(error)
    if error.delivery == "not_sent":
        return f"{text}: is the server running, and is APIVIDEO_BASE_URL (or --base-url, --environment) right?"
    return f"{text}: check the connection and try again"


def _of_answer(error: ApiStatusError | ApiResponseError, base_url: str) -> str:
    # A body that starts with "<" is HTML, so something other than the API answered.
    if error.body.lstrip()[:1] == b"<":
        return (
            f"{base_url} answered {error.status} with a web page instead of JSON: "
            "is a proxy in between, or is APIVIDEO_BASE_URL (or --base-url) not the API's address?"
        )
    if isinstance(error, AuthenticationError):
        return _of_credentials(error, base_url)
    if isinstance(error, RateLimitError):
        wait = f"in {error.retry_after:.0f} s" if error.retry_after is not None else "later"
        return f"the request budget of this key is spent: try again {wait}"
    if isinstance(error, PermissionDeniedError):
        return f"the account may not do this: {_without_operation(error)}"
    if isinstance(error, NotFoundError):
        return f"not found at {base_url}: {_without_operation(error)}"
    return _without_operation(error)


def _of_credentials(error: AuthenticationError, base_url: str) -> str:
    if error.request is not None and error.request.path == "/upload":
        return f"{base_url} refused the upload token ({error.status}): it is wrong, expired or deleted; create another"
    return (
        f"{base_url} refused the API key ({error.status}): check the key and the environment, "
        "keys of sandbox and production differ"
    )
