"""The options of a client: frozen objects that check their values when they are created.

Settings are taken from arguments first, then from the environment variables ``APIVIDEO_API_KEY``,
``APIVIDEO_ENVIRONMENT``, ``APIVIDEO_BASE_URL`` and ``APIVIDEO_WEBHOOK_SECRET``. The ``repr`` of an
option object shows no secret.
"""

import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, TypeGuard
from urllib.parse import urlsplit

import attrs
from attrs import field, frozen
from attrs.converters import optional

from .errors import ConfigurationError
from .text import is_sendable

__all__ = [
    "INGEST_KEY",
    "INGEST_LEDGER",
    "UNSET",
    "ClientConfig",
    "RetryPolicy",
    "Timeouts",
    "Unset",
    "UploadLimits",
    "UploadOptions",
    "check_callable",
    "check_type",
    "count",
    "is_number",
    "of_type",
    "one_of",
    "positive",
    "positive_or_none",
    "resolve_config",
]


class Unset(Enum):
    """The type of :data:`UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""Default of arguments that are not sent. ``None`` is sent as null (service.md#null-and-absent)."""

MIB: Final = 1024 * 1024
INGEST_KEY: Final = "ingestKey"
"""Name of the metadata pair with the idempotency key of a video."""
INGEST_LEDGER: Final = "ingestLedger"
"""Name of the metadata pair with the mark of the ledger that created a video."""

BASE_URLS: Final[Mapping[str, str]] = {
    "production": "https://ws.api.video",
    "sandbox": "https://sandbox.api.video",
}
"""See service.md#environments. A key of one environment is refused by the other."""

REQUEST_LIMITS: Final[Mapping[str, Mapping[str, int]]] = {
    "production": {"uploads": 100, "writes": 200, "reads": 500},
    "sandbox": {"uploads": 40, "writes": 40, "reads": 100},
}
"""Documented requests per minute (service.md#rate-limits). An account may have other limits."""

AuthScheme = Literal["bearer", "basic"]
Mode = Literal["bytes", "part"]
Resume = Literal["off", "on", "required"]


def _wrong(option: str, rule: str) -> ConfigurationError:
    return ConfigurationError(f"{option} {rule}", option=option)


def check_type(name: str, value: object, *kinds: type, optional: bool = True) -> None:
    """Raise ``ConfigurationError`` unless the value is of one of the types, or None if allowed."""
    if not isinstance(value, kinds) and not (value is None and optional):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise _wrong(name, f"must be of type {names}, not {type(value).__name__}")


def check_callable(name: str, value: object) -> None:
    """Raise ``ConfigurationError`` unless the value is None or can be called."""
    if value is not None and not callable(value):
        raise _wrong(name, f"must be a function, not {type(value).__name__}")


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is an integer or a float, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def positive(_: Any, attribute: "attrs.Attribute[Any]", value: float | None) -> None:
    """Validator of attrs: None or a number above 0."""
    if value is None and attribute.default is not None:
        raise _wrong(attribute.name, "must be a number, not None")
    if value is not None and not (is_number(value) and value > 0):
        raise _wrong(attribute.name, f"must be greater than 0, not {value!r}")


def positive_or_none(_: Any, attribute: "attrs.Attribute[Any]", value: float | None) -> None:
    """Validator of attrs: None or a number above 0, whatever the default."""
    if value is not None:
        positive(_, attribute, value)


def _not_negative(_: Any, attribute: "attrs.Attribute[Any]", value: float) -> None:
    if not (is_number(value) and 0 <= value < float("inf")):
        raise _wrong(attribute.name, f"must be a number of at least 0, not {value!r}")


