"""The methods of ``videos`` and ``upload_tokens``, and the client around them."""

import inspect
import pickle
import subprocess
import sys
import typing
from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import aiohttp
import attrs
import pytest

import apivideo_async
from apivideo_async import (
    UNSET,
    ApiTimeoutError,
    ApiVideoClient,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    EncodingError,
    NotFoundError,
    SourceError,
    UploadOptions,
    VideoClip,
    distributed,
    emulator,
    ingest,
    models,
    types,
    webhooks,
)
from apivideo_async.emulator import Emulator, Fault
from tests.conftest import QUICK, blocks_of, data_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


async def test_create_update_show_delete(client: ApiVideoClient) -> None:
    video = await client.videos.create(
        title="One", metadata={"a": "1", "b": "2"}, tags=("x", "y"), language="fr"
    )
    assert (video.title, video.metadata, video.tags, video.language) == (
        "One",
        {"a": "1", "b": "2"},
        ["x", "y"],
        "fr",
    )
    changed = await client.videos.update(video.video_id, title="Two", tags=[], player_id=None)
    assert (changed.title, changed.tags, changed.metadata) == ("Two", [], {"a": "1", "b": "2"})
    assert (await client.videos.get(video.video_id)).title == "Two"
    await client.videos.delete(video.video_id)
    with pytest.raises(NotFoundError) as caught:
        await client.videos.get(video.video_id)
    assert caught.value.slug == "resource-not-found"
    assert caught.value.request is not None
    assert caught.value.request.operation == "videos.get"
    with pytest.raises(NotFoundError):
        await client.videos.delete(video.video_id)
    await client.videos.delete(video.video_id, missing_ok=True)


async def test_unset_is_not_sent(client: ApiVideoClient) -> None:
    video = await client.videos.create(title="t", description=UNSET, tags=UNSET)
    assert video.tags == []


async def test_a_clip_is_sent_in_its_wire_form(emu: Emulator, client: ApiVideoClient) -> None:
    clip = VideoClip(start_timecode="00:00:01", end_timecode="00:00:09")
    assert (await client.videos.create(title="t", clip=clip)).video_id


async def test_a_refused_request_lists_every_problem(client: ApiVideoClient) -> None:
    with pytest.raises(BadRequestError) as caught:
        await client.videos.create(title="")
    assert caught.value.slug is not None
    assert caught.value.problems
    assert caught.value.status == 400


async def test_an_unknown_field_is_a_type_error(emu: Emulator, client: ApiVideoClient) -> None:
    with pytest.raises(TypeError, match="no field tag;"):
        await client.upload(b"x", title="t", tag=["a"])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no field titel;"):
        await client.videos.update("viX", titel="x")  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="mapping"):
        await client.videos.create(title="t", metadata=[("a", "b")])  # type: ignore[arg-type]
    assert emu.requests == []


async def test_a_single_text_for_tags_is_refused(emu: Emulator, client: ApiVideoClient) -> None:
    with pytest.raises(ConfigurationError, match="list of texts"):
        await client.videos.create(title="t", tags="trailer")
    assert emu.requests == []


@pytest.mark.parametrize("video_id", ["", " ", "..", "."])
async def test_an_empty_id_never_reaches_the_collection(
    emu: Emulator, client: ApiVideoClient, video_id: str
) -> None:
    with pytest.raises(ConfigurationError, match="video_id"):
        await client.videos.delete(video_id)
    assert emu.requests == []


async def test_an_id_is_quoted(client: ApiVideoClient) -> None:
    with pytest.raises(NotFoundError):
        await client.videos.get("a/b?c#d é")


# -- lists


async def make_videos(client: ApiVideoClient, count: int) -> list[str]:
    videos = [
        await client.videos.create(title=f"v{n:02}", tags=["odd" if n % 2 else "even"])
        for n in range(count)
    ]
    return [video.video_id for video in videos]


