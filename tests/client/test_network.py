"""Proxies, certificates, borrowed sessions and event loops: what a client sends, and where."""

import asyncio
import base64
import gc
import os
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from yarl import URL

from apivideo_async import ApiConnectionError, ApiVideoClient, ConfigurationError, RetryPolicy
from apivideo_async.emulator import Emulator
from apivideo_async.http.network import Network, check_reachable, make_ssl_context, parse_proxy
from apivideo_async.ingest import Stores, make_item
from tests.conftest import CHUNK, QUICK, data_of, options, sha256
from tests.proxies import Proxy, needs_tinyproxy, tinyproxy

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
CA = trustme.CA()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.upper, VARIABLES)):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("proxy", "text"),
    [
        ("proxy.corp:3128", "no scheme"),
        ("127.0.0.1:3128", "no scheme"),
        ("", "no scheme"),
        ("socks5://127.0.0.1:1080", "SOCKS"),
        ("SOCKS5H://u:word@127.0.0.1:1080", "SOCKS"),
        ("ftp://proxy:1", "http:// or https://"),
        ("http://[bad", "not the URL"),
        ("http://", "not the URL"),
        ("http://proxy:99999", "not the URL"),
        ("http://proxy:3128/path", "not the URL"),
        ("http://pro xy:3128", "not the URL"),
        ("http://proxy\0:3128", "not the URL"),
        ("http://\ud800:3128", "not the URL"),
        (b"http://proxy:3128", "must be a text"),
        (3128, "must be a text"),
    ],
)
def test_a_proxy_that_cannot_work_is_refused_when_the_client_is_made(proxy: Any, text: str) -> None:
    for make in (lambda: ApiVideoClient("a-key", proxy=proxy), lambda: Stores(proxy=proxy)):
        with pytest.raises(ConfigurationError, match=text) as caught:
            make()
        assert caught.value.option == "proxy"
        assert "word" not in str(caught.value).replace("password", "")


def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(trust_env=True)

    def proxy(url: str) -> str | None:
        found = network.known_proxy(URL(url))
        return None if found is None else str(found)

    assert proxy("https://ws.api.video") is None
    monkeypatch.setenv("HTTPS_PROXY", "proxy.corp:3128")
    assert proxy("https://ws.api.video/a") == "http://proxy.corp:3128"
    assert proxy("http://ws.api.video/a") is None
    monkeypatch.setenv("ALL_PROXY", "http://other:1")
    assert proxy("http://ws.api.video/a") == "http://other:1"
    exceptions = ".video, 10.0.0.0/8 localhost:81,[::1], *.internal.example"
    monkeypatch.setenv("NO_PROXY", exceptions)
    for url in (
        "https://ws.api.video",
        "https://10.1.2.3",
        "http://localhost:81",
        "http://[::1]:8",
    ):
        assert proxy(url) is None, url
    assert proxy("http://a.internal.example") is None
    for url in ("https://api.videos", "https://11.1.2.3", "http://localhost:82", "http://[::2]"):
        assert proxy(url) is not None, url
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy("https://x.example") is None


def test_a_wrong_proxy_in_the_environment_is_named_when_the_client_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:hidden@127.0.0.1:1080")
    ApiVideoClient("a-key")
    ApiVideoClient("a-key", trust_env=True, proxy="http://proxy:1")
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY is a SOCKS proxy") as caught:
        ApiVideoClient("a-key", trust_env=True)
    assert "hidden" not in str(caught.value)
    ApiVideoClient("a-key", trust_env=True, base_url="http://127.0.0.1:1")


