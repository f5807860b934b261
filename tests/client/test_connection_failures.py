"""A request without a response: the message says what happened, and whether to try again."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from yarl import URL

from apivideo_async import ApiConnectionError, ApiTimeoutError, ApiVideoClient, RetryPolicy
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.http.connection_failures import (
    explain_failure,
    explain_proxy_refusal,
    system_reason,
)
from tests.conftest import QUICK

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

CA = trustme.CA()
PATIENT = RetryPolicy(attempts=3, first_delay=0.01, longest_delay=0.02, call_outage=1.0)


def server_context(name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(name).configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


@asynccontextmanager
async def listening(handle: Handle, **options: Any) -> AsyncIterator[tuple[int, list[int]]]:
    """A TCP server. Yields its port and a list that grows with each connection."""
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1], connections
    finally:
        server.close()


def answering(data: bytes) -> Handle:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64 * 1024)
        writer.write(data)
        await writer.drain()

    return handle


async def failure_of(url: str, **settings: Any) -> ApiConnectionError:
    settings = {"retry": PATIENT, "auth": "basic", **settings}
    async with ApiVideoClient("some-key", base_url=url, **settings) as client:
        with pytest.raises(ApiConnectionError) as caught:
            await client.videos.get("vi1")
    return caught.value


@pytest.mark.parametrize(
    ("name", "trusted", "text"),
    [("127.0.0.1", False, "issuer|self-signed"), ("other.example", True, "mismatch")],
)
async def test_a_certificate_that_is_not_accepted_ends_the_call_at_once(
    name: str, trusted: bool, text: str
) -> None:
    context = client_context() if trusted else None
    async with Emulator(ssl_context=server_context(name)) as emu:
        error = await failure_of(emu.url, ssl_context=context)
        assert not emu.requests
    assert error.retryable is False
    assert error.delivery == "not_sent"
    assert "certificate is not accepted" in str(error)
    assert any(word in str(error) for word in text.split("|"))


async def test_an_unreadable_certificate_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    async with Emulator(ssl_context=server_context()) as emu:
        assert "SSL_CERT_FILE names a file that cannot be read" in str(await failure_of(emu.url))


async def test_ssl_cert_file_is_used_also_if_it_is_set_late(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with Emulator(ssl_context=server_context()) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
            await client.videos.list()


async def test_https_to_a_plain_port_and_the_reverse() -> None:
    async with Emulator() as emu:
        error = await failure_of(emu.url.replace("http:", "https:"), ssl_context=client_context())
        assert (error.retryable, "use an http:// address" in str(error)) == (False, True)
    async with Emulator(ssl_context=server_context()) as emu:
        error = await failure_of(emu.url.replace("https:", "http:"))
        assert (error.retryable, "use an https:// address" in str(error)) == (False, True)
    async with listening(answering(b"\x15\x03\x03\x00\x02\x02\x46")) as (port, connections):
        error = await failure_of(f"http://127.0.0.1:{port}")
        assert "use an https:// address" in str(error)
        assert len(connections) == 1


async def test_a_server_that_only_closes_connections_is_asked_again() -> None:
    async with listening(answering(b"")) as (port, connections):
        error = await failure_of(f"http://127.0.0.1:{port}")
    assert error.retryable is True
    assert "closed without a response" in str(error)
    assert len(connections) >= PATIENT.attempts


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not valid HTTP"),
        (b"HTTP/1.1 99999 X\r\n\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 20_000 + b"\r\n\r\n", "headers of the response are"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 1000 + b"\r\n", "headers of the response are"),
    ],
    ids=["ssh", "status", "one large header", "many headers"],
)
async def test_a_server_that_is_not_api_video_is_asked_once(data: bytes, text: str) -> None:
    async with listening(answering(data)) as (port, connections):
        error = await failure_of(f"http://127.0.0.1:{port}")
    assert text in str(error)
    assert (error.retryable, len(connections)) == (False, 1)
    assert error.__cause__ is None or isinstance(error.__cause__, OSError)


async def test_a_broken_response_of_a_server_that_has_answered_is_repeated() -> None:
    """The network is then at fault, not the address."""
    answers = [
        b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{"videoId": "v1"}',
        b"garbage\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{"videoId": "v2"}',
    ]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64 * 1024)
        writer.write(answers.pop(0))
        await writer.drain()

    async with listening(handle) as (port, _):
        url = f"http://127.0.0.1:{port}"
        async with ApiVideoClient("a-key", base_url=url, auth="basic", retry=PATIENT) as client:
            assert (await client.videos.get("v1")).video_id == "v1"
            assert (await client.videos.get("v2")).video_id == "v2"


async def test_a_client_certificate_that_the_server_requires() -> None:
    context = server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    CA.configure_trust(context)
    mine = client_context()
    CA.issue_cert("client").configure_cert(mine)
    async with Emulator(ssl_context=context) as emu:
        error = await failure_of(emu.url, ssl_context=client_context())
        assert emu.url in str(error)
        async with ApiVideoClient(emu.api_key, base_url=emu.url, ssl_context=mine) as client:
            await client.videos.list()


async def test_the_fault_of_a_first_request_is_repeated_as_before(emu: Emulator) -> None:
    emu.faults.add(Fault("videos.list", "reset-before"))
    async with ApiVideoClient(emu.api_key, base_url=emu.url, auth="basic", retry=QUICK) as client:
        await client.videos.list()
    assert [request.operation for request in emu.requests] == ["videos.list"] * 2


def dns(number: int | None, text: str) -> Exception:
    lookup = socket.gaierror(number, text) if number is not None else OSError(None, text)
    key: Any = None
    return aiohttp.ClientConnectorDNSError(key, lookup)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (dns(-2, "Name or service not known"), False),
        (dns(8, "nodename nor servname provided, or not known"), False),
        (dns(11001, "getaddrinfo failed"), False),
        (dns(11004, "no data"), False),
        (dns(None, "Domain name not found"), False),
        (dns(-3, "Temporary failure in name resolution"), True),
        (dns(11002, "getaddrinfo failed"), True),
        (dns(None, "Timeout while contacting DNS servers"), True),
        (socket.gaierror(8, "nodename nor servname provided, or not known"), False),
        (UnicodeError("label empty or too long"), False),
    ],
)
def test_an_unknown_host_is_final_until_the_server_has_answered(
    error: Exception, retryable: bool
) -> None:
    url = URL("https://ws.api.vidoe/videos?token=toSECRET")
    explained = explain_failure(error, url)
    assert explained.text.startswith("https://ws.api.vidoe cannot be reached: its host name")
    assert "Exec format" not in explained.text, "the text of errno 8 on Linux"
    assert "SECRET" not in explained.text
    assert explained.retryable is retryable
    assert explain_failure(error, url, answered=True).retryable is True


def test_the_reason_of_a_system_error_has_no_address() -> None:
    cases: list[tuple[BaseException, str]] = [
        (ConnectionRefusedError(111, "Connect call failed ('::1', 1)"), "Connection refused"),
        (OSError(10061, "Connect call failed ('::1', 1)"), "Connection refused"),
        (OSError(10065, "x"), "No route to host"),
        (OSError(errno.ENOTCONN, "x ('::1', 1)"), os.strerror(errno.ENOTCONN)),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ConnectionResetError(), "Connection reset by peer"),
        (OSError("text only"), "OSError"),
        (OSError(99_999, "only this text"), "only this text"),
        (aiohttp.ClientOSError(None, "Can not write to http://h/?token=toX"), "ClientOSError"),
    ]
    for error, reason in cases:
        assert system_reason(error) == reason


class Tls(ssl.SSLError):
    def __init__(self, reason: str) -> None:
        super().__init__(1, f"[SSL: {reason}]")
        self.reason = reason


@pytest.mark.parametrize(
    ("reason", "text", "retryable"),
    [
        ("WRONG_VERSION_NUMBER", "does not speak TLS", False),
        ("RECORD_LAYER_FAILURE", "does not speak TLS", False),
        ("UNSUPPORTED_PROTOCOL", "no TLS version", False),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "no TLS version", False),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "client certificate", False),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "client certificate", False),
        ("UNEXPECTED_EOF_WHILE_READING", "the TLS connection failed", True),
    ],
)
def test_the_reason_of_a_tls_failure(reason: str, text: str, retryable: bool) -> None:
    explained = explain_failure(Tls(reason), URL("https://host:444/a"))
    assert text in explained.text
    assert explained.text.startswith("https://host:444 ")
    assert explained.retryable is retryable
    assert "Operation not permitted" not in explained.text, "the number is one of OpenSSL"


def test_an_expired_certificate_points_to_the_clock() -> None:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    explained = explain_failure(error, URL("https://host/"), answered=True)
    assert "certificate has expired" in explained.text
    assert "check the clock" in explained.text
    assert explained.retryable is False


def test_exceptions_that_aiohttp_does_not_document_are_final_and_show_no_text() -> None:
    explained = explain_failure(ValueError("Bearer SECRET"), URL("http://host/"), sent=False)
    assert explained.text == "http://host: the request failed (ValueError)"
    assert (explained.retryable, explained.delivery) == (False, "not_sent")


def test_time_limits_and_lost_connections_may_be_tried_again() -> None:
    url = URL("http://host/")
    timeout = explain_failure(aiohttp.ConnectionTimeoutError(), url)
    assert (timeout.timed_out, timeout.delivery) == (True, "not_sent")
    lost = explain_failure(ConnectionResetError(), url)
    assert (lost.text, lost.retryable) == (
        "http://host: the connection was lost (Connection reset by peer)",
        True,
    )
    assert issubclass(ApiTimeoutError, ApiConnectionError)


@pytest.mark.parametrize(
    ("status", "proxy", "text", "retryable"),
    [
        (407, "http://proxy:3128", "the proxy http://proxy:3128 requires a user name", False),
        (407, "http://u:hidden@proxy:1", "the proxy http://proxy:1 refused the user name", False),
        (407, None, "a proxy requires a user name", False),
        (403, "http://proxy:3128", "refused the connection to https://host (403 No)", False),
        (503, "http://proxy:3128", "refused the connection to https://host (503 No)", True),
    ],
)
def test_the_refusal_of_a_proxy(status: int, proxy: str | None, text: str, retryable: bool) -> None:
    place = None if proxy is None else URL(proxy)
    explained = explain_proxy_refusal(status, "No\x1b", URL("https://host/a"), place)
    assert text in explained.text
    assert (explained.retryable, explained.delivery) == (retryable, "not_sent")
    assert "hidden" not in explained.text
