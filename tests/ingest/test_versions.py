"""ETags in one form; keys that obstore cannot address; pages and requests of listings."""

from typing import Any

import pytest

from apivideo_async.ingest.items import ingest_key
from apivideo_async.ingest.listing.descriptions import make_item
from apivideo_async.ingest.listing.list_requests import azure_request, parse_s3_page
from apivideo_async.ingest.stores.object_errors import escape_key, key_fault, plain_key
from apivideo_async.ingest.stores.pinned import given_version, normalise_etag, same_version
from apivideo_async.ingest.uris import parse_uri
from tests.buckets import Bucket


@pytest.mark.parametrize("text", ['"0x1D"', "0x1D", 'W/"0x1D"', "W/0x1D"])
def test_an_etag_has_one_form(text: str) -> None:
    assert normalise_etag(text) == '"0x1D"'
    assert same_version(text, '"0x1D"')
    assert not same_version(text, '"0x1E"')


@pytest.mark.parametrize("text", [None, "", '""', 'W/""'])
def test_an_empty_etag_is_none(text: str | None) -> None:
    assert normalise_etag(text) is None


def test_nothing_is_the_same_version_as_no_version() -> None:
    assert not same_version(None, None)
    assert not same_version("1", None)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, None), ("3", "3"), ("2026-01-05", "2026-01-05"), ('"a"', '"a"'), ('W/"a"', '"a"')],
)
async def test_a_version_of_the_callers_own_stays_as_it_is(
    given: str | None, kept: str | None
) -> None:
    """Otherwise every manifest with versions would be ingested a second time."""
    assert given_version(given) == kept
    assert (await make_item("s3://films/a.mp4", version=given)).key == ingest_key(
        "s3://films", "a.mp4", kept
    )


async def test_the_key_of_an_object_is_the_one_that_ledgers_have(s3_bucket: Bucket) -> None:
    """S3 lists ETags with quotes, so earlier versions stored them with quotes."""
    from apivideo_async.ingest.listing.buckets import list_objects

    s3_bucket.put("a.mp4", b"x")
    async with s3_bucket.stores() as stores:
        [item] = [item async for item in list_objects(s3_bucket.url, stores=stores)]
    assert item.version == '"9dd4e461268c8034f5c8564e155c67a6"'
    assert item.key == ingest_key(s3_bucket.url, "a.mp4", '"9dd4e461268c8034f5c8564e155c67a6"')


@pytest.mark.parametrize(
    "key", ["/a", "a/", "a//b", "./a", "a/../b", "a/.", "a\nb", "a\x7f", "\x00"]
)
def test_an_unusual_key_has_a_reason(key: str) -> None:
    assert key_fault(key)
    assert plain_key(key).strip("/") == plain_key(key)
    assert escape_key(key).isprintable()


@pytest.mark.parametrize(
    "key", ["a", "a/b.mp4", ".a", "a/..b", "a/b..", "...", "é 日 😀", "a\\b", "%2F"]
)
def test_every_other_key_has_none(key: str) -> None:
    assert key_fault(key) is None
    assert plain_key(key) == escape_key(key) == key


PAGE = """<ListBucketResult><IsTruncated>true</IsTruncated>{}
<NextContinuationToken>t</NextContinuationToken><Contents><Key>{}</Key><Size>3</Size><ETag>"1"</ETag>
<LastModified>2026-01-05T10:00:00.000Z</LastModified></Contents></ListBucketResult>"""


@pytest.mark.parametrize(
    ("key", "encoding", "read"),
    [
        ("a%2Bb+c%0A", "url", "a+b c\n"),
        ("a%2Bb+c", "", "a%2Bb+c"),
        ("a&#x1;b&#31;\x02&amp;#x1;", "", "a\x7fb\x7f\x7f&#x1;"),
        ("a&#x9;b", "", "a\tb"),
    ],
)
def test_a_page_is_read_whatever_the_key_holds(key: str, encoding: str, read: str) -> None:
    body = PAGE.format(f"<EncodingType>{encoding}</EncodingType>" if encoding else "", key)
    page = parse_s3_page(body.encode())
    assert ([each["path"] for each in page.objects], page.next_token) == ([read], "t")


def test_a_truncated_page_without_a_token_is_refused() -> None:
    """Otherwise the listing would end early, without the remaining objects and without an error."""
    body = PAGE.format("", "a").replace("<NextContinuationToken>t</NextContinuationToken>", "")
    with pytest.raises(ValueError, match="truncated and has no continuation token"):
        parse_s3_page(body.encode())
    last = parse_s3_page(body.replace("true", "false").encode())
    assert (len(last.objects), last.next_token) == (1, "")


def test_a_page_with_entities_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="document type definition"):
        parse_s3_page(b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult/>')


@pytest.mark.parametrize(
    ("uri", "settings", "begins"),
    [
        (
            "az://c/x",
            {"account_name": "a", "sas_key": "?sv=1&sig=2%3D"},
            "https://a.blob.core.windows.net/c?comp=list&",
        ),
        (
            "abfss://c@a.dfs.core.windows.net/x",
            {"sas_key": "sig=2%3D"},
            "https://a.blob.core.windows.net/c?comp=list&",
        ),
        (
            "az://c/x",
            {"use_emulator": "true", "sas_key": "sig=2%3D"},
            "http://127.0.0.1:10000/devstoreaccount1/c?",
        ),
    ],
)
def test_a_shared_access_signature_lists_a_container(
    uri: str, settings: dict[str, Any], begins: str
) -> None:
    url, headers = azure_request(parse_uri(uri), settings, "in/", "m/1", 10)
    assert url.startswith(begins)
    assert url.endswith("sig=2%3D")
    assert "prefix=in%2F&marker=m%2F1" in url
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "the account name is missing"),
        ({"account_name": "a"}, "neither an account key"),
        ({"account_name": "a", "account_key": "?secret"}, "not base64"),
    ],
)
def test_without_usable_credentials_for_azure_the_error_has_the_reason(
    settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        azure_request(parse_uri("az://c/x"), settings, "", "", 10)
    assert "secret" not in repr(caught.value)