@pytest.mark.parametrize("entry", ["default", "machine 127.0.0.1"])
async def test_netrc_is_never_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: str
) -> None:
    (tmp_path / "netrc").write_text(f"{entry} login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen: list[str] = []
    secret = base64.b64encode(b"somebody:secret").decode()

    async def note(_: Any, __: Any, params: aiohttp.TraceRequestHeadersSentParams) -> None:
        seen.append(str(params.headers))

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note)
    async with Emulator(min_chunk=CHUNK) as emu:
        async with aiohttp.ClientSession(trust_env=True) as session:
            for settings in ({"trust_env": True}, {"session": session}):
                given: Any = {"trace_configs": [trace], "upload": options(), **settings}
                async with ApiVideoClient(emu.api_key, base_url=emu.url, **given) as client:
                    token = await client.upload_tokens.create()
                    await client.upload(b"x" * 100, title="t")
                    await client.videos.upload_with_token(token.token, b"y" * 100)
    assert len(seen) > 6
    assert secret not in "".join(seen)


async def test_a_borrowed_session_lends_only_its_connections() -> None:
    traced: list[str] = []

    async def note(_: Any, __: Any, params: aiohttp.TraceRequestHeadersSentParams) -> None:
        traced.append(str(params.headers))

    async def refuse(_: Any) -> None:
        raise AssertionError("raise_for_status of the session")

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note)
    async with (
        Emulator(min_chunk=CHUNK) as emu,
        aiohttp.ClientSession(
            "http://other.example/",
            headers={
                "content-type": "application/json",
                "Authorization": "Bearer of-another-service",
                "X-Secret": "hidden",
            },
            cookies={"sid": "hidden"},
            raise_for_status=refuse,
            json_serialize=lambda _: "broken",
            trace_configs=[trace],
            timeout=aiohttp.ClientTimeout(total=0.0001),
        ) as session,
    ):
        async with ApiVideoClient(
            emu.api_key, base_url=emu.url, session=session, upload=options()
        ) as client:
            data = data_of(3 * CHUNK)
            video = await client.upload(data, title="t")
            assert sha256(b"".join(emu.world.videos[video.video_id].media.read())) == sha256(data)
        assert not session.closed
        assert len(session.connector._conns) > 0, "its connections were used"
    assert len(traced) > 3
    assert "hidden" not in "".join(traced)
    assert "another-service" not in "".join(traced)


@pytest.mark.filterwarnings("ignore:BasicAuth:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*auth.*:DeprecationWarning")
async def test_the_credentials_of_a_borrowed_session_are_not_used(emu: Emulator) -> None:
    session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("somebody", "secret"))
    async with session:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, session=session) as client:
            await client.videos.list()


async def test_a_borrowed_session_that_cannot_be_used_is_named(emu: Emulator) -> None:
    session = aiohttp.ClientSession()
    client = ApiVideoClient(emu.api_key, base_url=emu.url, session=session)
    await client.videos.list()
    await session.close()
    with pytest.raises(ConfigurationError, match="session is closed"):
        await client.videos.list()
    with pytest.raises(ConfigurationError, match="session is closed"):
        ApiVideoClient(emu.api_key, session=session)
    with pytest.raises(ConfigurationError, match=r"must be an aiohttp\.ClientSession, not str"):
        ApiVideoClient(emu.api_key, session="session")  # type: ignore[arg-type]


async def test_a_client_with_a_borrowed_session_need_not_be_closed(emu: Emulator) -> None:
    async with aiohttp.ClientSession() as session:
        client = ApiVideoClient(emu.api_key, base_url=emu.url, session=session)
        await client.videos.list()
        del client
        gc.collect()  # A ResourceWarning would be an error.
        assert not session.closed


@pytest.fixture
def served() -> Iterator[Emulator]:
    with Emulator(min_chunk=CHUNK).in_thread() as emulator:
        yield emulator


