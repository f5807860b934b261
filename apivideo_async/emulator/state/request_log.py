"""The request log, which tests inspect and the dashboard shows. It contains no secrets."""

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from attrs import define, evolve, field, frozen

__all__ = ["ACCESS_LOG", "RequestDetails", "RequestLog", "RequestRecord"]

ACCESS_LOG = logging.getLogger("apivideo_async.emulator.access")
"""Gets a line at level INFO for each request that has ended."""

# Query parameters whose values are masked: upload token or private token, and session.
_SECRETS = frozenset({"token", "avh"})
# Members of JSON whose values are masked, the values of Authorization, and private tokens in URLs.
_SECRET_MEMBERS = re.compile(
    r'("(?:apiKey|access_token|refresh_token|refreshToken|signatureSecret|session_token|streamKey|token)"'
    r'\s*:\s*")[^"]+'
)
_SECRET_HEADERS = frozenset({"authorization", "cookie", "x-api-video-signature"})
_SECRET_PATH = re.compile(r"/(token|private|upload-tokens)/[^/?\s\"]+")
_SECRET_QUERY = re.compile(r"\b(token|avh)=[^&\s\"\\]+")
_MOST_DETAILED = 1000
"""Requests whose details are kept."""
_LONGEST_BODY = 4096
"""Characters of a body that are kept."""


def _masked(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    # ``safe`` keeps the mask and array parameters such as ``tags[]`` readable.
    return urlencode(
        [(name, "***" if name in _SECRETS else value) for name, value in pairs], safe="*[]"
    )


@define
class RequestRecord:
    """One request. ``started`` is a Unix timestamp.

    ``status`` stays None if the connection was dropped. ``body_bytes`` is the number of body bytes
    read. ``token_id`` names the accepted credentials. Secrets in ``query`` are masked. ``quirk``
    names the quirk that lost, refused or repeated the request, or replaced its response.
    """

    number: int
    method: str
    path: str
    query: str
    operation: str | None
    content_range: str | None
    status: int | None = None
    body_bytes: int = 0
    video_id: str | None = None
    token_id: str | None = None
    fault: str | None = None
    quirk: str | None = None
    started: float = field(factory=time.time)
    ended: float | None = None
    size: int | None = None

    def end(self, status: int | None) -> None:
        """Note that the request has ended, and write it to the access log."""
        self.status, self.ended = status, time.time()
        if ACCESS_LOG.isEnabledFor(logging.INFO):
            ACCESS_LOG.info("%s", self._access_line(self.ended - self.started))

    def _access_line(self, seconds: float) -> str:
        address = f"{self.path}?{self.query}" if self.query else self.path
        status = "dropped" if self.status is None else str(self.status)
        words = [self.method, _safe_text(address), status, f"{self.body_bytes} bytes"]
        words.append(f"{seconds:.3f} s")
        named = {
            "operation": self.operation,
            "range": self.content_range and self.content_range.replace(" ", ""),
            "fault": self.fault,
            "quirk": self.quirk,
        }
        return " ".join([*words, *(f"{name}={value}" for name, value in named.items() if value)])


@frozen
class RequestDetails:
    """Headers and bodies of one request and its response. Bodies are JSON or empty, and cut."""

    headers: dict[str, str]
    body: str
    response_headers: dict[str, str]
    response_body: str


@define(eq=False)
class RequestLog:
    """The records in order of arrival. Numbers start at 1 and continue after ``clear``."""

    records: list[RequestRecord] = field(factory=list, init=False)
    count: int = field(default=0, init=False)
    _details: OrderedDict[int, RequestDetails] = field(factory=OrderedDict, init=False)

    def open(
        self, method: str, path: str, query: str, operation: str | None, content_range: str | None
    ) -> RequestRecord:
        self.count += 1
        record = RequestRecord(self.count, method, path, _masked(query), operation, content_range)
        self.records.append(record)
        return record

    def open_again(self, record: RequestRecord) -> RequestRecord:
        """Open a record for a request that arrives a second time."""
        self.count += 1
        again = evolve(record, number=self.count, status=None, started=time.time(), ended=None)
        self.records.append(again)
        return again

    def keep_details(
        self,
        record: RequestRecord,
        sent: tuple[Mapping[str, str], bytes],
        answered: tuple[Mapping[str, str], bytes],
    ) -> None:
        """Keep headers and body of a request and its response, with secrets masked."""
        self._details[record.number] = RequestDetails(
            _safe_headers(sent[0]), _safe(sent[1]), _safe_headers(answered[0]), _safe(answered[1])
        )
        while len(self._details) > _MOST_DETAILED:
            self._details.popitem(last=False)

    def details(self, number: int) -> RequestDetails | None:
        """Return the details of a request; None if they are no longer kept."""
        return self._details.get(number)

    def clear(self) -> None:
        self.records.clear()
        self._details.clear()


def _safe_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: "***" if name.lower() in _SECRET_HEADERS else _safe_text(value)
        for name, value in headers.items()
    }


def _safe(body: bytes) -> str:
    text = _safe_text(body.decode("utf-8", "replace"))
    return text if len(text) <= _LONGEST_BODY else f"{text[:_LONGEST_BODY]}…"


def _safe_text(text: str) -> str:
    text = _SECRET_MEMBERS.sub(r"\1***", text)
    return _SECRET_QUERY.sub(r"\1=***", _SECRET_PATH.sub(r"/\1/***", text))
