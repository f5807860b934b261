"""Objects through the S3 protocol: ranges, pins, signatures, listings and errors."""

import hashlib
import sys
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator
from apivideo_async.errors import ConfigurationError, SourceError
from apivideo_async.ingest.listing.buckets import list_objects
from apivideo_async.ingest.listing.sources import list_sources
from apivideo_async.ingest.stores.stores import Stores
from tests.conftest import data_of, sha256
from tests.ingest.conftest import BUCKET, an_item, bytes_of

MIB = 1024 * 1024


def put(s3: Any, key: str, data: bytes) -> str:
    s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    return f"s3://{BUCKET}/{key}"


async def test_a_large_object_arrives_range_by_range_and_whole(s3: Any, stores: Stores) -> None:
    data = data_of(60 * MIB)
    pinned = await stores.open(an_item(put(s3, "large.mp4", data), size=len(data)))
    digest, largest = hashlib.sha256(), 0
    for start in range(0, len(data), 7 * MIB):
        async for block in pinned.source.read(start, min(7 * MIB, len(data) - start)):
            digest.update(block)
            largest = max(largest, len(block))
    assert (pinned.size, digest.digest()) == (len(data), hashlib.sha256(data).digest())
    assert largest <= 2 * MIB
    await pinned.aclose()


async def test_an_object_goes_up_in_chunks_at_once_without_a_file(
    s3: Any, stores: Stores, client: ApiVideoClient, emu: Emulator
) -> None:
    data = data_of(2 * MIB)
    pinned = await stores.open(an_item(put(s3, "films/a.mp4", data)))
    video = await client.upload(pinned.source, title="A film")
    assert emu.sha256(video.video_id) == sha256(data)


async def test_an_object_that_changes_during_the_upload_makes_no_complete_video(
    s3: Any, stores: Stores, client: ApiVideoClient
) -> None:
    pinned = await stores.open(an_item(put(s3, "a.mp4", data_of(2 * MIB))))
    put(s3, "a.mp4", data_of(2 * MIB, seed=2))
    with pytest.raises(SourceError) as caught:
        await client.upload(pinned.source, title="A film")
    assert (caught.value.cause, caught.value.retryable) == ("changed", False)
    status = await client.videos.get_status(str(caught.value.video_id))
    assert (status.encoding.playable, caught.value.ledger.accepted_bytes) == (False, 0)


async def test_without_obstore_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, stores: Stores
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ConfigurationError, match=r"apivideo-async\[objects\]"):
        await stores.open(an_item("s3://bucket/a.mp4"))


async def test_a_range_is_exactly_what_was_asked_for(s3: Any, stores: Stores) -> None:
    pinned = await stores.open(an_item(put(s3, "a b+ü%20?#.mp4", b"0123456789")))
    assert [
        await bytes_of(pinned.source, start, size) for start, size in [(0, 10), (3, 4), (9, 1)]
    ] == [
        b"0123456789",
        b"3456",
        b"9",
    ]
    assert pinned.source.name == "a b+ü%20?#.mp4"


async def test_an_object_that_is_replaced_while_it_is_read_is_an_error(
    s3: Any, stores: Stores
) -> None:
    uri = put(s3, "a.mp4", b"0123456789")
    pinned = await stores.open(an_item(uri))
    assert await bytes_of(pinned.source, 0, 5) == b"01234"
    put(s3, "a.mp4", b"abcdefghij")
    with pytest.raises(SourceError, match="changed while it was read") as caught:
        await bytes_of(pinned.source, 5, 5)
    assert caught.value.cause == "changed"


@pytest.mark.parametrize("about", [{"size": 9}, {"version": '"another"'}], ids=["size", "version"])
async def test_an_object_that_is_not_what_was_listed_is_not_opened(
    s3: Any, stores: Stores, about: dict[str, Any]
) -> None:
    with pytest.raises(SourceError, match="changed since it was listed") as caught:
        await stores.open(an_item(put(s3, "a.mp4", b"0123456789"), **about))
    assert (caught.value.cause, caught.value.retryable) == ("changed", False)