@pytest.mark.parametrize("prefetch", [0, 1])
async def test_the_paginator_gives_every_item_once(client: ApiVideoClient, prefetch: int) -> None:
    made = await make_videos(client, 11)
    found = [
        v.video_id
        async for v in client.videos.list(page_size=3, prefetch=prefetch, sort_by="title")
    ]
    assert sorted(found) == sorted(made)
    pages = [page async for page in client.videos.list(page_size=3, prefetch=prefetch).pages()]
    assert [len(page) for page in pages] == [3, 3, 3, 2]
    assert pages[0].pagination.items_total == 11


async def test_the_paginator_can_be_awaited(client: ApiVideoClient) -> None:
    await make_videos(client, 5)
    page = await client.videos.list(page_size=2, current_page=2, sort_by="title", sort_order="asc")
    assert [video.title for video in page] == ["v02", "v03"]
    first = await client.videos.list(sort_by="title", sort_order="desc").first()
    assert first is not None
    assert first.title == "v04"
    assert await client.videos.list(title="nothing").first() is None
    assert len(await client.videos.list(page_size=2).to_list(limit=3)) == 3
    assert len(await client.videos.list(page_size=2).to_list()) == 5
    assert await client.videos.list().to_list(limit=0) == []


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(TypeError, match="no argument tag"):
        ApiVideoClient("key").videos.list(tag=["a"])  # type: ignore[call-arg]


async def test_filters_are_anded(client: ApiVideoClient) -> None:
    await make_videos(client, 4)
    await client.videos.create(
        title="v99", tags=["odd", "é b"], metadata={"lang": "fr", "x": "1&2"}
    )
    assert len(await client.videos.list(tags=["odd"]).to_list()) == 3
    assert len(await client.videos.list(tags=["odd", "é b"]).to_list()) == 1
    assert len(await client.videos.list(metadata={"lang": "fr", "x": "1&2"}).to_list()) == 1
    assert len(await client.videos.list(metadata={"lang": "de"}).to_list()) == 0


async def test_leaving_an_iteration_leaves_no_task(client: ApiVideoClient) -> None:
    await make_videos(client, 5)
    async for page in (pages := client.videos.list(page_size=1).pages()):
        assert len(page) == 1
        break
    await pages.aclose()


@pytest.mark.parametrize(("page", "size"), [(0, 25), (1, 0), (1, 101)])
def test_impossible_pages_are_refused(page: int, size: int) -> None:
    client = ApiVideoClient("key")
    with pytest.raises(ConfigurationError):
        client.videos.list(current_page=page, page_size=size)
    with pytest.raises(ConfigurationError):
        client.videos.list(prefetch=2)


# -- tokens


async def test_upload_tokens(client: ApiVideoClient) -> None:
    forever = await client.upload_tokens.create()
    short = await client.upload_tokens.create(ttl=timedelta(minutes=1))
    assert forever.expires_at is None
    assert short.ttl == 60
    assert short.expires_at is not None
    assert (await client.upload_tokens.get(short.token)).token == short.token
    assert {token.token async for token in client.upload_tokens.list()} == {
        forever.token,
        short.token,
    }
    await client.upload_tokens.delete(short.token)
    with pytest.raises(NotFoundError):
        await client.upload_tokens.delete(short.token)
    await client.upload_tokens.delete(short.token, missing_ok=True)
    with pytest.raises(ConfigurationError, match="ttl"):
        await client.upload_tokens.create(ttl=-1)


# -- thumbnails, discarded videos, playback


async def test_thumbnails(client: ApiVideoClient) -> None:
    video = await client.videos.create(title="t")
    for source in (PNG, blocks_of(PNG, 7)):
        shown = await client.videos.upload_thumbnail(video.video_id, source, filename="cover.png")
        assert shown.video_id == video.video_id
    assert (
        await client.videos.pick_thumbnail(video.video_id, timecode="00:00:03")
    ).video_id == video.video_id
    for wrong in (
        b"",
        bytes(8 * 1024 * 1024 + 1),
        blocks_of(bytes(8 * 1024 * 1024 + 1), 1024 * 1024),
    ):
        with pytest.raises(SourceError, match="must have 1 to"):
            await client.videos.upload_thumbnail(video.video_id, wrong)


