"""Every kind of store: listings, single objects, reads, and keys of every kind."""

import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator
from apivideo_async.errors import SourceError
from apivideo_async.ingest import Ingest, IngestOptions
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.listing.exact_listing import ExactListing
from apivideo_async.ingest.listing.list_requests import s3_query
from apivideo_async.ingest.listing.sources import list_sources
from apivideo_async.ingest.stores.stores import Stores
from apivideo_async.ingest.uris import parse_uri
from tests.buckets import Bucket
from tests.conftest import sha256

from .conftest import Serve, bytes_of

USUAL = [
    "a.mp4",
    "in/(1).mp4",
    "in/#1 of 2?.mp4",
    "in/a b+c&d=e.mp4",
    "in/100%25 %2F.mp4",
    "in/Übung é 日本 😀.mp4",
    "in/e\u0301.mp4",
    "in/star*[1].mp4",
    "in/'quo\"te<>.mp4",
    "in/dots.../a..mp4",
    "in/~t,;:@$!^`{|}.mp4",
    "in/" + "long " * 180 + ".mp4",
    "in/ends with a dot./b.mp4",
]
"""Keys that can be read."""
UNUSUAL = [
    "//x.mp4",
    "/lead.mp4",
    "in//a.mp4",
    "in/./b.mp4",
    "in/two//(1).mp4",
    "in/two//z.mp4",
    "in/zz.mp4/",
]
"""Keys that obstore cannot address."""


async def listed(stores: Stores, spec: str, **given: Any) -> list[Item]:
    return [item async for item in list_sources(spec, stores=stores, **given)]


def keys_of(items: list[Item], bucket: Bucket) -> list[str]:
    return [item.uri.removeprefix(f"{bucket.url}/") for item in items]


async def test_a_key_of_any_kind_is_the_same_object_listed_and_alone_and_can_be_read(
    bucket: Bucket,
) -> None:
    content = {key: f"{number} {key}".encode() for number, key in enumerate(USUAL)}
    for key, data in content.items():
        bucket.put(key, data)
    async with bucket.stores() as stores:
        items = await listed(stores, bucket.url)
        assert keys_of(items, bucket) == sorted(USUAL)
        for item in items:
            data = content[item.uri.removeprefix(f"{bucket.url}/")]
            assert await listed(stores, item.uri) == [item]
            pinned = await stores.open(item)
            assert (pinned.size, pinned.version) == (len(data), item.version)
            assert await bytes_of(pinned.source, 0, len(data)) == data
            assert await bytes_of(pinned.source, 3, 4) == data[3:7]


async def test_what_is_listed_becomes_videos_and_is_known_the_next_time(
    bucket: Bucket, emu: Emulator, client: ApiVideoClient, tmp_path: Any
) -> None:
    content = {f"in/{number}.mp4": b"%d" % number for number in range(3)}
    for key, data in content.items():
        bucket.put(key, data)
    async with bucket.stores() as stores:
        options = IngestOptions(attempts=1)
        async with Ingest(client, tmp_path / "ledger.db", stores=stores, options=options) as ingest:
            results = [
                result
                async for result in ingest.run(list_sources(f"{bucket.url}/in/", stores=stores))
            ]
            assert [(result.outcome, result.error) for result in results] == [("done", None)] * 3
            results = [
                result
                async for result in ingest.run(list_sources(f"{bucket.url}/in", stores=stores))
            ]
            assert (results, ingest.activity.known) == ([], 3)
            bucket.put("in/0.mp4", b"another")
            results = [
                result
                async for result in ingest.run(list_sources(f"{bucket.url}/in/", stores=stores))
            ]
            assert [result.outcome for result in results] == ["done"]
    digests = sorted(emu.sha256(video_id) for video_id in emu.state.videos)
    assert digests == sorted(map(sha256, [*content.values(), b"another"]))


async def test_an_object_that_was_replaced_since_it_was_listed_is_not_read(bucket: Bucket) -> None:
    bucket.put("a.mp4", b"0123456789")
    async with bucket.stores() as stores:
        [item] = await listed(stores, bucket.url)
        pinned = await stores.open(item)
        bucket.put("a.mp4", b"abcdefghij")
        for reading in (stores.open(item), bytes_of(pinned.source, 0, 5)):
            with pytest.raises(SourceError) as caught:
                await reading
            assert caught.value.cause in ("changed", "missing"), caught.value


async def test_unusual_keys_are_named_and_left_out_and_every_other_one_is_listed(
    bucket: Bucket,
) -> None:
    usual = [
        "in/a.mp4",
        "in/two/#.mp4",
        "in/two/(1).mp4",
        "in/two/z.mp4",
        "lead.mp4",
        "x.mp4",
        "z.mp4",
    ]
    odd = list(UNUSUAL)
    if not bucket.url.startswith("s3"):  # moto refuses this key.
        odd.append("in/line\nbreak.mp4")
    for key in [*usual, *odd, "in/notes//a.txt", "in/season.1/"]:
        bucket.put(key, b"" if key == "in/season.1/" else key.encode())
    problems: list[str] = []
    async with bucket.stores() as stores:
        items = await listed(stores, bucket.url, on_problem=problems.append)
        assert keys_of(items, bucket) == usual
        reported = [
            problem.partition(" is left out: its key ")[0].removeprefix(f"{bucket.url}/")
            for problem in problems
        ]
        assert sorted(reported) == sorted(key.replace("\n", r"\n") for key in odd)
        for item in items:
            assert (await stores.open(item)).version == item.version
        below = await listed(stores, f"{bucket.url}/in/two/", on_problem=problems.append)
        assert keys_of(below, bucket) == ["in/two/#.mp4", "in/two/(1).mp4", "in/two/z.mp4"]
        with pytest.raises(SourceError, match="its key has an empty part"):
            await listed(stores, f"{bucket.url}/in/two//(1).mp4")
        with pytest.raises(SourceError, match="begins or ends with a slash"):
            await listed(stores, f"{bucket.url}//lead.mp4")