async def test_a_listed_object_opens_as_listed_also_where_the_bucket_keeps_versions(
    s3: Any, stores: Stores
) -> None:
    put(s3, "a.mp4", b"0123456789")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    put(s3, "a.mp4", b"0123456789")
    (item,) = [item async for item in list_objects(f"s3://{BUCKET}", stores=stores)]
    assert (await stores.open(item)).version == item.version
    for version in s3.list_object_versions(Bucket=BUCKET)["Versions"]:
        s3.delete_object(Bucket=BUCKET, Key="a.mp4", VersionId=version["VersionId"])


async def test_anyone_can_fetch_the_pull_url(s3: Any, stores: Stores) -> None:
    pinned = await stores.open(an_item(put(s3, "a b.mp4", b"0123456789")))
    url = await pinned.pull_url(600)
    assert url is not None
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert (response.status, await response.read()) == (200, b"0123456789")
    assert "X-Amz-Expires=600" in url


@pytest.mark.parametrize(
    ("key", "data", "cause"),
    [
        ("nothing.mp4", None, "missing"),
        ("redirect no-credentials non-partial.mp4", None, "missing"),
        ("empty.mp4", b"", "empty"),
        ("a//b.mp4", None, "unsupported"),
        ("", None, "unsupported"),
    ],
)
async def test_an_object_that_cannot_be_ingested_says_why(
    s3: Any, stores: Stores, key: str, data: bytes | None, cause: str
) -> None:
    if data is not None:
        put(s3, key, data)
    with pytest.raises(SourceError) as caught:
        await stores.open(an_item(f"s3://{BUCKET}/{key}"))
    assert (caught.value.cause, caught.value.retryable) == (cause, False)


@pytest.mark.parametrize("listing", [False, True], ids=["open", "list"])
async def test_a_missing_bucket_is_no_missing_object(
    s3: Any, stores: Stores, listing: bool
) -> None:
    with pytest.raises(SourceError, match="there is no bucket s3://no-such-bucket") as caught:
        if listing:
            _ = [item async for item in list_objects("s3://no-such-bucket/a", stores=stores)]
        await stores.open(an_item("s3://no-such-bucket/a.mp4"))
    assert caught.value.cause == "bucket"


async def test_a_store_that_cannot_be_reached_may_be_tried_again(s3: Any, free_port: int) -> None:
    async with Stores(config={"endpoint": f"http://127.0.0.1:{free_port}"}) as stores:
        with pytest.raises(SourceError, match="cannot be reached") as caught:
            await stores.open(an_item(f"s3://{BUCKET}/a.mp4"))
    assert (caught.value.cause, caught.value.retryable) == ("unreachable", True)


S3_ERROR = (
    "<Error><Code>{}</Code><AWSAccessKeyId>AKIDOFTESTS</AWSAccessKeyId>"
    "<StringToSign>s</StringToSign></Error>"
)


@pytest.mark.parametrize(
    ("status", "code", "cause", "retryable"),
    [
        (403, "InvalidAccessKeyId", "credentials", False),
        (403, "SignatureDoesNotMatch", "credentials", False),
        (403, "AccessDenied", "credentials", False),
        (400, "ExpiredToken", "credentials", False),
        (503, "SlowDown", "unreachable", True),
        (400, "Strange", "unreadable", False),
    ],
)
async def test_errors_of_s3_are_reported_without_their_secrets(
    s3: Any,
    serve: Any,
    status: int,
    code: str,
    cause: str,
    retryable: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """moto checks no access keys and no permissions, so a handler answers as S3 does."""
    monkeypatch.setattr("apivideo_async.ingest.stores.objects._RETRY", {"max_retries": 0})

    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            status=status, text=S3_ERROR.format(code), content_type="application/xml"
        )

    async with Stores(config={"endpoint": await serve(answer)}) as stores:
        for call in (
            stores.open(an_item(f"s3://{BUCKET}/a.mp4")),
            _first(list_objects(f"s3://{BUCKET}", stores=stores)),
        ):
            with pytest.raises(SourceError) as caught:
                await call
            error = caught.value
            assert (error.cause, error.retryable, error.__cause__) == (cause, retryable, None)
            assert code in str(error)
            assert "AKIDOFTESTS" not in str(error)


