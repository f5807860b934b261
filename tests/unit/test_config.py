"""Options are checked where they are built, and never show a secret.

See service.md#environments, service.md#origin-headers, service.md#upload-modes.
"""

import math
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apivideo_async.config import (
    BASE_URLS,
    MIB,
    UNSET,
    ClientConfig,
    RetryPolicy,
    Timeouts,
    Unset,
    UploadLimits,
    UploadOptions,
    check_callable,
    resolve_config,
)
from apivideo_async.errors import ConfigurationError

KEY = "9VxMaPgsaFg7EBqmuspSzF7"


def test_unset_is_one_false_value_that_is_not_none() -> None:
    """service.md#null-and-absent: unset, null and a value are three states."""
    assert not UNSET
    assert UNSET is not None
    assert Unset("UNSET") is UNSET
    assert repr(UNSET) == "UNSET"


def test_base_urls_are_those_of_the_service() -> None:
    """service.md#environments."""
    assert BASE_URLS == {
        "production": "https://ws.api.video",
        "sandbox": "https://sandbox.api.video",
    }


def test_upload_limits_are_those_of_the_protocol() -> None:
    """service.md#upload-modes, service.md#upload-size-limit, service.md#media-limits."""
    assert attrs.asdict(UploadLimits()) == {
        "smallest_chunk": 5_242_880,
        "largest_chunk": 209_715_200,
        "largest_total": 52_428_800_000,
        "most_parts": 10_000,
        "documented_total": 32_212_254_720,
    }
    assert UploadLimits().smallest_chunk * UploadLimits().most_parts == UploadLimits().largest_total


POSITIVE: list[tuple[Any, str]] = [
    *((Timeouts, name) for name in ("connect", "response", "stall")),
    *(
        (RetryPolicy, name)
        for name in ("attempts", "seconds", "first_delay", "longest_delay", "rate_limit_seconds")
    ),
    (UploadOptions, "chunk_size"),
    (UploadOptions, "concurrency"),
]


@pytest.mark.parametrize("value", [0, -1, math.nan])
@pytest.mark.parametrize(
    ("kind", "name"), [pytest.param(*row, id=f"{row[0].__name__}.{row[1]}") for row in POSITIVE]
)
def test_durations_and_counts_are_above_zero(kind: Any, name: str, value: float) -> None:
    with pytest.raises(
        ConfigurationError,
        match=rf"^{name} must be (greater than|a whole number above) 0, not {value!r}$",
    ):
        kind(**{name: value})


@pytest.mark.parametrize(
    ("kind", "name"), [pytest.param(*row, id=f"{row[0].__name__}.{row[1]}") for row in POSITIVE[:8]]
)
def test_any_positive_duration_or_count_is_taken(kind: Any, name: str) -> None:
    assert getattr(kind(**{name: 1}), name) == 1


@pytest.mark.parametrize("size", [5 * MIB, 5 * MIB + 1, 200 * MIB])
def test_chunk_sizes_from_5_to_200_mib_are_taken(size: int) -> None:
    """service.md#upload-modes, both ends included (service.md#upload-modes)."""
    assert UploadOptions(chunk_size=size).chunk_size == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        pytest.param(5 * MIB - 1, "5,242,879", id="one byte too small"),
        pytest.param(200 * MIB + 1, "209,715,201", id="one byte too large"),
    ],
)
def test_other_chunk_sizes_are_refused_with_the_range(size: int, text: str) -> None:
    """service.md#upload-modes."""
    expected = (
        rf"^chunk_size must be from 5,242,880 to 209,715,200 bytes \(5 to 200 MiB\), not {text}$"
    )
    with pytest.raises(ConfigurationError, match=expected):
        UploadOptions(chunk_size=size)


def test_chunk_size_follows_scaled_limits() -> None:
    limits = UploadLimits(smallest_chunk=10, largest_chunk=20)
    assert UploadOptions(chunk_size=20, limits=limits).chunk_size == 20
    with pytest.raises(ConfigurationError, match=r"^chunk_size must be from 10 to 20 bytes"):
        UploadOptions(chunk_size=21, limits=limits)


