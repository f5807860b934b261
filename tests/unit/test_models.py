"""Models from JSON and back: exact for known members, tolerant of all others.

See service.md#timestamps, service.md#tolerant-reading, service.md#records.
"""

import copy
import json
import math
import pickle
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async import models
from apivideo_async.models import (
    AccessToken,
    BytesRange,
    Page,
    Pagination,
    PaginationLink,
    PlayerSessionEvent,
    Quality,
    ReceivedParts,
    Timeframe,
    UploadToken,
    Video,
    VideoSource,
    VideoStatus,
    VideoStatusEncoding,
    VideoStatusEncodingMetadata,
    VideoStatusIngest,
    from_json,
    parse_datetime,
    to_json,
)

MODELS = [
    kind
    for kind in vars(models).values()
    if isinstance(kind, type) and attrs.has(kind) and kind not in (Page, models.Problem)
]

IRREGULAR = {
    **{(kind, "from_"): "from" for kind in (BytesRange, PlayerSessionEvent, Timeframe)},
    (AccessToken, "access_token"): "access_token",
    (AccessToken, "refresh_token"): "refresh_token",
    (AccessToken, "token_type"): "token_type",
    (AccessToken, "expires_in"): "expires_in",
}
"""Every other wire name is the camelCase of the field."""


def wire_name(kind: type, name: str) -> str:
    head, *rest = name.split("_")
    return IRREGULAR.get((kind, name)) or head + "".join(map(str.title, rest))


def known_fields(kind: type) -> dict[str, Any]:
    """Field name -> type, without ``extra``."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in attrs.fields(kind) if field.name != "extra"}


# -- strategies made from the models themselves

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
moments = st.datetimes(
    timezones=st.integers(-14 * 60, 14 * 60).map(
        lambda minutes: timezone(timedelta(minutes=minutes))
    )
)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: moments,
    dict[str, str]: st.dictionaries(st.text(), st.text(), max_size=3),
    list[int]: st.lists(st.integers(1, 10_000), max_size=5),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    options = typing.get_args(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if attrs.has(hint):
        return models_of(hint)
    if typing.get_origin(hint) is list:
        return st.lists(values_of(options[0]), max_size=3)
    if typing.get_origin(hint) is typing.Literal:
        return st.sampled_from(options)
    return st.one_of(
        [st.none() if option is type(None) else values_of(option) for option in options]
    )


@cache
def models_of(kind: type) -> st.SearchStrategy[Any]:
    wire_names = {wire_name(kind, name) for name in known_fields(kind)}
    fields = {name: values_of(hint) for name, hint in known_fields(kind).items()}
    unknown = st.text().filter(lambda key: key not in wire_names)
    return st.builds(kind, **fields, extra=st.dictionaries(unknown, json_values, max_size=2))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
def test_a_model_converted_to_json_and_back_is_equal(kind: type, data: st.DataObject) -> None:
    """service.md#tolerant-reading: known members exact, unknown ones kept in ``extra``."""
    model = data.draw(models_of(kind))
    assert from_json(through_json(to_json(model)), kind) == model


@pytest.mark.parametrize("kind", MODELS)
@given(unknown=st.dictionaries(st.text().map("x-".__add__), json_values, min_size=1, max_size=4))
def test_unknown_members_are_kept_as_received(kind: type, unknown: dict[str, Any]) -> None:
    """service.md#tolerant-reading: the server may add members."""
    model: Any = from_json(unknown, kind)
    assert model == kind(extra=unknown)
    assert {key: to_json(model)[key] for key in unknown} == unknown


@pytest.mark.parametrize("kind", MODELS)
def test_reading_without_the_constructor_gives_an_equal_model(kind: type) -> None:
    """Reading fills the slots. It would not call a validator or ``__attrs_post_init__``."""
    assert not hasattr(kind, "__attrs_post_init__")
    assert not hasattr(kind, "__dict__") or "__slots__" in vars(kind)
    assert [field.name for field in attrs.fields(kind) if field.validator is not None] == []
    assert repr(from_json({}, kind)) == repr(kind())


# -- what has another form than expected

