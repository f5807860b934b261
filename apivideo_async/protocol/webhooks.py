"""Verifies and reads webhook deliveries (service.md#webhook-signatures).

The signature is the hexadecimal HMAC-SHA256 of the body as received. The key is the whole secret,
with its prefix ``sig_sec_``. JSON that was parsed and encoded again may differ in spaces, so only
raw bytes are accepted.

Anyone can send requests to a receiver. Any invalid input therefore raises
``WebhookSignatureError``, which a receiver answers with 400. Another error would be answered with
500 and be reported as a defect of the receiver.
"""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeAlias

from ..errors import ConfigurationError, WebhookSignatureError
from ..models import WebhookEvent, event_from

__all__ = [
    "SIGNATURE_HEADER",
    "WEBHOOK_ID_HEADER",
    "Body",
    "Headers",
    "secrets_from",
    "sign",
    "unwrap",
    "verify",
]

SIGNATURE_HEADER = "X-Api-Video-Signature"
WEBHOOK_ID_HEADER = "X-Api-Video-WebhookID"

Body: TypeAlias = bytes | bytearray | memoryview
Headers: TypeAlias = Mapping[str, Any] | Iterable[tuple[str | bytes, str | bytes]]
"""Headers of a delivery in the forms that web frameworks use.

These are a mapping, the pairs of ASGI, or the ``environ`` of WSGI.
"""

_DEEPEST = 100
"""Levels of nesting allowed in the JSON of an event.

Deeper values could exhaust the stack of recursive functions.
"""


def sign(body: Body, secret: str) -> str:
    """Return the signature that api.video sends with ``body``. Useful to test a receiver.

    Raises ``ConfigurationError`` for a body or a secret that :func:`verify` does not accept.
    """
    return _signature(_raw(body), secrets_from([secret])[0])


def _signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def verify(body: Body, headers: Headers, secret: str | Iterable[str]) -> None:
    """Check that api.video sent ``body``.

    - ``body``: the bytes as received.
    - ``headers``: the headers of the delivery in any form (:data:`Headers`), names in any case.
    - ``secret``: the subscription's ``signature_secret``. Several secrets are allowed: of several
      subscriptions, or the old and the new one during a change. White space around a secret, such
      as a line end from a file, is ignored.

    Raises ``WebhookSignatureError`` if no signature matches, and ``ConfigurationError`` for
    arguments that cannot work.
    """
    secrets, raw, given = secrets_from(secret), _raw(body), list(_signatures(headers))
    if not given:
        raise WebhookSignatureError(
            f"the delivery has no header {SIGNATURE_HEADER}: api.video did not send it"
        )
    # All secrets are compared, each in constant time. Otherwise the duration would reveal digits of
    # a signature, or which secret matches. ``compare_digest`` refuses text that is not ASCII, so
    # bytes are compared.
    expected = [_signature(raw, one).encode() for one in secrets]
    fits = [hmac.compare_digest(one, signature) for one in expected for signature in given]
    if not any(fits):
        raise WebhookSignatureError(
            "the signature does not fit: a wrong secret, a changed body, or a forged delivery"
        )


def unwrap(body: Body, headers: Headers, secret: str | Iterable[str]) -> WebhookEvent:
    """Check a delivery as :func:`verify` does, and return its event.

    An event of an unknown type is an ``UnknownEvent``. Deliveries may arrive several times and in
    any order; ``event.key`` is the same for all deliveries of an event. Raises the errors of
    :func:`verify`, and ``WebhookSignatureError`` for a signed body that is not a JSON object.
    """
    verify(body, headers, secret)
    try:
        # Python's parser accepts NaN and Infinity, which JSON does not have.
        content = json.loads(_raw(body), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or _nested_deeper(content, _DEEPEST):
        raise WebhookSignatureError(
            "the delivery is signed, but its body is no JSON object as api.video sends them"
        )
    return event_from(content)


def secrets_from(secret: str | Iterable[str]) -> list[str]:
    """Return the secrets as a list, without white space around them.

    Raises ``ConfigurationError`` for values that cannot be secrets.
    """
    try:
        given = [secret] if isinstance(secret, str) else list(secret)
        secrets = [one.strip() for one in given]
        for one in secrets:
            one.encode()
    except (TypeError, AttributeError, UnicodeEncodeError):
        raise ConfigurationError("a webhook secret must be a text, or several in a list") from None
    if not secrets or not all(secrets):
        raise ConfigurationError(
            "no webhook secret: pass the signature_secret of the webhook (or of several)"
        )
    return secrets


def _raw(body: Any) -> bytes:
    if not isinstance(body, bytes | bytearray | memoryview):
        raise ConfigurationError(
            f"body must be the bytes as received, not {type(body).__name__}: unparsed"
        )
    return bytes(body)


def _signatures(headers: Any) -> Iterator[bytes]:
    """Yield every signature in the headers.

    A proxy may have repeated the header, so the caller tries each of them.
    """
    try:
        pairs = [
            (name, value)
            for name, value in (headers.items() if hasattr(headers, "items") else headers)
        ]
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"headers must be a mapping or pairs of names and values, not {type(headers).__name__}"
        ) from None
    for name, value in pairs:
        # WSGI names the header ``HTTP_X_API_VIDEO_SIGNATURE``.
        if (
            _plain(name).lower().replace(b"_", b"-").removeprefix(b"http-")
            == SIGNATURE_HEADER.lower().encode()
        ):
            # Some forms have a list for several values of one name, such as the events of AWS
            # Lambda.
            for one in value if isinstance(value, list | tuple) else (value,):
                yield _plain(one).strip().lower()


def _plain(text: Any) -> bytes:
    """Return a header name or value as bytes. Other types give empty bytes."""
    if isinstance(text, str):
        return text.encode(errors="surrogatepass")
    return bytes(text) if isinstance(text, bytes | bytearray | memoryview) else b""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _nested_deeper(content: Any, depth: int) -> bool:
    """Whether a JSON value is nested deeper than ``depth``.

    The function goes level by level, because deep nesting would exhaust the stack of a recursive
    one.
    """
    level = [content]
    for _ in range(depth):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)