@pytest.mark.parametrize("values", [{"chunk_size": 10e6}, {"concurrency": 2.5}], ids=str)
def test_counts_of_bytes_and_tasks_are_whole_numbers(values: dict[str, Any]) -> None:
    """``chunk_size=10e6`` is easily typed: it must be refused here, before anything is sent."""
    with pytest.raises(ConfigurationError):
        UploadOptions(**values)


@pytest.mark.parametrize("mode", ["bytes", "part", None])
def test_known_modes_are_taken(mode: Any) -> None:
    assert UploadOptions(mode=mode).mode == mode


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param(
            {"mode": "parts"}, "mode must be one of bytes, part, None, not 'parts'", id="mode"
        ),
        pytest.param(
            {"mode": "whole"},
            "mode must be one of bytes, part, None, not 'whole'",
            id="whole is no mode",
        ),
        pytest.param(
            {"resume": "yes"}, "resume must be one of off, on, required, not 'yes'", id="resume"
        ),
        pytest.param(
            {"resume": True},
            "resume must be one of off, on, required, not True",
            id="resume as bool",
        ),
    ],
)
def test_unknown_choices_are_refused_with_the_known_ones(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{message}$"):
        UploadOptions(**values)


def test_the_journal_folder_becomes_a_path() -> None:
    assert UploadOptions(journal="state").journal == Path("state")
    assert UploadOptions().journal is None


def test_options_are_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        UploadOptions().concurrency = 9  # type: ignore[misc]


# -- the client's configuration


@pytest.mark.parametrize(
    "url", ["https://ws.api.video", "http://127.0.0.1:8080", "https://proxy.example/apivideo"]
)
def test_absolute_http_addresses_are_taken(url: str) -> None:
    assert ClientConfig(base_url=url).base_url == url


@pytest.mark.parametrize("url", ["ws.api.video", "ftp://ws.api.video", "https://", "/videos", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^base_url must look like https://ws\.api\.video or "
    ):
        ClientConfig(base_url=url)


@pytest.mark.parametrize(
    "url", ["https://user@host", "https://:pass@host", "https://host/?page=1", "https://host/#part"]
)
def test_an_address_holds_no_credentials_query_or_fragment(url: str) -> None:
    """The message does not repeat them."""
    with pytest.raises(
        ConfigurationError, match=r"^base_url must contain no credentials, query or fragment$"
    ):
        ClientConfig(base_url=url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://[::1", id="open bracket"),
        pytest.param("https://host:99999", id="port too high"),
        pytest.param("https://host:port", id="port is no number"),
        pytest.param(" https://host", id="leading space"),
        pytest.param("https://host\n/path", id="newline"),
    ],
)
def test_an_address_that_no_request_can_go_to_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError):
        ClientConfig(base_url=url)


def test_a_refused_address_does_not_show_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ClientConfig(base_url="ftp://user:hunter2@host")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(f"{KEY} ", id="space"),
        pytest.param(f"{KEY}\n", id="newline"),
        pytest.param(f"{KEY}\x00", id="control character"),
        pytest.param(f"{KEY}é", id="not ASCII"),
    ],
)
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^the API key is empty or contains characters that no key has"
    ) as caught:
        ClientConfig(api_key=key)
    assert KEY not in repr(caught.value)
    assert KEY not in str(caught.value.args)


@given(st.text(min_size=4))
def test_no_bad_key_is_ever_part_of_the_message(tail: str) -> None:
    key = "sEcReT" + tail
    assume(not (key.isascii() and key.isprintable() and " " not in key))
    with pytest.raises(ConfigurationError) as caught:
        ClientConfig(api_key=key)
    assert "sEcReT" not in str(caught.value)


def test_an_empty_key_is_refused() -> None:
    """service.md#basic-authentication: Basic authentication with an empty user never works.

    ``resolve_config`` turns an empty key into None; the class does not.
    """
    with pytest.raises(ConfigurationError):
        ClientConfig(api_key="")