NO_TEXT: tuple[Any, ...] = (5, 1.5, True, [], ["a"], {}, {"a": 1})
NO_OBJECT: tuple[Any, ...] = (5, True, "text", "", [], ["a"])
WRONG: dict[Any, tuple[Any, ...]] = {
    str: NO_TEXT,
    bool: (0, 1, "true", "", [], {}),
    int: ("many", "", "1.5", 1.5, True, False, [], [1], {}, math.nan),
    float: ("fast", "", "1.5", [], {}),
    datetime: ("yesterday", "", "2024-13-01T00:00:00Z", 1717000000, True, [], {}),
    dict[str, str]: (
        5,
        True,
        "text",
        [1],
        ["ab"],
        [None],
        [{}],
        [{"key": "a"}],
        [{"value": "a"}],
        [[]],
        {"a": "b"},
    ),
    list[str]: (5, "text", "", {}, {"a": 1}, [1], ["a", None]),
    list[int]: (5, "12", "", {}, [1.5], [True], ["a"], [1, None]),
}


def wrong_values(hint: Any) -> tuple[Any, ...]:
    if hint in WRONG:
        return WRONG[hint]
    if attrs.has(hint):
        return NO_OBJECT
    if typing.get_origin(hint) is list:
        return (5, "text", {}, [5], [{}, "text"])
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    return WRONG[str] if str in options else wrong_values(options[0])


FIELDS = [
    pytest.param(kind, name, hint, id=f"{kind.__name__}.{name}")
    for kind in MODELS
    for name, hint in known_fields(kind).items()
]


@pytest.mark.parametrize(("kind", "name", "hint"), FIELDS)
def test_a_member_of_an_unknown_form_is_kept_as_received(kind: type, name: str, hint: Any) -> None:
    """One member fails no response (service.md#timestamps, service.md#tolerant-reading)."""
    for value in wrong_values(hint):
        body = {wire_name(kind, name): value}
        model: Any = from_json(body, kind)
        assert model == kind(extra=body), f"for {value!r}"
        assert to_json(model)[wire_name(kind, name)] == value or value != value


@pytest.mark.parametrize(("kind", "name", "hint"), FIELDS)
def test_null_means_absent(kind: type, name: str, hint: Any) -> None:
    """Both give the default (service.md#tolerant-reading, service.md#upload-status)."""
    model: Any = from_json({wire_name(kind, name): None}, kind)
    assert model == from_json({}, kind) == kind()
    assert model.extra == {}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("value", [None, 5, "text", [], [{}]], ids=str)
def test_a_value_that_is_no_object_is_a_type_error(kind: type, value: Any) -> None:
    with pytest.raises(
        TypeError, match=rf"^{kind.__name__} is an object, not {type(value).__name__}$"
    ):
        from_json(value, kind)


# -- numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(3600, 3600, id="integer"),
        pytest.param("33", 33, id="text of digits (the official example of GET /tags)"),
        pytest.param(33.0, 33, id="whole number with a point"),
        pytest.param(10**30, 10**30, id="large"),
        pytest.param(-1, -1, id="negative"),
    ],
)
def test_integers_are_read_in_the_forms_seen(value: Any, expected: int) -> None:
    ttl = from_json({"ttl": value}, UploadToken).ttl
    assert (ttl, type(ttl)) == (expected, int)


@pytest.mark.parametrize("value", [411.218, 24, 0])
def test_measures_of_the_encoder_are_whole_or_fractional(value: float) -> None:
    """service.md#encoding-status: bitrate is fractional; 24 stays 24 on the way back."""
    metadata = from_json({"bitrate": value}, VideoStatusEncodingMetadata)
    assert to_json(metadata) == {"bitrate": value}
    assert type(metadata.bitrate) is type(value)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(UploadToken, '{"ttl": 1e999}', id="a number beyond float reads as infinity"),
        pytest.param(AccessToken, '{"expires_in": Infinity}', id="Infinity"),
    ],
)
def test_a_number_that_is_too_large_does_not_raise(kind: type, body: str) -> None:
    """service.md#tolerant-reading: no member raises an error; ``json`` reads all of these."""
    parsed = json.loads(body)
    assert from_json(parsed, kind) == kind(extra=parsed)