async def _first(items: Any) -> Any:
    return await anext(items)


async def test_without_credentials_the_message_says_which_are_missing(
    s3: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = put(s3, "a.mp4", b"0123456789")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    async def metadata_server(_: web.Request) -> web.Response:
        return web.Response(status=404)

    # On a machine of AWS, this server would return credentials.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", await serve(metadata_server))
    async with Stores() as stores:
        with pytest.raises(SourceError, match="AWS_ACCESS_KEY_ID") as caught:
            await stores.open(an_item(uri))
    assert caught.value.cause == "credentials"


async def test_without_credentials_that_can_sign_there_is_no_pull_url(
    s3: Any, stores: Stores, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def public_object(request: web.Request) -> web.Response:
        if "latest" in request.path:
            return web.Response(status=404)
        return web.Response(
            status=206,
            body=b"0",
            headers={
                "Content-Range": "bytes 0-0/10",
                "ETag": '"e"',
                "Last-Modified": "Mon, 05 Jan 2026 10:00:00 GMT",
            },
        )

    server = await serve(public_object)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    config = {"endpoint": server, "skip_signature": True, "metadata_endpoint": server}
    async with Stores(config=config) as public:
        pinned = await public.open(an_item(f"s3://{BUCKET}/a.mp4"))
        assert await pinned.pull_url(60) is None


@pytest.mark.parametrize(
    ("given", "etag", "body", "cause"),
    [
        ("bytes 0-4/10", "1", b"01234", "unreadable"),
        ("bytes 3-6/11", "1", b"3456", "changed"),
        ("bytes 3-6/10", "2", b"3456", "changed"),
        ("bytes 3-6/10", "1", b"345", "unreachable"),
        ("bytes 3-6/10", "1", b"34567", "unreachable"),
    ],
    ids=["another range", "another size", "another content", "fewer bytes", "more bytes"],
)
async def test_a_store_that_gives_something_else_is_never_believed(
    s3: Any, serve: Any, given: str, etag: str, body: bytes, cause: str
) -> None:
    async def wrong(request: web.Request) -> web.Response:
        looked = request.http_range.stop == 1
        headers = {
            "Content-Range": "bytes 0-0/10" if looked else given,
            "ETag": '"1"' if looked else f'"{etag}"',
            "Last-Modified": "Mon, 05 Jan 2026 10:00:00 GMT",
        }
        return web.Response(status=206, body=b"0" if looked else body, headers=headers)

    async with Stores(config={"endpoint": await serve(wrong)}) as stores:
        pinned = await stores.open(an_item(f"s3://{BUCKET}/a.mp4"))
        with pytest.raises(SourceError) as caught:
            await bytes_of(pinned.source, 3, 4)
    assert caught.value.cause == cause


async def test_a_store_that_ignores_ranges_is_noticed(s3: Any, serve: Any) -> None:
    async def whole(_: web.Request) -> web.Response:
        return web.Response(
            body=b"0123456789",
            headers={"ETag": '"e"', "Last-Modified": "Mon, 05 Jan 2026 10:00:00 GMT"},
        )

    async with Stores(config={"endpoint": await serve(whole)}) as stores:
        with pytest.raises(SourceError, match="does not return the range") as caught:
            await stores.open(an_item(f"s3://{BUCKET}/a.mp4"))
    assert (caught.value.cause, caught.value.retryable) == ("unreadable", False)


async def test_a_bucket_of_another_region_says_so(s3: Any, serve: Any) -> None:
    async def other_region(_: web.Request) -> web.Response:
        return web.Response(status=301, text=S3_ERROR.format("PermanentRedirect"))

    async with Stores(config={"endpoint": await serve(other_region)}) as stores:
        with pytest.raises(SourceError, match="set AWS_REGION") as caught:
            await stores.open(an_item(f"s3://{BUCKET}/a.mp4"))
    assert (caught.value.cause, caught.value.retryable) == ("bucket", False)


async def test_settings_that_do_not_exist_are_refused_without_being_shown() -> None:
    async with Stores(config={"secret_acess_key": "hidden"}) as stores:
        with pytest.raises(ConfigurationError) as caught:
            await stores.open(an_item("s3://bucket/a.mp4"))
        assert "hidden" not in str(caught.value)
        assert "hidden" not in repr(stores)


async def test_a_listing_gives_videos_and_leaves_out_what_stands_for_folders(
    s3: Any, stores: Stores
) -> None:
    for key in (
        "a/1.mp4",
        "a/b/2.MOV",
        "a/readme.txt",
        "a/.hidden.mp4",
        "a/b/3.mp4.part",
        "ab/4.mp4",
        ".x/5.mp4",
    ):
        put(s3, key, b"x")
    put(s3, "a/folder/", b"")
    put(s3, "a/empty.mp4", b"")
    items = [item async for item in list_objects(f"s3://{BUCKET}/a", stores=stores)]
    assert [item.uri.removeprefix(f"s3://{BUCKET}/") for item in items] == [
        "a/1.mp4",
        "a/b/2.MOV",
        "a/empty.mp4",
    ]
    assert [(item.size, item.fields["title"]) for item in items] == [
        (1, "1.mp4"),
        (1, "2.MOV"),
        (0, "empty.mp4"),
    ]
    everything = [
        item.uri async for item in list_objects(f"s3://{BUCKET}", stores=stores, patterns=["**/*"])
    ]
    assert len(everything) == 5


async def test_the_key_of_an_object_is_of_its_content(s3: Any, stores: Stores) -> None:
    async def key() -> str:
        return (await anext(list_objects(f"s3://{BUCKET}", stores=stores))).key

    put(s3, "a.mp4", b"x")
    first, again = await key(), await key()
    put(s3, "a.mp4", b"y")
    assert first == again != await key()


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("", ["a/1.mp4", "a/2.mov", "a/b/3.mp4"]),
        ("/a/b/", ["a/b/3.mp4"]),
        ("/a/*.mp4", ["a/1.mp4"]),
        ("/a/**/*.mp4", ["a/1.mp4", "a/b/3.mp4"]),
        ("/a/note.txt", ["a/note.txt"]),
        ("/a/b", ["a/b/3.mp4"]),
    ],
)
async def test_an_address_is_a_bucket_a_prefix_a_pattern_or_an_object(
    s3: Any, stores: Stores, spec: str, names: list[str]
) -> None:
    for key in ("a/1.mp4", "a/2.mov", "a/b/3.mp4", "a/note.txt"):
        put(s3, key, b"x")
    items = [
        item async for item in list_sources(f"s3://{BUCKET}{spec}", stores=stores, strategy="auto")
    ]
    assert [item.uri.removeprefix(f"s3://{BUCKET}/") for item in items] == names
    assert {item.strategy for item in items} == {"auto"}


async def test_an_object_named_alone_has_the_key_that_it_has_in_a_listing(
    s3: Any, stores: Stores
) -> None:
    uri = put(s3, "a/1.mp4", b"x")
    alone = [item async for item in list_sources(uri, stores=stores)]
    assert alone == [item async for item in list_sources(f"s3://{BUCKET}", stores=stores)]


async def test_an_address_of_nothing_is_an_error(s3: Any, stores: Stores) -> None:
    with pytest.raises(SourceError) as caught:
        _ = [item async for item in list_sources(f"s3://{BUCKET}/nothing.mp4", stores=stores)]
    assert caught.value.cause == "missing"