async def test_discarded_videos_can_be_restored() -> None:
    async with (
        Emulator(video_restore=True) as emu,
        ApiVideoClient(emu.api_key, base_url=emu.url) as client,
    ):
        video = await client.videos.create(title="t")
        await client.videos.delete(video.video_id)
        gone = await client.videos.get_discarded(video.video_id)
        assert gone.assets is None
        assert gone.discarded_at is not None
        assert [v.video_id async for v in client.videos.list_discarded()] == [video.video_id]
        await client.videos.restore(video.video_id)
        assert (await client.videos.get(video.video_id)).video_id == video.video_id


async def test_waiting_until_playable() -> None:
    async with (
        Emulator(encoding="polls:3") as emu,
        ApiVideoClient(emu.api_key, base_url=emu.url) as client,
    ):
        video = await client.upload(data_of(100), title="t")
        status = await client.videos.wait_until_playable(video.video_id, timeout=60)
        assert status.playable
        empty = await client.videos.create(title="empty")
        with pytest.raises(ApiTimeoutError, match="is its upload complete"):
            await client.videos.wait_until_playable(empty.video_id, timeout=0.3)


async def test_a_file_that_cannot_be_encoded_is_an_error(
    emu: Emulator, client: ApiVideoClient
) -> None:
    failed = {
        "encoding": {"playable": False, "qualities": [{"quality": "360p", "status": "failed"}]}
    }
    emu.faults.add(Fault("videos.get_status", "status", status=200, body=failed))
    with pytest.raises(EncodingError, match="is the file a video"):
        await client.videos.wait_until_playable("viX")


# -- the client itself


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
async def test_both_kinds_of_authentication(emu: Emulator, scheme: Any) -> None:
    async with ApiVideoClient(emu.api_key, base_url=emu.url, auth=scheme) as client:
        await client.videos.list()
    asked = [record.operation for record in emu.requests]
    assert asked == (["auth.authenticate"] if scheme == "bearer" else []) + ["videos.list"]


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
@pytest.mark.parametrize("status", [400, 401])
async def test_a_wrong_key_is_an_authentication_error(scheme: Any, status: int) -> None:
    async with Emulator(invalid_key_status=status) as emu:
        async with ApiVideoClient(
            "wrong-key", base_url=emu.url, auth=scheme, retry=QUICK
        ) as client:
            with pytest.raises(AuthenticationError) as caught:
                await client.videos.list()
    assert "wrong-key" not in str(caught.value) + repr(caught.value.__dict__) + repr(client) + repr(
        client.config
    )


async def test_the_error_without_a_key_says_what_to_do() -> None:
    async with ApiVideoClient() as client:
        with pytest.raises(ConfigurationError, match="APIVIDEO_API_KEY"):
            await client.videos.list()
        with pytest.raises(ConfigurationError, match="APIVIDEO_API_KEY"):
            await client.upload(b"x", title="t")


async def test_settings_come_from_the_environment(
    emu: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APIVIDEO_API_KEY", emu.api_key)
    monkeypatch.setenv("APIVIDEO_BASE_URL", emu.url + "/")
    async with ApiVideoClient() as client:
        await client.videos.list()


async def test_request_calls_operations_that_have_no_method(
    emu: Emulator, client: ApiVideoClient
) -> None:
    made = await client.request("post", "/videos", json={"title": "raw"})
    assert made.status == 201
    shown = await client.request("GET", "/videos", query={"title": "raw", "pageSize": 1})
    assert shown.json()["data"][0]["title"] == "raw"
    with pytest.raises(NotFoundError) as caught:
        await client.request("GET", "/nothing")
    assert caught.value.slug == "unrecognized-request-url"
    for path in ("videos", "/videos?x=1"):
        with pytest.raises(ConfigurationError):
            await client.request("GET", path)


async def test_a_copy_shares_connections_tokens_and_budgets(
    emu: Emulator, client: ApiVideoClient
) -> None:
    await client.videos.list()
    copy = client.with_options(upload=UploadOptions(concurrency=2), retry=QUICK)
    assert copy.config.upload.concurrency == 2
    await copy.videos.list()
    await copy.aclose()
    await client.videos.list()
    assert [r.operation for r in emu.requests].count("auth.authenticate") == 1


async def test_a_session_of_the_caller_stays_open(emu: Emulator) -> None:
    async with aiohttp.ClientSession() as session:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, session=session) as client:
            await client.videos.list()
        assert not session.closed