def test_a_large_integer_in_a_list_is_exact() -> None:
    for numbers in ([2**53 + 1], [2**53 + 1, "7"]):
        assert from_json({"parts": numbers}, ReceivedParts).parts == [
            int(number) for number in numbers
        ]


def test_true_is_no_measure() -> None:
    assert from_json({"bitrate": True}, VideoStatusEncodingMetadata) == VideoStatusEncodingMetadata(
        extra={"bitrate": True}
    )


# -- timestamps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "2024-05-28T11:15:07+00:00", datetime(2024, 5, 28, 11, 15, 7, tzinfo=UTC), id="ATOM"
        ),
        pytest.param(
            "2021-01-29T16:46:25.217+01:00",
            datetime(2021, 1, 29, 16, 46, 25, 217000, tzinfo=timezone(timedelta(hours=1))),
            id="ATOM with a fraction",
        ),
        pytest.param(
            "2024-05-29T07+00:00:00:00",
            datetime(2024, 5, 29, 7, tzinfo=UTC),
            id="malformed emittedAt",
        ),
        pytest.param(
            "2019-06-24T11:49:19.243Z",
            datetime(2019, 6, 24, 11, 49, 19, 243000, tzinfo=UTC),
            id="milliseconds and Z",
        ),
        pytest.param(
            "2019-06-24T11:45:01.109+00",
            datetime(2019, 6, 24, 11, 45, 1, 109000, tzinfo=UTC),
            id="offset without minutes",
        ),
        pytest.param(
            "2018-09-11 13:04:37.89+00",
            datetime(2018, 9, 11, 13, 4, 37, 890000, tzinfo=UTC),
            id="space, two fraction digits",
        ),
        pytest.param(
            "4665-07-14T23:36:18+00:00",
            datetime(4665, 7, 14, 23, 36, 18, tzinfo=UTC),
            id="far future",
        ),
        pytest.param(
            "2024-05-28T11:15:07",
            datetime(2024, 5, 28, 11, 15, 7, tzinfo=UTC),
            id="no offset is UTC",
        ),
    ],
)
def test_every_form_of_timestamp_seen_is_parsed(text: str, expected: datetime) -> None:
    """service.md#timestamps."""
    moment = parse_datetime(text)
    assert (moment, moment.utcoffset()) == (expected, expected.utcoffset())
    assert from_json({"createdAt": text}, Video).created_at == expected


@given(moments)
def test_a_timestamp_reads_back_as_what_was_written(moment: datetime) -> None:
    assert parse_datetime(to_json(Video(created_at=moment))["createdAt"]) == moment


def test_an_atom_timestamp_is_written_as_it_came() -> None:
    body = {"token": "to1", "createdAt": "2020-12-02T10:26:46+00:00"}
    assert to_json(from_json(body, UploadToken)) == body


# -- metadata


def test_metadata_is_a_dict_here_and_pairs_on_the_wire() -> None:
    """service.md#query-encoding, service.md#small-records."""
    pairs = [{"key": "Author", "value": "John Doe"}, {"key": "", "value": ""}]
    video = from_json({"videoId": "vi1", "metadata": pairs}, Video)
    assert video.metadata == {"Author": "John Doe", "": ""}
    assert to_json(video) == {"videoId": "vi1", "tags": [], "metadata": pairs}


@pytest.mark.parametrize(
    ("pairs", "readable"),
    [
        pytest.param(
            [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}],
            {"a": "1"},
            id="a key twice: the first counts",
        ),
        pytest.param([{"key": "a", "value": 5}], {}, id="a value that is no text"),
        pytest.param([{"key": "a", "value": None}], {}, id="a null value"),
        pytest.param([{"key": 5, "value": "a"}], {}, id="a key that is no text"),
        pytest.param([{"key": "a", "value": "b", "id": "m1"}], {"a": "b"}, id="a third member"),
        pytest.param({}, {}, id="an empty object"),
        pytest.param("", {}, id="an empty text"),
        pytest.param(
            [{"key": "a", "value": "b"}, *NO_TEXT, {}, {"key": [1], "value": "x"}, None],
            {"a": "b"},
            id="items of any form",
        ),
    ],
)
def test_an_unreadable_pair_does_not_hide_the_others(pairs: Any, readable: dict[str, str]) -> None:
    """service.md#tolerant-reading: the list is also kept as received, so that nothing is lost."""
    body = {"videoId": "vi1", "tags": [], "metadata": pairs}
    video = from_json(body, Video)
    assert video == Video(video_id="vi1", metadata=readable, extra={"metadata": pairs})
    assert to_json(video) == video.to_dict() == body


