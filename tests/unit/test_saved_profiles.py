"""A saved profile is found by the base URL, and a file that cannot be used is named."""

import json
import os
import sys
from pathlib import Path

import pytest

from apivideo_async import ConfigurationError, ServiceProfile
from apivideo_async.saved_profiles import read_profile, write_profile

URL = "http://127.0.0.1:8080"
CHECKED = "2026-11-30T12:00:00+00:00"


def save(url: str = URL, **values: object) -> Path:
    return write_profile(url, CHECKED, values)


def test_the_profile_of_each_service_is_saved() -> None:
    assert ServiceProfile.saved(URL) == ServiceProfile()
    save(chunk_order="sequential")
    save("https://sandbox.api.video", parts=False)
    assert ServiceProfile.saved(URL) == ServiceProfile(chunk_order="sequential")
    assert ServiceProfile.saved(f"{URL}/") == ServiceProfile(chunk_order="sequential")
    assert ServiceProfile.saved("https://sandbox.api.video") == ServiceProfile(parts=False)
    save()
    assert ServiceProfile.saved(URL) == ServiceProfile()


def test_the_environment_selects_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    save(chunk_order="sequential")
    save("https://sandbox.api.video", parts=False)
    save("https://ws.api.video", byte_ranges=False)
    assert ServiceProfile.saved() == ServiceProfile(byte_ranges=False)
    monkeypatch.setenv("APIVIDEO_ENVIRONMENT", "sandbox")
    assert ServiceProfile.saved() == ServiceProfile(parts=False)
    monkeypatch.setenv("APIVIDEO_BASE_URL", URL)
    assert ServiceProfile.saved() == ServiceProfile(chunk_order="sequential")


def test_reading_creates_no_folder(tmp_path: Path) -> None:
    assert read_profile(URL) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "not JSON",
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
        "[" * 100_000,
        json.dumps({"version": 1, "checked": CHECKED}),
        json.dumps({"version": 2, "checked": CHECKED, "profile": {}}),
        json.dumps({"version": 1, "checked": 5, "profile": {}}),
        json.dumps({"version": 1, "checked": CHECKED, "profile": []}),
        json.dumps({"version": 1, "checked": CHECKED, "profile": {"parts": "no"}}),
    ],
)
def test_a_damaged_file_is_named(content: str) -> None:
    path = save()
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="conformance --save") as caught:
        ServiceProfile.saved(URL)
    assert str(path) in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads any file")
def test_a_file_that_cannot_be_read_is_named() -> None:
    path = save()
    path.chmod(0)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        ServiceProfile.saved(URL)


@pytest.mark.parametrize("url", ["https://user:pass@word.example", "https://host/?token=secret"])
def test_a_url_with_a_secret_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ServiceProfile.saved(url)
    assert not {"pass", "secret"} & set(str(caught.value).split())


def test_without_a_writable_folder_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apivideo_async.saved_profiles.state_file", lambda *_: None)
    with pytest.raises(ConfigurationError, match="no folder is writable"):
        save()


def test_a_file_that_cannot_be_replaced_is_named() -> None:
    path = save()
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigurationError, match=r"the profile cannot be saved in .*: Is a dir"):
        save()
