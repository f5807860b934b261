"""Models in the code of users: as JSON, as keys, as types of pydantic and FastAPI."""

import copy
import json
import pickle
import subprocess
import sys
import typing
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import apivideo_async
from apivideo_async import (
    LiveStream,
    Model,
    Page,
    Pagination,
    Problem,
    Restream,
    Video,
    VideoSourceRecorded,
    VideoStatus,
    WebhookEvent,
    json_default,
)
from apivideo_async.emulator import Emulator
from apivideo_async.models import event_from, from_json, page_from, to_json
from apivideo_async.models._convert import wire_name

BODY: dict[str, Any] = {
    "videoId": "vi1",
    "title": "Talk é",
    "description": None,
    "createdAt": "2019-12-16T19:25:51+0000",
    "updatedAt": "2019-12-16T19:25:51.217Z",
    "publishedAt": "2019-12-16T19:25:51+00:00",
    "tags": ["a"],
    "metadata": [{"key": "k", "value": "v"}],
    "assets": {"hls": "x", "player": None, "new": [1, {"a": None}]},
    "source": {"type": "upload", "liveStream": {"liveStreamId": "li1"}},
    "new": {"deep": [1.5, None]},
}
VIDEO = from_json(BODY, Video)
PAGE = page_from({"data": [BODY], "pagination": {"itemsTotal": "1", "links": []}, "x": 1}, Video)
EVENT = event_from({"type": "video.source.recorded", "videoId": "vi1"})
MODELS: list[Any] = [
    kind
    for name in apivideo_async.__all__
    if isinstance(kind := getattr(apivideo_async, name), type) and issubclass(kind, Model)
]
CONCRETE = [kind for kind in MODELS if kind not in (Model, Page)]


# -- JSON


def test_to_dict_is_the_json_that_was_received() -> None:
    assert VIDEO.to_dict() == BODY
    assert PAGE is not None
    assert PAGE.to_dict() == {
        "data": [BODY],
        "pagination": {"itemsTotal": "1", "links": []},
        "x": 1,
    }
    assert EVENT.to_dict() == {"type": "video.source.recorded", "videoId": "vi1"}


DATES = st.sampled_from(
    [
        *("2019-12-16T19:25:51+00:00", "2019-12-16T19:25:51-05:00", "2019-12-16 19:25:51+00:00"),
        *("2019-12-16T19:25:51Z", "2019-12-16", "2019-W51-1T19:25:51+00:00", "20191216T192551Z"),
        *("2019-12-16T19:25:51.000+01:00", "20191216T192551.123+00:00", "no date", 5, None),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | DATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data())
def test_the_json_of_any_response_comes_back_exactly(data: st.DataObject) -> None:
    """Null, absent members, and every form of times and numbers included."""
    kind = data.draw(st.sampled_from(CONCRETE))
    names = [wire_name(each) for each in attrs.fields(kind) if each.name != "extra"]
    body = data.draw(st.dictionaries(st.sampled_from([*names, "new"]), VALUES, max_size=4))
    model = from_json(body, kind)
    assert model.to_dict() == body
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), copy.copy(model)):
        assert copied == model
        assert copied.to_dict() == body
        assert hash(copied) == hash(model)


async def test_responses_of_the_emulator_come_back_exactly() -> None:
    async with (
        Emulator() as emulator,
        apivideo_async.ApiVideoClient(emulator.api_key, base_url=emulator.url) as client,
    ):
        video = await client.videos.create(title="Talk", metadata={"a": "b"})
        live = await client.live_streams.create(name="Live")
        player = await client.players.create()
        for raw in (
            await client.videos.with_raw_response.get(video.video_id),
            await client.videos.with_raw_response.get_status(video.video_id),
            await client.videos.with_raw_response.list(),
            await client.live_streams.with_raw_response.get(live.live_stream_id),
            await client.players.with_raw_response.get(player.player_id),
        ):
            assert raw.value.to_dict() == json.loads(raw.body)
            hash(raw)


def test_a_changed_model_has_the_json_of_its_fields() -> None:
    changed = attrs.evolve(VIDEO, title="Other")
    assert changed.to_dict() == {
        **{name: value for name, value in BODY.items() if value is not None},
        "title": "Other",
        "createdAt": "2019-12-16T19:25:51+00:00",
        "updatedAt": "2019-12-16T19:25:51.217000+00:00",
    }
    assert Video(video_id="vi2").to_dict() == {"videoId": "vi2", "tags": [], "metadata": []}