def test_another_event_loop_gets_a_clear_error_for_every_kind_of_call(served: Emulator) -> None:
    client = ApiVideoClient(served.api_key, base_url=served.url, upload=options())

    async def use() -> None:
        await client.videos.list()

    calls: list[Any] = [
        lambda: client.videos.list().to_list(),
        lambda: client.upload(b"x", title="t"),
        lambda: client.upload(b"x", title="t", idempotency_key="k"),
        lambda: client.videos.create(title="t", idempotency_key="k"),
        lambda: client.videos.wait_until_playable("vi1"),
        lambda: client.videos.upload_with_token("to1", b"x"),
        lambda: client.auth.authenticate(),
    ]

    async def use_again() -> None:
        for call in calls:
            with pytest.raises(ConfigurationError, match="another event loop"):
                await call()

    async def close() -> None:
        await client.aclose()
        await asyncio.sleep(0.05)  # A connection is closed in the next turn of the loop.

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(use())
        second.run(use_again())
        first.run(close())


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_client_can_be_closed_after_its_event_loop(served: Emulator) -> None:
    client = ApiVideoClient(served.api_key, base_url=served.url)

    async def use() -> None:
        await client.videos.list()

    asyncio.run(use())
    asyncio.run(client.aclose())
    gc.collect()  # The socket that the loop left open causes its warning here.


def test_a_second_thread_gets_a_clear_error_while_the_first_loop_runs(served: Emulator) -> None:
    errors: list[BaseException] = []

    async def main() -> None:
        async with ApiVideoClient(served.api_key, base_url=served.url) as client:
            await client.videos.list()

            async def other() -> None:
                for call in (client.videos.list().first, client.aclose):
                    try:
                        await call()
                    except Exception as error:
                        errors.append(error)

            thread = threading.Thread(target=lambda: asyncio.run(other()))
            thread.start()
            await asyncio.to_thread(thread.join)
            await client.videos.list()

    asyncio.run(main())
    assert [type(error) for error in errors] == [ConfigurationError] * 2


def test_a_session_of_another_loop_is_named(served: Emulator) -> None:
    async def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def use(session: aiohttp.ClientSession) -> None:
        client = ApiVideoClient(served.api_key, base_url=served.url, session=session)
        with pytest.raises(ConfigurationError, match="another event loop"):
            await client.videos.list()

    with asyncio.Runner() as first:
        session = first.run(open_session())
        asyncio.run(use(session))
        first.run(session.close())