def test_the_configuration_shows_no_secret() -> None:
    shown = repr(ClientConfig(api_key=KEY, webhook_secret="sig_sec_1"))
    assert KEY not in shown
    assert "sig_sec_1" not in shown
    assert "https://ws.api.video" in shown


def test_auth_is_bearer_or_basic() -> None:
    """service.md#authentication."""
    assert ClientConfig(auth="basic").auth == "basic"
    with pytest.raises(
        ConfigurationError, match=r"^auth must be one of bearer, basic, not 'Bearer'$"
    ):
        ClientConfig(auth="Bearer")  # type: ignore[arg-type]


@pytest.mark.parametrize("reserve", [0, 0.5, 0.999])
def test_a_reserve_from_0_to_below_1_is_taken(reserve: float) -> None:
    assert ClientConfig(reserve=reserve).reserve == reserve


@pytest.mark.parametrize("reserve", [-0.1, 1, 50, math.nan])
def test_another_reserve_is_refused(reserve: float) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^reserve must be from 0 to below 1, not {reserve!r}$"
    ):
        ClientConfig(reserve=reserve)


@pytest.mark.parametrize("version", ["1", "1.2", "1.20.300", "0.0.0"])
@pytest.mark.parametrize("name", ["a", "my-app_2", "A" * 50])
def test_application_names_and_versions_of_the_contract_are_taken(name: str, version: str) -> None:
    """service.md#origin-headers."""
    config = ClientConfig(app_name=name, app_version=version)
    assert (config.app_name, config.app_version) == (name, version)


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [
        pytest.param(
            "app",
            None,
            "app_name and app_version must be given together",
            id="name alone",
        ),
        pytest.param(
            None,
            "1",
            "app_name and app_version must be given together",
            id="version alone",
        ),
        *(
            pytest.param(
                name,
                "1",
                "app_name must have 1 to 50 of the characters A-Z a-z 0-9 - _",
                id=f"name {name[:9]!r}",
            )
            for name in ("", "A" * 51, "my app", "äpp", "app\n", "app:1")
        ),
        *(
            pytest.param(
                "app",
                version,
                r"app_version must be 1 to 3 numbers of at most 3 digits, such as 1\.20\.3",
                id=f"version {version!r}",
            )
            for version in ("", "1.0.0rc1", "1234", "1.2.3.4", "1.", "v1", "1\n", "١")  # noqa: RUF001
        ),
    ],
)
def test_other_application_names_and_versions_are_refused(
    name: Any, version: Any, message: str
) -> None:
    """service.md#origin-headers: both or neither, ASCII, and no final newline."""
    with pytest.raises(ConfigurationError, match=rf"^{message}$"):
        ClientConfig(app_name=name, app_version=version)


# -- arguments and environment


def test_without_arguments_the_environment_decides() -> None:
    config = resolve_config(
        environ={
            "APIVIDEO_API_KEY": KEY,
            "APIVIDEO_ENVIRONMENT": "sandbox",
            "APIVIDEO_WEBHOOK_SECRET": "sig_sec_1",
        }
    )
    assert (config.api_key, config.base_url) == (KEY, "https://sandbox.api.video")
    assert config.webhook_secret == "sig_sec_1"


def test_arguments_win_over_the_environment() -> None:
    config = resolve_config(
        api_key="argument",
        environment="production",
        base_url="https://argument.example",
        environ={
            "APIVIDEO_API_KEY": KEY,
            "APIVIDEO_ENVIRONMENT": "nonsense",
            "APIVIDEO_BASE_URL": "https://environment.example",
        },
    )
    assert (config.api_key, config.base_url) == ("argument", "https://argument.example")


def test_an_address_in_the_environment_wins_over_the_environment_name() -> None:
    environ = {"APIVIDEO_ENVIRONMENT": "sandbox", "APIVIDEO_BASE_URL": "http://127.0.0.1:8080/"}
    assert resolve_config(environ=environ).base_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    "environ", [{}, {"APIVIDEO_API_KEY": "", "APIVIDEO_ENVIRONMENT": "", "APIVIDEO_BASE_URL": ""}]
)
def test_absent_and_empty_settings_mean_production_without_a_key(environ: dict[str, str]) -> None:
    """A missing key is no error: uploads with a token need none (service.md#token-uploads)."""
    config = resolve_config(environ=environ)
    assert (config.api_key, config.base_url, config.webhook_secret) == (
        None,
        "https://ws.api.video",
        None,
    )


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIVIDEO_BASE_URL", "http://127.0.0.1:1")
    assert resolve_config().base_url == "http://127.0.0.1:1"