def test_requests_do_not_repeat_null() -> None:
    """A restream of a response can be passed on (service.md#null-and-absent)."""
    body = {"restreams": [{"name": None, "serverUrl": "rtmp://a", "streamKey": "k"}]}
    live = from_json(body, LiveStream)
    assert to_json(live.restreams) == [{"serverUrl": "rtmp://a", "streamKey": "k"}]
    assert live.restreams[0].to_dict()["name"] is None


def test_changing_the_result_changes_no_model() -> None:
    content = VIDEO.to_dict()
    content["new"]["deep"].append(1)
    content["assets"]["new"][1]["b"] = 2
    content["tags"].append("b")
    content["metadata"].clear()
    assert VIDEO.to_dict() == BODY


def test_to_json_is_json_in_any_encoding() -> None:
    assert json.loads(VIDEO.to_json()) == json.loads(VIDEO.to_json(indent=2)) == BODY
    assert VIDEO.to_json().isascii()
    assert "\n" not in VIDEO.to_json()
    assert from_json({"title": "\ud800"}, Video).to_json().encode("ascii")


def test_models_within_other_values_become_json() -> None:
    problem = Problem(title="T", range={"min": 1}, extra={"new": [1]})
    hash(problem)
    text = json.dumps({"videos": [VIDEO], "problem": problem}, default=json_default)
    assert json.loads(text) == {
        "videos": [BODY],
        "problem": {"title": "T", "range": {"min": 1}, "new": [1]},
    }
    for value in (object(), Video, {1}):
        with pytest.raises(TypeError, match="cannot be converted"):
            json.dumps([value], default=json_default)


def test_numbers_that_json_does_not_have_become_null() -> None:
    status = from_json({"a": float("nan"), "b": [float("inf"), 1.5]}, VideoStatus)
    assert json.loads(status.to_json()) == {"a": None, "b": [None, 1.5]}


def test_attrs_and_json_know_every_value() -> None:
    """``extra`` of most models is one object, which must not differ from a dict."""
    plain = json.loads(json.dumps(attrs.asdict(from_json({"assets": {}}, Video)), default=str))
    assert (plain["extra"], plain["assets"]["extra"]) == ({}, {})
    for change in (
        lambda extra: extra.update(a=1),
        lambda extra: extra.setdefault("a", 1),
        lambda extra: extra.__setitem__("a", 1),
        lambda extra: extra.__ior__({"a": 1}),
        dict.popitem,
    ):
        with pytest.raises((TypeError, KeyError)):
            change(from_json({}, Video).extra)
    assert from_json({}, Video).extra == {}


# -- keys and mappings


@pytest.mark.parametrize("kind", CONCRETE)
def test_equal_models_have_equal_hashes(kind: Any) -> None:
    one, other = from_json({"new": [1]}, kind), kind(extra={"new": [1]})
    assert one == other
    assert len({one, other}) == 1


def test_a_model_can_be_a_key() -> None:
    assert {VIDEO: 1}[from_json(BODY, Video)] == 1
    assert hash(VIDEO) != hash(attrs.evolve(VIDEO, title="Other"))
    assert hash(PAGE) == hash(copy.copy(PAGE))
    assert Video() != VideoStatus()


def test_dict_of_a_model_is_its_json() -> None:
    assert dict(VIDEO) == {**VIDEO} == BODY
    assert VIDEO["videoId"] == "vi1"
    with pytest.raises(KeyError):
        VIDEO["video_id"]
    empty = Page[Video]([], Pagination())
    assert dict(empty) == {"data": [], "pagination": {"links": []}}
    assert list(empty) == []


def test_a_model_is_not_iterable() -> None:
    """Otherwise Python would pass 0, 1, 2 … to ``__getitem__``."""
    with pytest.raises(TypeError, match="not iterable"):
        iter(VIDEO)


# -- pydantic


@pytest.fixture(scope="module")
def pydantic() -> Any:
    return pytest.importorskip("pydantic")


def test_a_model_is_a_type_of_pydantic(pydantic: Any) -> None:
    class Stored(pydantic.BaseModel):
        video: Video
        page: Page[Video]
        event: WebhookEvent
        other: Video | None = None

    stored = Stored(video=VIDEO, page=PAGE, event=EVENT)
    assert stored.video is VIDEO
    assert stored.model_dump()["video"] == BODY
    assert json.loads(stored.model_dump_json())["page"]["data"] == [BODY]
    for read in (
        Stored.model_validate_json(stored.model_dump_json()),
        Stored(**stored.model_dump()),
    ):
        assert read == stored
        assert isinstance(read.event, VideoSourceRecorded)
        assert read.model_dump() == stored.model_dump()


