"""The identity of a source, and the part of its URI that may be displayed."""

import pytest

from apivideo_async.errors import SourceError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.listing.sources import list_sources, web_item
from apivideo_async.ingest.stores.stores import Stores
from apivideo_async.ingest.uris import identity, is_signed, parse_uri, shown, web_url

AWS = (
    "X-Amz-Algorithm=A&X-Amz-Credential=K&X-Amz-Date={0}&X-Amz-Expires=60&X-Amz-Security-Token=t"
    "&X-Amz-Signature={0}"
)
OLD_AWS = "AWSAccessKeyId=K&Expires={0}&Signature={0}"
GOOGLE = "X-Goog-Algorithm=G&X-Goog-Date={0}&X-Goog-Signature={0}"
AZURE = "sv=2024&st={0}&se={0}&sr=b&sp=r&sig={0}&spr=https"
CLOUDFRONT = "Expires={0}&Signature={0}&Key-Pair-Id=K"


@pytest.mark.parametrize("query", [AWS, OLD_AWS, GOOGLE, AZURE, CLOUDFRONT])
def test_a_url_that_is_signed_anew_keeps_its_key(query: str) -> None:
    keys = {
        web_item(f"https://Host.example:443/a%20b.mp4?{query.format(moment)}").key
        for moment in ("1", "2")
    }
    assert keys == {web_item("https://host.example/a%20b.mp4").key}
    assert is_signed(f"https://host.example/a.mp4?{query}")


async def test_a_url_becomes_an_item_without_a_request(stores: Stores) -> None:
    uri = "https://host.example/a%20b.mp4?sig=1"
    (item,) = [item async for item in list_sources(uri, stores=stores, strategy="pull")]
    assert item == web_item(uri, strategy="pull")
    assert (item.uri, item.fields) == (uri, {"title": "a b.mp4"})


def test_what_is_no_signature_tells_sources_apart() -> None:
    url = "https://host.example/get?id={}&sv=3&Expires=9"
    assert web_item(url.format(1)).key != web_item(url.format(2)).key
    assert identity(parse_uri(url.format(1))) == (
        "https://host.example",
        "/get?Expires=9&id=1&sv=3",
    )
    assert not is_signed(url)
    assert identity(parse_uri(f"https://h.example/a?versionId=7&{AWS}")) == (
        "https://h.example",
        "/a?versionId=7",
    )


@pytest.mark.parametrize(
    ("uri", "scheme", "store", "path", "name"),
    [
        ("/a/b c.mp4", "file", "file", "/a/b c.mp4", "b c.mp4"),
        ("file:///a/b%20c.mp4", "file", "file", "/a/b c.mp4", "b c.mp4"),
        ("s3://bucket/a/b%20?#.mp4", "s3", "s3://bucket", "a/b%20?#.mp4", "b%20?#.mp4"),
        ("S3A://bucket/a", "s3", "s3://bucket", "a", "a"),
        ("gs://bucket/a/b.mp4", "gs", "gs://bucket", "a/b.mp4", "b.mp4"),
        ("azure://box/a", "az", "az://box", "a", "a"),
        (
            "http://u:p@h.example:8080/x/b%20c.mp4?q",
            "http",
            "http://h.example:8080",
            "/x/b%20c.mp4?q",
            "b c.mp4",
        ),
        ("https://[::1]", "https", "https://[::1]", "/", "[::1]"),
    ],
)
def test_a_uri_is_taken_apart(uri: str, scheme: str, store: str, path: str, name: str) -> None:
    location = parse_uri(uri)
    assert (location.scheme, location.store, location.path, location.name) == (
        scheme,
        store,
        path,
        name,
    )


@pytest.mark.parametrize(
    "uri", ["ftp://h/a", "s3:///a", "http:///a", "file://server/a", "https://h:port/a"]
)
def test_what_cannot_be_read_from_is_refused(uri: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_uri(uri)
    assert caught.value.cause == "unsupported"


def test_secrets_of_urls_are_not_shown() -> None:
    uri = "https://user:word@host.example/a.mp4?X-Amz-Signature=word#word"
    assert shown(uri) == "https://host.example/a.mp4"
    for text in (repr(parse_uri(uri)), repr(web_item(uri)), repr(Item(key="k", uri=uri))):
        assert "word" not in text


@pytest.mark.parametrize(
    ("written", "requested"),
    [
        ("https://h.example/a b/é.mp4", "https://h.example/a%20b/%C3%A9.mp4"),
        ("https://h.example/100%.mp4?x=%zz", "https://h.example/100%25.mp4?x=%25zz"),
        ("https://h.example/%7e+a%2fb&c", "https://h.example/%7e+a%2fb&c"),
        ("https://u:p w@münchen.example:81/a", "https://u:p%20w@xn--mnchen-3ya.example:81/a"),
        (" https://h.example/a\t", "https://h.example/a"),
        (
            "https://h.example/a?X-Amz-Signature=%2F+/=",
            "https://h.example/a?X-Amz-Signature=%2F+/=",
        ),
    ],
)
def test_only_characters_that_a_url_cannot_contain_are_escaped(
    written: str, requested: str
) -> None:
    assert web_url(written) == requested
    assert web_url(requested) == requested


@pytest.mark.parametrize("uri", ["https://h.example/\udcff", f"https://{'ü' * 80}.example/"])
def test_a_url_that_cannot_be_encoded_is_refused(uri: str) -> None:
    with pytest.raises(SourceError, match="not a valid URL"):
        web_item(uri)