def test_a_final_slash_of_the_address_is_dropped() -> None:
    assert (
        resolve_config(base_url="https://proxy.example/api//", environ={}).base_url
        == "https://proxy.example/api"
    )


def test_an_environment_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^environment must be production or sandbox, not 'Sandbox'$"
    ):
        resolve_config(environment="Sandbox", environ={})


def test_other_options_are_passed_on() -> None:
    config = resolve_config(environ={}, auth="basic", upload=UploadOptions(concurrency=7))
    assert (config.auth, config.upload.concurrency) == ("basic", 7)


def test_the_webhook_secret_may_be_an_argument_too() -> None:
    """The module promises: arguments first, then the environment."""
    config = resolve_config(
        webhook_secret="argument", environ={"APIVIDEO_WEBHOOK_SECRET": "environment"}
    )
    assert config.webhook_secret == "argument"


@pytest.mark.parametrize(("smallest", "largest"), [(5, 9), (0, 10), (-1, 10)])
def test_limits_that_the_planner_cannot_work_with_are_refused(smallest: int, largest: int) -> None:
    with pytest.raises(ConfigurationError, match=r"at least twice|a whole number above 0"):
        UploadLimits(smallest_chunk=smallest, largest_chunk=largest)


@pytest.mark.parametrize("secret", [5, b"\xff\xfe", "\ud800", ["sig_sec_1"]])
def test_a_webhook_secret_that_is_no_text_is_refused_without_showing_it(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"webhook_secret must be a text") as caught:
        resolve_config(webhook_secret=secret, environ={})
    assert caught.value.option == "webhook_secret"
    assert "sig_sec_1" not in str(caught.value)


def test_a_webhook_secret_from_a_file_has_no_line_end() -> None:
    assert resolve_config(webhook_secret=b"\xef\xbb\xbfsig_sec_1\r\n").webhook_secret == "sig_sec_1"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: resolve_config(base_url=5), "base_url must be of type str, not int"),
        (lambda: resolve_config(api_key=b"key"), "api_key must be of type str, not bytes"),
        (lambda: resolve_config(retry=True), "retry must be of type RetryPolicy, not bool"),
        (lambda: resolve_config(timeouts=None), "timeouts must be of type Timeouts, not NoneType"),
        (lambda: Timeouts(connect=None), "connect must be a number, not None"),
        (lambda: Timeouts(connect="5"), "connect must be greater than 0, not '5'"),
        (lambda: Timeouts(connect=True), "connect must be greater than 0, not True"),
        (lambda: RetryPolicy(settle="1"), "settle must be a number of at least 0, not '1'"),
        (lambda: UploadOptions(journal=5), "journal must be a path, not int"),
        (lambda: UploadOptions(mode=[]), "mode must be one of bytes, part, None"),
        (lambda: check_callable("on_progress", 5), "on_progress must be a function, not int"),
    ],
)
def test_values_of_another_type_are_refused(make: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert text in str(caught.value)
    assert caught.value.option == text.partition(" ")[0]


def test_values_that_may_be_none() -> None:
    assert UploadOptions(journal=None, chunk_size=None, mode=None).journal is None
    check_callable("on_progress", None)
    check_callable("on_progress", print)


@pytest.mark.parametrize(
    "url",
    ["http://evil%00.com", "http://a..b", "http://" + "x" * 64, "http://h\0", "http://\ud800"],
)
def test_a_host_that_dns_cannot_encode_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url must look like"):
        resolve_config(base_url=url)


def test_hosts_of_any_form_are_accepted() -> None:
    for url in ("http://[::1]:8080", "http://[fe80::1%25eth0]", "https://bücher.example."):
        assert resolve_config(base_url=url).base_url == url