# -- single models


@pytest.mark.parametrize(
    "status", ["uploading", "uploaded", "ingesting", "missing", "last_chunck_uploaded", "новый"]
)
def test_enums_are_open(status: str) -> None:
    """Any text is kept (service.md#tolerant-reading, service.md#ingest-status)."""
    assert from_json({"status": status}, VideoStatusIngest).status == status
    assert from_json({"status": status, "type": status}, Quality) == Quality(
        status=status, type=status
    )


def test_nested_models_keep_their_own_unknown_members() -> None:
    body = {"source": {"type": "upload", "new": 1}, "newer": 2}
    assert from_json(body, Video) == Video(
        source=VideoSource(type="upload", extra={"new": 1}), extra={"newer": 2}
    )


def test_one_bad_item_keeps_the_whole_list_raw() -> None:
    body = {"links": [{"rel": "self"}, "text"]}
    assert from_json(body, Pagination) == Pagination(extra=body)


def test_a_model_shares_no_list_with_what_it_was_read_from() -> None:
    body = {"tags": ["a"]}
    video = from_json(body, Video)
    body["tags"].append("b")
    assert video.tags == ["a"]


def test_a_list_of_models_becomes_json_again() -> None:
    links = [PaginationLink(rel="self", uri="/videos"), PaginationLink()]
    assert to_json(links) == [{"rel": "self", "uri": "/videos"}, {}]


@pytest.mark.parametrize(
    ("encoding", "playable"),
    [
        pytest.param(None, False, id="no encoding"),
        pytest.param(VideoStatusEncoding(), False, id="unknown"),
        pytest.param(VideoStatusEncoding(playable=False), False, id="not yet"),
        pytest.param(VideoStatusEncoding(playable=True), True, id="playable"),
    ],
)
def test_a_status_shows_whether_the_video_is_playable(
    encoding: VideoStatusEncoding | None, playable: bool
) -> None:
    """service.md#encoding-status."""
    assert VideoStatus(encoding=encoding).playable is playable


def test_a_page_is_its_items() -> None:
    page = Page(["a", "b"], Pagination())
    assert (list(page), len(page)) == (["a", "b"], 2)


def test_extra_without_unknown_members_is_an_immutable_empty_mapping() -> None:
    source = from_json({"type": "upload", "uri": None}, VideoSource)
    assert source.extra == {}
    assert not source.extra
    assert repr(source.extra) == "{}"
    assert "uri" not in source.extra
    with pytest.raises(KeyError):
        source.extra["uri"]
    with pytest.raises(TypeError):
        source.extra["uri"] = 1  # type: ignore[index]
    for twin in (
        pickle.loads(pickle.dumps(source)),
        copy.deepcopy(source),
        copy.copy(source),
        attrs.evolve(source),
    ):
        assert twin == source == VideoSource(type="upload")


def test_models_are_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Video(video_id="vi1").title = "other"  # type: ignore[misc]


def secret_models() -> Mapping[str, Any]:
    return {
        "AccessToken": from_json(
            {"access_token": "s3cret", "refresh_token": "s3cret"}, AccessToken
        ),
        "AccessToken, unknown member": from_json({"accessToken": "s3cret"}, AccessToken),
        "UploadToken": from_json({"token": "s3cret", "ttl": 0}, UploadToken),
    }


@pytest.mark.parametrize("name", secret_models())
def test_tokens_are_not_shown(name: str) -> None:
    """service.md#access-tokens, service.md#upload-tokens."""
    assert "s3cret" not in repr(secret_models()[name])