async def test_without_on_problem_an_unusual_key_is_logged(
    s3_bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    s3_bucket.put("a//b.mp4", b"x")
    s3_bucket.put("c.mp4", b"x")
    with caplog.at_level(logging.WARNING, "apivideo_async.ingest"):
        async with s3_bucket.stores() as stores:
            assert keys_of(await listed(stores, s3_bucket.url), s3_bucket) == ["c.mp4"]
    assert caplog.messages == [
        f"{s3_bucket.url}/a//b.mp4 is left out: its key has an empty part (two slashes in a row), "
        "rename it"
    ]


async def test_a_listing_of_our_own_has_every_key_page_by_page(bucket: Bucket) -> None:
    keys = sorted([*USUAL, *UNUSUAL])
    for key in keys:
        bucket.put(key, key.encode())
    async with (
        bucket.stores() as stores,
        ExactListing(stores.objects, parse_uri(bucket.url)) as exact,
    ):
        pages = [page async for page in exact.pages("", "", limit=4)]
        assert [each["path"] for page in pages for each in page] == keys
        # fake-gcs-server returns one page.
        assert len(pages) == (1 if bucket.url.startswith("gs") else -(-len(keys) // 4))
        later = [each["path"] async for page in exact.pages("in/", "in/Ü") for each in page]
        assert later == [key for key in keys if key.startswith("in/") and key > "in/Ü"]
        [item, *_] = await listed(stores, f"{bucket.url}/a.mp4")
        found = {each["path"]: (each["e_tag"], each["size"]) for page in pages for each in page}
        assert found["a.mp4"] == (item.version, item.size)


async def test_a_listing_of_our_own_has_the_signature_that_s3_expects(
    s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto checks no signatures; botocore's are those that S3 accepts."""
    async with (
        s3_bucket.stores() as stores,
        ExactListing(stores.objects, parse_uri(s3_bucket.url)) as exact,
    ):
        url = await exact._sign(s3_query("in/ü +&/", "in/a//b?#%", "", 7))
    plain, _, given = url.partition("&X-Amz-Algorithm=")
    signed = dict(parse_qsl(given))
    when = datetime.strptime(signed["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda remove_tzinfo=True: when.replace(tzinfo=None)
    )
    request = AWSRequest("GET", plain)
    S3SigV4QueryAuth(Credentials("AKIDOFTESTS", "secretoftests"), "s3", "us-east-1", 600).add_auth(
        request
    )
    assert f"X-Amz-Signature={signed['X-Amz-Signature']}" in request.url


async def test_a_public_bucket_is_listed_without_a_signature(s3_bucket: Bucket) -> None:
    for key in ("a.mp4", "b//c.mp4", "d.mp4"):
        s3_bucket.put(key, b"x")
    problems: list[str] = []
    async with Stores(config={"skip_signature": True}) as stores:
        items = await listed(stores, s3_bucket.url, on_problem=problems.append)
        async with ExactListing(stores.objects, parse_uri(s3_bucket.url)) as exact:
            assert "X-Amz" not in await exact._sign(s3_query("", "", "", 7))
    assert (keys_of(items, s3_bucket), len(problems)) == (["a.mp4", "d.mp4"], 1)


@pytest.mark.parametrize(
    ("status", "headers", "body", "retryable"),
    [
        (403, {}, "<Error><Code>AccessDenied</Code></Error>", False),
        (301, {"Location": "http://169.254.169.254/"}, "", False),
        (200, {}, "no xml", False),
        (200, {}, "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>", False),
        (200, {}, "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", False),
        (503, {}, "<Error><Code>SlowDown</Code></Error>", True),
    ],
)
async def test_a_listing_that_cannot_go_on_names_the_key_that_stopped_it(
    s3: Any, serve: Serve, status: int, headers: dict[str, str], body: str, retryable: bool
) -> None:
    page = (
        "<ListBucketResult><Contents><Key>a//b.mp4</Key><Size>1</Size><ETag>1</ETag>"
        "<LastModified>2026-01-05T10:00:00Z</LastModified></Contents></ListBucketResult>"
    )

    async def answer(request: web.Request) -> web.Response:
        if "x-id" in request.query:
            return web.Response(status=status, headers=headers, text=body)
        return web.Response(text=page, content_type="application/xml")

    async with Stores(config={"endpoint": await serve(answer)}) as stores:
        with pytest.raises(SourceError) as caught:
            await listed(stores, "s3://films/in/")
    assert caught.value.retryable == retryable
    assert (
        "s3://films/a//b.mp4 cannot be read: its key has an empty part" in str(caught.value)
    ) != retryable