def test_certificate_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    made = CA.issue_cert("client")
    made.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    CA.issue_cert("other").private_key_pem.write_to_path(str(tmp_path / "other.pem"))
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("ca_file", {"ca_file": tmp_path / "missing.pem"}),
        ("ca_file", {"ca_file": tmp_path / "text.pem"}),
        ("ca_file", {"ca_file": "\0"}),
        ("client_cert", {"client_cert": tmp_path / "text.pem"}),
        ("client_cert", {"client_cert": tmp_path / "cert.pem"}),
        (
            "client_cert",
            {"client_cert": tmp_path / "cert.pem", "client_key": tmp_path / "other.pem"},
        ),
        ("client_key", {"client_cert": tmp_path / "cert.pem", "client_key": tmp_path / "none.pem"}),
        ("client_key", {"client_key": tmp_path / "key.pem"}),
    ]
    for option, given in wrong:
        with pytest.raises(ConfigurationError) as caught:
            make_ssl_context(**given)
        assert caught.value.option == option, given
    assert make_ssl_context() is None
    assert isinstance(make_ssl_context(tmp_path), ssl.SSLContext)
    pair = make_ssl_context(tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem")
    assert isinstance(pair, ssl.SSLContext)


@needs_tinyproxy
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("user", ["", "someone secret"], ids=["open", "with a password"])
async def test_an_upload_through_a_real_proxy(tmp_path: Path, tls: bool, user: str) -> None:
    server, mine = _contexts(tls)
    with tinyproxy(tmp_path, user) as proxy:
        async with Emulator(min_chunk=CHUNK, ssl_context=server) as emu:
            settings: Any = {
                "base_url": emu.url,
                "ssl_context": mine,
                "upload": options(),
                "retry": QUICK,
            }
            async with ApiVideoClient(
                emu.api_key, proxy=proxy.url(user.replace(" ", ":")), **settings
            ) as client:
                data = data_of(3 * CHUNK)
                video = await client.upload(data, title="t")
            assert b"".join(emu.world.videos[video.video_id].media.read()) == data
            assert any("CONNECT" in line if tls else "POST" in line for line in proxy.requests)
            if user:
                await _refused(proxy, emu, settings)


async def _refused(proxy: Proxy, emu: Emulator, settings: Any) -> None:
    before = len(emu.requests)
    wrong = [("", "requires a user name", "407")]
    if emu.url.startswith("https"):  # Without TLS, tinyproxy answers a wrong password with 401.
        wrong.append(("someone:wrong", "refused the user name", "401"))
    for user, text, status in wrong:
        async with ApiVideoClient(emu.api_key, proxy=proxy.url(user), **settings) as client:
            with pytest.raises(ApiConnectionError, match=text) as caught:
                await client.videos.list()
        assert (caught.value.delivery, caught.value.retryable) == ("not_sent", False)
        assert status in str(caught.value)
        assert "wrong" not in str(caught.value)
    assert len(emu.requests) == before


def _contexts(tls: bool) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    if not tls:
        return None, None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("127.0.0.1").configure_cert(server)
    mine = ssl.create_default_context()
    CA.configure_trust(mine)
    return server, mine


@needs_tinyproxy
async def test_a_proxy_that_closes_its_connections_loses_no_creation(tmp_path: Path) -> None:
    """Tinyproxy closes a connection after each response, and the response does not say so."""
    policy = RetryPolicy(attempts=1)
    with tinyproxy(tmp_path) as proxy:
        async with Emulator() as emu:
            async with ApiVideoClient(
                emu.api_key, base_url=emu.url, proxy=proxy.url(), retry=policy
            ) as client:
                for _ in range(5):
                    await client.videos.list()
                    await client.videos.create(title="t")


@needs_tinyproxy
async def test_a_web_source_through_a_real_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tinyproxy(tmp_path, "someone secret") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url("someone:secret"))
        async with Emulator() as emu, Stores() as stores:
            async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
                video = await client.upload(b"x" * 1000, title="t")
            assert video.assets is not None
            item = await make_item(str(video.assets.mp4))
            assert (await stores.open(item)).size == 1000
            assert any("GET" in line for line in proxy.requests)
            seen = len(proxy.requests)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            assert (await stores.open(item)).size == 1000
            assert len(proxy.requests) == seen
            monkeypatch.delenv("NO_PROXY")
            monkeypatch.setenv("HTTP_PROXY", proxy.url())
            with pytest.raises(ValueError, match="407") as caught:
                await stores.open(item)
            assert getattr(caught.value, "retryable", None) is False


async def test_an_unreachable_proxy_is_named(emu: Emulator) -> None:
    policy = RetryPolicy(attempts=1)
    async with ApiVideoClient(
        emu.api_key, base_url=emu.url, proxy="http://127.0.0.1:1", retry=policy
    ) as client:
        with pytest.raises(ApiConnectionError, match=r"the proxy http://127\.0\.0\.1:1 cannot be"):
            await client.videos.list()
    network = Network(proxy="http://127.0.0.1:1")
    with pytest.raises(ApiConnectionError, match=r"proxy http://127\.0\.0\.1:1"):
        await check_reachable(network, emu.url)
    assert await check_reachable(Network(), emu.url) is None


def test_proxy_urls_may_have_credentials_and_no_port() -> None:
    assert str(parse_proxy("http://user:word@proxy")) == "http://user:word@proxy"
    assert os.environ.get("HTTP_PROXY") is None


async def test_a_client_uses_no_proxy_of_the_environment_unless_it_is_told_to(
    emu: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``apivideo demo`` relies on this: its emulator runs on this machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
        await client.videos.list()