def count(_: Any, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Validator of attrs: a whole number above 0, or None if that is the default."""
    if value is None and attribute.default is None:
        return
    if type(value) is not int or value < 1:
        raise _wrong(attribute.name, f"must be a whole number above 0, not {value!r}")


def of_type(*kinds: type, optional: bool = False) -> Any:
    """Return a validator of attrs for values of these types."""

    def check(_: Any, attribute: "attrs.Attribute[Any]", value: object) -> None:
        check_type(attribute.name, value, *kinds, optional=optional)

    return check


def _path(value: object) -> Path | None:
    try:
        return None if value is None else Path(value)  # type: ignore[arg-type]
    except TypeError:
        raise _wrong("journal", f"must be a path, not {type(value).__name__}") from None


def one_of(*allowed: str | None) -> Any:
    """Return a validator of attrs for a fixed set of texts, or None."""

    def check(_: Any, attribute: "attrs.Attribute[Any]", value: object) -> None:
        # A value that cannot be hashed or compared is none of them.
        if not isinstance(value, str | None) or value not in allowed:
            names = ", ".join(map(str, allowed))
            raise _wrong(attribute.name, f"must be one of {names}, not {value!r}")

    return check


@frozen(kw_only=True)
class Timeouts:
    """Time limits in seconds. A whole request has none, because a large upload may take hours."""

    connect: float = field(default=10.0, validator=positive)
    """Seconds to open one connection, TLS handshake included."""
    response: float = field(default=120.0, validator=positive)
    """Seconds from the last byte of the request to the end of the response."""
    stall: float = field(default=45.0, validator=positive)
    """Seconds in which no byte of the request body left the machine. A wait for ``limit_rate`` does
    not count."""


@frozen(kw_only=True)
class RetryPolicy:
    """How failed attempts are repeated.

    Two failures use no attempt: a 429, which waits until the window resets, and a connection that
    cannot be opened or is lost without a response. The second one is repeated until the outage has
    lasted too long (``outage``, ``call_outage``), with pauses of at most 5 s.
    """

    attempts: int = field(default=6, validator=count)
    """Attempts of one call, or of one chunk since the server accepted other bytes of the upload.
    1: nothing is repeated, also in an outage."""
    outage: float = field(default=300.0, validator=positive)
    """Seconds without any response after which an upload, a wait, a list or a status query fails.
    30 at most if the server refuses connections and has never answered this client."""
    call_outage: float = field(default=60.0, validator=positive)
    """Seconds without any response after which any other call fails."""
    seconds: float = field(default=600.0, validator=positive)
    """Seconds after the first failure of a call or chunk, after which no further attempt starts."""
    first_delay: float = field(default=0.4, validator=positive)
    """Bound of the first wait in seconds; doubles per failure. A wait is random, 50-100 % of it."""
    longest_delay: float = field(default=20.0, validator=positive)
    """Upper bound of every wait in seconds."""
    rate_limit_seconds: float | None = field(default=None, validator=positive)
    """Seconds that one call waits for request budget before it fails. None: no limit."""
    settle: float = field(default=30.0, validator=_not_negative)
    """Seconds after which a status or list must show what the server accepted before. Until then,
    a query that does not show it is repeated, with increasing delays. 0: not repeated. Complete and
    up-to-date responses cause no repetition (service.md#open-questions)."""


@frozen(kw_only=True)
class UploadLimits:
    """Size limits (service.md#upload-modes). Change them only with those of the emulator."""

    smallest_chunk: int = field(default=5 * MIB, validator=count)
    """Bytes. Every chunk except the last has at least this size."""
    largest_chunk: int = field(default=200 * MIB, validator=count)
    largest_total: int = field(default=52_428_800_000, validator=count)
    most_parts: int = field(default=10_000, validator=count)
    documented_total: int = field(default=30 * 1024 * MIB, validator=count)
    """Bytes: the 30 GiB of the guides. A larger file causes a warning."""

    def __attrs_post_init__(self) -> None:
        """Check that every size above one chunk can be cut into allowed chunks."""
        if not 0 < self.smallest_chunk * 2 <= self.largest_chunk:
            raise _wrong("largest_chunk", "must be at least twice smallest_chunk")


@frozen(kw_only=True)
class UploadOptions:
    """How a source is cut into chunks and sent.

    Memory does not depend on the size of the source. It is about ``concurrency x block`` for
    sources that are read by position (paths, bytes, ranged sources), and ``(concurrency + 1) x
    chunk_size`` for streams (iterators, objects with ``read``). Unless ``chunk_size`` and
    ``concurrency`` are given, they are chosen so that the second product is at most ``memory``.
    With ``spool``, the chunks of a stream are buffered on disk, and memory is ``concurrency x
    block`` again.
    """

    chunk_size: int | None = field(default=None, validator=count)
    """Bytes per request, 5-200 MiB. None: chosen from source size, concurrency and budget."""
    concurrency: int | Literal["auto"] = field(default="auto")
    """Chunks of one upload in flight at once. ``auto`` adapts to the measured throughput."""
    max_concurrency: int = field(default=16, validator=count)
    """Upper bound of the number of chunks in flight with ``concurrency="auto"``."""
    memory: int = field(default=80 * MIB, validator=count)
    """Bytes for the buffered chunks of a stream."""
    spool: bool | Path = field(default=False)
    """Buffer the chunks of a stream in temporary files: in this folder, or in the system's."""
    mode: Mode | None = field(default=None, validator=one_of("bytes", "part", None))
    """Byte ranges or part numbers. None: ``bytes`` if the source's size is known, else ``part``."""
    resume: Resume = field(default="off", validator=one_of("off", "on", "required"))
    """Whether to continue an earlier upload of the same file that the journal contains. ``on``: if
    there is one; ``required``: raise ``UploadError`` if not. With both, an upload waits while
    another one of the same file is running."""
    journal: Path | None = field(default=None, converter=_path)
    """Folder of the journal. None: the user's state folder, or no journal with ``resume="off"``."""
    verify: bool = field(default=True, validator=of_type(bool))
    """Whether to check at the end of a chunked upload that the server has every byte."""
    limits: UploadLimits = field(default=UploadLimits(), validator=of_type(UploadLimits))

    @concurrency.validator
    def _count_or_auto(self, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if value != "auto":
            count(self, attribute, value)

    @spool.validator
    def _flag_or_folder(self, _: Any, value: object) -> None:
        if not isinstance(value, bool | Path):
            raise _wrong("spool", f"must be True, False or a Path, not {value!r}")

    def __attrs_post_init__(self) -> None:
        low, high = self.limits.smallest_chunk, self.limits.largest_chunk
        if self.chunk_size is not None and not low <= self.chunk_size <= high:
            limits = f"{low:,} to {high:,} bytes ({low // MIB} to {high // MIB} MiB)"
            raise _wrong("chunk_size", f"must be from {limits}, not {self.chunk_size:,}")


def secret_text(value: object) -> str:
    """Return a webhook secret as text. White space and a byte order mark around it are removed.

    Raises ``TypeError`` for types other than text and bytes, ``UnicodeError`` for invalid UTF-8.
    """
    # A lone surrogate in a text cannot be encoded, and raises UnicodeError.
    encoded = value.encode() if isinstance(value, str) else value
    if not isinstance(encoded, bytes | bytearray | memoryview):
        raise TypeError("neither text nor bytes")
    return bytes(encoded).decode("utf-8-sig").strip()


def _secret(value: str | bytes) -> str:
    try:
        return secret_text(value)
    except (TypeError, UnicodeError):
        # The message does not contain the value, because it is a secret.
        raise _wrong("webhook_secret", "must be a text, or its bytes in UTF-8") from None


_API_KEY = re.compile("[!-~]+")  # Printable ASCII characters except the space.
_ORIGIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
_ORIGIN_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}")


@frozen(kw_only=True)
class ClientConfig:
    """The options of a client, after defaults and environment variables were applied."""

    api_key: str | None = field(default=None, repr=False)
    base_url: str = field(default=BASE_URLS["production"])
    auth: AuthScheme = field(default="bearer", validator=one_of("bearer", "basic"))
    timeouts: Timeouts = field(default=Timeouts(), validator=of_type(Timeouts))
    retry: RetryPolicy = field(default=RetryPolicy(), validator=of_type(RetryPolicy))
    upload: UploadOptions = field(default=UploadOptions(), validator=of_type(UploadOptions))
    app_name: str | None = None
    app_version: str | None = None
    webhook_secret: str | None = field(default=None, repr=False, converter=optional(_secret))
    reserve: float = field(default=0.0)
    """Share of the request budget that is left to other users of the key, from 0 to below 1."""

    @base_url.validator
    def _absolute(self, _: Any, value: str) -> None:
        # The messages do not contain the value, because it may contain a password.
        try:
            parts = urlsplit(value)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            fits = fits and _is_host(parts.hostname or "") and is_sendable(value)
        except ValueError:
            fits = False
        if not fits or value != "".join(value.split()):
            raise _wrong("base_url", "must look like https://ws.api.video or http://127.0.0.1:8080")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise _wrong("base_url", "must contain no credentials, query or fragment")

    @api_key.validator
    def _sendable(self, _: Any, value: str | None) -> None:
        # The message does not contain the value, because it is a secret.
        check_type("api_key", value, str)
        if value is not None and not _API_KEY.fullmatch(value):
            raise ConfigurationError(
                "the API key is empty or contains characters that no key has: copy it again",
                option="api_key",
            )

    @reserve.validator
    def _share(self, _: Any, value: float) -> None:
        if not (is_number(value) and 0 <= value < 1):
            raise _wrong("reserve", f"must be from 0 to below 1, not {value!r}")

    def __attrs_post_init__(self) -> None:
        """Check the name and version of the application (service.md#origin-headers)."""
        if (self.app_name is None) != (self.app_version is None):
            raise _wrong("app_name", "and app_version must be given together")
        check_type("app_name", self.app_name, str)
        check_type("app_version", self.app_version, str)
        check_type("webhook_secret", self.webhook_secret, str)
        if self.app_name is not None and not _ORIGIN_NAME.fullmatch(self.app_name):
            raise _wrong("app_name", "must have 1 to 50 of the characters A-Z a-z 0-9 - _")
        if self.app_version is not None and not _ORIGIN_VERSION.fullmatch(self.app_version):
            raise _wrong(
                "app_version", "must be 1 to 3 numbers of at most 3 digits, such as 1.20.3"
            )


def _is_host(host: str) -> bool:
    """Whether DNS can encode a host name. Raises ``ValueError`` for some that it cannot."""
    if ":" not in host:  # An IPv6 address may have a zone after a percent sign.
        host.rstrip(".").encode("idna")
    return ":" in host or re.search(r"[\x00-\x20%\\^|<>`{}]", host) is None


def resolve_config(
    *,
    api_key: str | None = None,
    environment: str | None = None,
    base_url: str | None = None,
    webhook_secret: str | bytes | None = None,
    environ: Mapping[str, str] | None = None,
    **options: Any,
) -> ClientConfig:
    """Merge arguments with the ``APIVIDEO_*`` variables and check the result. Arguments win.

    ``environ`` replaces ``os.environ`` in tests. Raises ``ConfigurationError`` for an unknown
    environment or a value that cannot work. A missing key is allowed, because uploads with an
    upload token need none.
    """
    environ = os.environ if environ is None else environ
    check_type("environment", environment, str)
    check_type("base_url", base_url, str)
    # An empty argument or variable counts as unset.
    environment = environment or environ.get("APIVIDEO_ENVIRONMENT") or "production"
    if environment not in BASE_URLS:
        raise _wrong("environment", f"must be production or sandbox, not {environment!r}")
    url = base_url or environ.get("APIVIDEO_BASE_URL") or BASE_URLS[environment]
    return ClientConfig(
        api_key=api_key or environ.get("APIVIDEO_API_KEY") or None,
        base_url=url.rstrip("/"),
        webhook_secret=webhook_secret or environ.get("APIVIDEO_WEBHOOK_SECRET") or None,
        **options,
    )
