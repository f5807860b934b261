"""Converts an error to one line that says what happened and what to do."""

import errno
import os
from urllib.parse import urlsplit

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
from .logs import reason_of

__all__ = ["explain", "explain_listen_error"]

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts on which an emulator listens by default."""
OPTIONS = {
    "api_key": "APIVIDEO_API_KEY or --api-key",
    "base_url": "APIVIDEO_BASE_URL or --base-url",
    "ca_file": "--ca-file",
    "chunk_size": "--chunk-size",
    "client_cert": "--client-cert",
    "client_key": "--client-key",
    "environment": "--environment",
    "proxy": "--proxy",
}
"""What the user of the command line sets, by the name of the argument at fault."""


def explain(error: Exception, base_url: str) -> str:
    """Return a line that says what happened and what to do. ``base_url`` is that of the API."""
    if not isinstance(error, ApiVideoError | OSError):
        return (
            f"unexpected {type(error).__name__}: {error} "
            "(a defect of this program; --debug shows the traceback)"
        )
    if isinstance(error, ConfigurationError):
        option = OPTIONS.get(error.option or "")
        # The option of the command line replaces the name of the argument in Python.
        return f"{option}: {str(error).removeprefix(f'{error.option} ')}" if option else str(error)
    if isinstance(error, UploadError) and not isinstance(error, SourceError):
        return _upload(error, base_url)
    if isinstance(error, ApiConnectionError):
        return _connection(error)
    if isinstance(error, ApiStatusError | ApiResponseError):
        return _response(error, base_url)
    if isinstance(error, OSError) and error.strerror:
        path = f": {os.fsdecode(error.filename)}" if error.filename else ""
        return f"{error.strerror}{path}"
    return reason_of(error)


def explain_listen_error(error: OSError, host: str, port: int) -> str:
    """Return one line that says why a server cannot listen on a port."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: give another --port, or 0"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"no permission to use port {port} of {host}: give a --port above 1023"
    if error.errno == errno.ENOENT:  # Of ``tempfile``; the emulator keeps media in a folder.
        return f"{error.strerror}: set TMPDIR to a folder that can be written"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"


def _upload(error: UploadError, base_url: str) -> str:
    cause = error.__cause__
    # The message of the upload does not say how to fix a refused key.
    if isinstance(cause, AuthenticationError):
        return explain(cause, base_url)
    if isinstance(cause, ApiVideoError) and cause.retryable and error.video_id is not None:
        return f"{error}; the same command continues"
    return str(error)


def _connection(error: ApiConnectionError) -> str:
    if not error.retryable:
        return error.reason  # It says what to do.
    if error.delivery == "not_sent":
        return (
            f"{error.reason}: is the server running, "
            "and is APIVIDEO_BASE_URL (or --base-url, --environment) right?"
        )
    return f"{error.reason}: check the connection and try again"


def _response(error: ApiStatusError | ApiResponseError, base_url: str) -> str:
    # A body that starts with "<" is HTML, so another server than the API sent it.
    if error.body.lstrip()[:1] == b"<" and not 300 <= error.status < 400:
        reason = error.reason.partition("; ")[0]
        return (
            f"{base_url} answered with a web page instead of JSON ({reason}): is a proxy in "
            "between, or is APIVIDEO_BASE_URL (or --base-url) not the API's address?"
        )
    if isinstance(error, AuthenticationError):
        return _credentials(error, base_url)
    if isinstance(error, RateLimitError):
        wait = "later" if error.retry_after is None else f"in {error.retry_after:.0f} s"
        return f"the request budget of this key is used up: try again {wait}"
    if isinstance(error, PermissionDeniedError):
        return f"the account has no permission: {error.reason}"
    if isinstance(error, NotFoundError):
        return f"not found at {base_url}: {error.reason}"
    return error.reason


def _credentials(error: AuthenticationError, base_url: str) -> str:
    if error.request is not None and error.request.path == "/upload":
        return (
            f"{base_url} refused the upload token ({error.status}): "
            "it is wrong, expired or deleted; create another"
        )
    emulator = urlsplit(base_url).hostname in LOOPBACK
    return (
        f"{base_url} refused the API key ({error.status}): check the key and the environment, "
        "keys of sandbox and production differ"
        + ("; an emulator without --api-key has a new key after each start" * emulator)
    )
