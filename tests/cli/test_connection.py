"""The command line behind a proxy, and with certificates of its own."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from apivideo_async.emulator import Emulator
from tests.proxies import Proxy, needs_tinyproxy, tinyproxy

from .conftest import KEY, Cli

USER = "someone:secret"


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with tinyproxy(tmp_path, USER.replace(":", " ")) as running:
        yield running


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator with a certificate of an authority that only ``ca.pem`` names."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    mine = authority.issue_cert("client")
    mine.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with Emulator(api_key=KEY, ssl_context=context).in_thread() as emulator:
        yield emulator


@pytest.fixture
def behind(cli: Cli, emu: Emulator) -> Cli:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        cli.env.pop(name, None)
        cli.env.pop(name.upper(), None)
    return cli.use(emu)


@needs_tinyproxy
def test_uploads_and_checks_use_the_proxy_of_the_environment(
    behind: Cli, proxy: Proxy, emu: Emulator
) -> None:
    behind.env["HTTP_PROXY"] = proxy.url(USER)
    (behind.folder / "a.mp4").write_bytes(b"x" * 1000)
    assert behind("upload", "a.mp4").code == 0
    seen = len(proxy.requests)
    assert seen >= 3
    doctor = behind("doctor")
    assert f"to the proxy {proxy.url()}" in doctor.out
    assert "secret" not in doctor.out + doctor.err
    seen = len(proxy.requests)
    behind.env["NO_PROXY"] = "127.0.0.1"
    assert behind("videos", "list").code == 0
    assert len(proxy.requests) == seen


@needs_tinyproxy
def test_an_ingestion_fetches_web_sources_through_the_proxy(
    behind: Cli, proxy: Proxy, emu: Emulator
) -> None:
    (behind.folder / "a.mp4").write_bytes(b"x" * 1000)
    uploaded = behind("upload", "a.mp4", "--json").json
    source = uploaded["assets"]["mp4"] if "assets" in uploaded else uploaded[0]["assets"]["mp4"]
    result = behind("--proxy", proxy.url(USER), "ingest", source, "--ledger", "l.db")
    assert result.code == 0, result
    assert any("/vod/" in line for line in proxy.requests)


@needs_tinyproxy
def test_a_proxy_that_refuses_is_named_on_one_line(behind: Cli, proxy: Proxy) -> None:
    result = behind("--proxy", proxy.url(), "videos", "list")
    assert result.code == 1
    assert f"the proxy {proxy.url()} requires a user name and password" in result.error_line


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--proxy", "proxy.corp:3128"], "--proxy: has no scheme"),
        (["--proxy", "socks5://u:hidden@127.0.0.1:1"], "--proxy: is a SOCKS proxy"),
        (["--ca-file", "missing.pem"], "--ca-file: missing.pem cannot be read"),
        (["--client-key", "key.pem"], "--client-key: needs client_cert"),
    ],
)
def test_settings_that_cannot_work_are_wrong_usage(
    behind: Cli, arguments: list[str], text: str
) -> None:
    result = behind(*arguments, "videos", "list")
    assert result.code == 2
    assert text in result.error_line
    assert "hidden" not in result.error_line


def test_an_unknown_proxy_variable_is_named(behind: Cli) -> None:
    behind.env["HTTP_PROXY"] = "socks5h://127.0.0.1:1080"
    result = behind("videos", "list")
    assert result.code == 2
    assert "HTTP_PROXY is a SOCKS proxy, which is not supported" in result.error_line


def test_certificates_of_a_private_authority_and_of_the_client(cli: Cli, secured: Emulator) -> None:
    cli.use(secured)
    refused = cli("videos", "list")
    assert refused.code == 1
    assert "certificate is not accepted" in refused.error_line
    assert "--ca-file" in refused.error_line
    options = ["--ca-file", "ca.pem", "--client-cert", "client.pem"]
    assert cli(*options, "videos", "list").code == 0
    cli.env["SSL_CERT_FILE"] = str(cli.folder / "ca.pem")
    assert cli("--client-cert", "client.pem", "videos", "list").code == 0