@pytest.mark.parametrize("kind", MODELS)
def test_every_model_has_a_schema(pydantic: Any, kind: Any) -> None:
    adapter = pydantic.TypeAdapter(kind)
    for mode in ("validation", "serialization"):
        adapter.json_schema(mode=mode)
    for value in (5, "text", [], None):
        with pytest.raises(pydantic.ValidationError, match="is an object"):
            adapter.validate_python(value)


def test_the_schema_has_the_names_of_the_api(pydantic: Any) -> None:
    schema = pydantic.TypeAdapter(Page[Video]).json_schema()
    video = schema["$defs"]["Video"]["properties"]
    assert video["createdAt"]["anyOf"][0] == {"type": "string", "format": "date-time"}
    assert video["metadata"]["items"]["type"] == "object"
    assert schema["properties"]["data"]["items"] == {"$ref": "#/$defs/Video"}
    assert pydantic.TypeAdapter(Page).json_schema()["properties"]["data"]["type"] == "array"


@pytest.mark.parametrize("kind", typing.get_args(WebhookEvent))
def test_the_type_of_an_event_decides_about_its_class(pydantic: Any, kind: Any) -> None:
    name = kind.TYPE or "video.new"
    event = pydantic.TypeAdapter(WebhookEvent).validate_python({"type": name})
    assert type(event) is kind
    other = pydantic.TypeAdapter(kind)
    with pytest.raises(pydantic.ValidationError, match="another type"):
        other.validate_python({"type": "video.new" if kind.TYPE else "video.source.recorded"})


def test_reading_a_page_leaves_the_argument_unchanged(pydantic: Any) -> None:
    body = {"data": [BODY], "pagination": {}}
    assert pydantic.TypeAdapter(Page[Video]).validate_python(body).data == [VIDEO]
    assert pydantic.TypeAdapter(Page[int]).validate_python(body).data == [BODY]
    assert body == {"data": [BODY], "pagination": {}}
    for data in (None, 5, {}, [5]):
        with pytest.raises(pydantic.ValidationError, match="a list of objects"):
            pydantic.TypeAdapter(Page[Video]).validate_python({"data": data})


def test_any_model_can_be_written_but_not_read(pydantic: Any) -> None:
    adapter = pydantic.TypeAdapter(Model)
    assert adapter.dump_python(adapter.validate_python(VIDEO)) == BODY
    with pytest.raises(pydantic.ValidationError):
        adapter.validate_python(BODY)


# -- FastAPI


def returning(value: Any) -> Any:
    async def endpoint() -> Any:
        return value

    return endpoint


@pytest.mark.slow
async def test_fastapi_returns_and_accepts_models() -> None:
    fastapi = pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")
    app = fastapi.FastAPI()
    returned: Mapping[str, tuple[Any, Any]] = {
        "annotated": (Video, VIDEO),
        "list": (list[Video], [VIDEO]),
        "page": (Page[Video], PAGE),
        "dict": (dict[str, Video], {"video": VIDEO}),
        "model": (Model, VIDEO),
        "nothing": (Video | None, None),
    }
    for path, (kind, value) in returned.items():
        app.get(f"/{path}", response_model=kind)(returning(value))
        app.get(f"/{path}/untyped", response_model=None)(returning(value))

    body = fastapi.Body()

    @app.post("/")
    async def receive(video: Video = body) -> Restream:
        return Restream(name=video.title)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        expected = {
            "annotated": BODY,
            "list": [BODY],
            "page": PAGE.to_dict() if PAGE else None,
            "dict": {"video": BODY},
            "model": BODY,
            "nothing": None,
        }
        for path, content in expected.items():
            for url in (f"/{path}", f"/{path}/untyped"):
                assert (await client.get(url)).json() == content
        assert (await client.post("/", json=BODY)).json() == {"name": "Talk é"}
        assert (await client.post("/", json=[])).status_code == 422
        schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
        assert {"Video", "VideoAssets", "Page_Video_"} <= set(schemas)


def test_pydantic_is_loaded_by_its_users_only() -> None:
    code = (
        "import sys, apivideo_async; apivideo_async.Video; print('pydantic_core' in sys.modules, "
        "'apivideo_async.models._pydantic' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.split() == ["False", "False"]
