"""Displayed URLs and texts contain no password or signature, even if no parser accepts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.masking import masked, shown

SECRETS = ("PASSWORD", "SIGNATURE", "WORD")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://user:PASSWORD@host/a.mp4?sig=SIGNATURE#SIGNATURE", "https://host/a.mp4"),
        ("https://host:8443/@me/a@2x.mp4?sig=SIGNATURE", "https://host:8443/@me/a@2x.mp4"),
        ("http://[::1]:8080/a.mp4?SIGNATURE", "http://[::1]:8080/a.mp4"),
        ("http://user:PASS@WORD@host/a.mp4", "http://host/a.mp4"),
        ("http://user:PASS/WORD@host/a.mp4", "http://host/a.mp4"),
        ("http://user:PASS?WORD@host/a.mp4", "http://host/a.mp4"),
        ("http://user:PASS#WORD@host/a.mp4", "http://host/a.mp4"),
        ("http://user:P@SS/WORD@host/a.mp4", "http://host/a.mp4"),
        ("http://PASSWORD@host/a.mp4", "http://host/a.mp4"),
        ("http://user:PASSWORD", "http://***"),
        ("HTTPS://user:PASSWORD@HOST/a", "HTTPS://HOST/a"),
        ("ftp://user:PASSWORD@host/a.mp4", "ftp://host/a.mp4"),
        ("x+y.z-1://user:PASSWORD@host/a.mp4?SIGNATURE", "x+y.z-1://host/a.mp4"),
        ("x://user:PASSWORD@host", "x://host"),
        ("https:/user:PASSWORD@host/a", "https:/host/a"),
        ("https:user:PASSWORD@host/a", "https:host/a"),
        (" https://user:PASSWORD@host/a?SIGNATURE", " https://host/a"),
        ("https://user:PASS WORD@host/a b.mp4", "https://host/a b.mp4"),
        ("https://user:PASSWORD@[bad/a.mp4?SIGNATURE", "https://[bad/a.mp4"),
        ("s3://KEY:PASSWORD@bucket/a?b#c.mp4", "s3://bucket/a?b#c.mp4"),
        ("s3://bucket/a.mp4?X-Amz-Signature=SIGNATURE", "s3://bucket/a.mp4"),
        ("s3://bucket/a.mp4?partNumber=1&X-Amz-Security-Token=SIGNATURE", "s3://bucket/a.mp4"),
        ("abfss://container@account/a.mp4", "abfss://container@account/a.mp4"),
        ("abfss://container:PASSWORD@account/a.mp4", "abfss://account/a.mp4"),
        ("file:///videos/a?b#c.mp4", "file:///videos/a?b#c.mp4"),
        ("file://user:PASSWORD@host/a.mp4", "file://host/a.mp4"),
        ("/videos/http://a?b", "/videos/http://a?b"),
        ("movie at 3:00 @home?.mp4", "movie at 3:00 @home?.mp4"),
        ("postgresql://user:P@SSWORD@host/name?password=PASSWORD", "postgresql://host/name"),
        ("postgresql:user:PASSWORD@host/name", "postgresql:host/name"),
        ("", ""),
    ],
)
def test_only_what_is_not_secret_is_shown(uri: str, expected: str) -> None:
    assert shown(uri) == expected
    if not uri.startswith("/"):
        assert not any(
            secret in masked(f"'{uri}': refused, {uri} (see {uri})") for secret in SECRETS
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "from http://a:80, not from http://b:81: choose another",
            "from http://a:80, not from http://b:81: choose another",
        ),
        ("(http://host/a?SIGNATURE). Then ask me@home.", "(http://host/a). Then ask me@home."),
        (
            "'http://u:PASSWORD@h/a?SIGNATURE' is \"https://[::1]:1/b?SIGNATURE\"",
            "'http://h/a' is \"https://[::1]:1/b\"",
        ),
        ("[http://h/a?SIGNATURE]", "[http://h/a]"),
        ('<a href="http://h/a?SIGNATURE">x</a>', '<a href="http://h/a">x</a>'),
        ("http://user:PASS WORD@host/a is bad", "http://host/a is bad"),
        ("host=h password=PASSWORD user=u", "host=h password=*** user=u"),
        (
            "password = 'PASS \\' WORD' sslpassword=\"PASS WORD\" x",
            "password = *** sslpassword=*** x",
        ),
        ("passwords are never shown: a ratio 3:1", "passwords are never shown: a ratio 3:1"),
        ("chunk 3: https: no answer", "chunk 3: https: no answer"),
    ],
)
def test_the_addresses_and_settings_of_a_text_are_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(st.text("ab:/?#@[]& '\"=%éü1", max_size=40))
def test_a_password_of_any_characters_is_not_shown(password: str) -> None:
    for scheme in ("https", "ftp", "postgresql", "unknown"):
        text = shown(f"{scheme}://user:SECRET{password}SECRET@host/path")
        assert "SECRET" not in text
        assert text.endswith("host/path")


@given(st.text(max_size=60))
def test_masking_never_raises_and_masks_once_for_all(text: str) -> None:
    assert masked(masked(text)) == masked(text)
    shown(text)