async def test_the_error_of_a_closed_client_names_the_reason(emu: Emulator) -> None:
    client = ApiVideoClient(emu.api_key, base_url=emu.url)
    await client.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await client.videos.list()


async def test_every_request_names_the_client_and_the_application(emu: Emulator) -> None:
    seen: list[dict[str, str]] = []

    async def note(_: Any, __: Any, params: aiohttp.TraceRequestStartParams) -> None:
        seen.append(dict(params.headers))

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(note)
    async with ApiVideoClient(
        emu.api_key, base_url=emu.url, app_name="my-app", app_version="1.2", trace_configs=[tracing]
    ) as client:
        await client.videos.list()
    assert len(seen) == 2
    for headers in seen:
        assert headers["AV-Origin-Client"].startswith("python-async:")
        assert headers["AV-Origin-App"] == "my-app:1.2"


def test_importing_the_package_loads_no_dependency() -> None:
    heavy = ("aiohttp", "cattrs", "attrs", "ast")
    code = f"import sys, apivideo_async; print([m for m in {heavy} if m in sys.modules])"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.stdout.strip() == "[]", child.stderr


@pytest.mark.parametrize("module", [apivideo_async, types, ingest], ids=lambda m: m.__name__)
def test_every_public_name_is_loaded_when_it_is_used(module: ModuleType) -> None:
    names = module.__all__
    assert len(names) > 10
    assert names == sorted(set(names))
    assert set(names) <= set(dir(module))
    namespace: dict[str, Any] = {}
    exec(f"from {module.__name__} import *", namespace)
    for name in names:
        value = getattr(module, name)
        assert value is namespace[name]
        if isinstance(value, type):
            assert pickle.loads(pickle.dumps(value)) is value
    for name in ("nothing", "__wrapped__"):
        with pytest.raises(AttributeError, match=f"{module.__name__}.*{name}"):
            getattr(module, name)


def test_every_record_is_public() -> None:
    assert set(apivideo_async.__all__) >= {
        name for name, kind in vars(models).items() if isinstance(kind, type) and attrs.has(kind)
    }


def test_the_types_of_public_signatures_are_public_and_can_be_resolved() -> None:
    """Tools read annotations with ``typing.get_type_hints``: FastAPI, Sphinx, attrs."""
    sections = [
        type(value)
        for value in vars(ApiVideoClient("key")).values()
        if hasattr(value, "with_raw_response")
    ]
    assert len(sections) > 10
    public = {
        id(getattr(module, name)) for module in (apivideo_async, types) for name in module.__all__
    }
    for kind in (ApiVideoClient, *sections):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                hints = typing.get_type_hints(method).values()
                assert [one for one in classes_in(hints) if id(one) not in public] == []
    assert typing.get_type_hints(ApiVideoClient.request)["return"] is types.Response


def classes_in(hints: Iterable[Any]) -> Iterator[type]:
    """Yield the classes of the package that occur in type hints."""
    for hint in hints:
        if isinstance(hint, list | tuple):
            yield from classes_in(hint)
        for one in (hint, typing.get_origin(hint)):
            if isinstance(one, type) and one.__module__.startswith("apivideo_async"):
                yield one
        yield from classes_in(typing.get_args(hint))


PACKAGES = (apivideo_async, webhooks, ingest, distributed, emulator)


@pytest.mark.parametrize("module", PACKAGES, ids=lambda module: module.__name__)
def test_the_types_of_public_functions_and_classes_can_be_resolved(module: ModuleType) -> None:
    values = [getattr(module, name) for name in module.__all__]
    methods = [
        method
        for kind in values
        if inspect.isclass(kind)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if name == "__init__" or not name.startswith("_")
    ]
    for function in [*filter(inspect.isfunction, values), *methods]:
        if function.__module__.startswith("apivideo_async"):
            assert typing.get_type_hints(function) is not None
