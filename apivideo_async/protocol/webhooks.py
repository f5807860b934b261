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

from ..config import secret_text
from ..errors import ConfigurationError, WebhookSignatureError
from ..models import WebhookEvent, event_from

__all__ = [
    "SIGNATURE_HEADER",
    "WEBHOOK_ID_HEADER",
    "Body",
    "Headers",
    "Secrets",
    "secrets_from",
    "sign",
    "unwrap",
    "verify",
]

SIGNATURE_HEADER = "X-Api-Video-Signature"
WEBHOOK_ID_HEADER = "X-Api-Video-WebhookID"

Body: TypeAlias = bytes | bytearray | memoryview
Headers: TypeAlias = (
    Mapping[str, Any] | Mapping[bytes, Any] | Iterable[tuple[str | bytes, str | bytes]]
)
"""Headers of a delivery in any form: a mapping, the pairs of ASGI, or the ``environ`` of WSGI.

Names may have any case, and ``HTTP_X_API_VIDEO_SIGNATURE`` is the same as
``X-Api-Video-Signature``. Names and values are texts or bytes.
"""
Secrets: TypeAlias = str | bytes | Iterable[str | bytes]
"""One secret, or several: of several subscriptions, or the old and the new one during a change."""

_WEBHOOK_ID = "webhook_"
"""The ids of webhooks begin with it (service.md#identifiers)."""
_DEEPEST = 100
"""Levels of nesting allowed in an event. More could exhaust the stack of recursive functions."""


def sign(body: Body, secret: str | bytes) -> str:
    """Return the signature that api.video sends with ``body``. Useful to test a receiver.

    Raises ``ConfigurationError`` for a body or a secret that :func:`verify` does not accept.
    """
    return _signature(_raw(body), secrets_from([secret])[0])


def _signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def verify(body: Body, headers: Headers, secret: Secrets) -> None:
    """Check that api.video sent ``body``.

    - ``body``: the bytes as received.
    - ``headers``: the headers of the delivery in any form (:data:`Headers`).
    - ``secret``: the subscription's ``signature_secret``, as text or bytes, or several secrets
      (:data:`Secrets`). A text may also contain several secrets with spaces in between. White
      space and a byte order mark around a secret, as in a file, are ignored.

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
    matches = [hmac.compare_digest(one, signature) for one in expected for signature in given]
    if not any(matches):
        raise WebhookSignatureError(
            "the signature does not match: a wrong secret, a changed body, or a forged delivery"
        )


def unwrap(body: Body, headers: Headers, secret: Secrets) -> WebhookEvent:
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
        raise WebhookSignatureError("the delivery is signed, but its body is not a JSON object")
    return event_from(content)


def secrets_from(secret: Secrets) -> list[str]:
    """Return the secrets without white space. Raises ``ConfigurationError`` for invalid ones."""
    try:
        # A mapping, which is no secret, would give its keys.
        single = isinstance(secret, str | bytes | bytearray | memoryview | Mapping)
        given = [secret_text(one) for one in ([secret] if single else secret)]
    except (TypeError, UnicodeError):
        # The message does not contain the value, because it may be a secret.
        raise ConfigurationError(
            "a webhook secret must be a text or its bytes in UTF-8, or several of them in a list",
            option="secret",
        ) from None
    # A variable such as APIVIDEO_WEBHOOK_SECRET can have several secrets, with spaces in between.
    secrets = [text for texts in given for text in texts.split()]
    if not secrets or not all(given):
        raise ConfigurationError(
            "no webhook secret: pass the signature_secret of the webhook (or of several)",
            option="secret",
        )
    if any(text.startswith(_WEBHOOK_ID) for text in secrets):
        raise ConfigurationError(
            "the secret is the id of a webhook: pass its signature_secret, which begins with "
            "sig_sec_",
            option="secret",
        )
    return secrets


def _raw(body: Any) -> bytes:
    if not isinstance(body, bytes | bytearray | memoryview):
        raise ConfigurationError(
            f"body must be the bytes as received, not {type(body).__name__}", option="body"
        )
    return bytes(body)


def _signatures(headers: Any) -> Iterator[bytes]:
    """Yield every signature in the headers. A proxy may have repeated the header."""
    try:
        pairs = headers.items() if hasattr(headers, "items") else headers
        given = [(name, value) for name, value in pairs]
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"headers must be a mapping or pairs of names and values, not {type(headers).__name__}",
            option="headers",
        ) from None
    for name, value in given:
        # WSGI names the header ``HTTP_X_API_VIDEO_SIGNATURE``.
        spelled = _bytes_of(name).strip().lower().replace(b"_", b"-").removeprefix(b"http-")
        if spelled == SIGNATURE_HEADER.lower().encode():
            # The events of AWS Lambda, for example, have a list for several values of one name.
            for one in value if isinstance(value, list | tuple) else (value,):
                # WSGI servers and proxies join the values of a repeated header by commas.
                for signature in _bytes_of(one).split(b","):
                    yield signature.strip().lower()


def _bytes_of(text: Any) -> bytes:
    """Return a header name or value as bytes. Other types give empty bytes."""
    if isinstance(text, str):
        return text.encode(errors="surrogatepass")
    return bytes(text) if isinstance(text, bytes | bytearray | memoryview) else b""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _nested_deeper(content: Any, depth: int) -> bool:
    # Level by level, because deep nesting would exhaust the stack of a recursive function.
    level = [content]
    for _ in range(depth):
        lists = [value for value in level if isinstance(value, list)]
        lists += [list(value.values()) for value in level if isinstance(value, dict)]
        level = [inner for values in lists for inner in values]
    return bool(level)
