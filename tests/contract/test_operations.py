"""Each method: the request that a call sends, and the result that it makes of the response.

See service.md#requests-and-responses, service.md#operations, service.md#legacy-operations.
"""

import inspect
from collections import Counter
from typing import Any

import pytest

from apivideo_async import (
    ApiVideoClient,
    ConfigurationError,
    NotFoundError,
    Page,
    Paginator,
    RawResponse,
)
from apivideo_async.models import to_json
from apivideo_async.resources._resource import Resource
from tests.contract.operations import OPERATIONS, Operation
from tests.contract.recorder import LIMITS, Answer, Recorder, Seen

ROWS = [pytest.param(operation, id=operation.name) for operation in OPERATIONS]
DELETES = [row for row in ROWS if "missing_ok" in row.values[0].options]
BY_HAND = {
    "videos.open_upload",
    "videos.open_private_session",
    "live_streams.open_private_session",
    "videos.wait_until_playable",
    "videos.wait_until_playable_many",
    "webhooks.verify",
    "webhooks.unwrap",
}
"""Methods that are not operations of the API. They have their own tests."""

EXTRA = {"extra_body": {"newOption": "new"}, "extra_query": {"newParameter": "new"}}
NO_EXTRA = {
    "auth.authenticate",
    "auth.refresh",
    "videos.upload",
    "videos.upload_with_token",
}
"""Methods that neither create nor change an object with one request."""
WRITES = [
    row
    for row in ROWS
    if row.values[0].verb in ("POST", "PATCH") and row.values[0].name not in NO_EXTRA
]

DEFAULT_NAME = (
    "captions.vtt",
    "chapters.vtt",
    "thumbnail.png",
    "logo.png",
    "watermark.png",
    "video",
)
"""Names of files whose source has no name."""


def answering(recorder: Recorder, operation: Operation) -> None:
    recorder.expects_exchange = operation.name == "auth.authenticate"
    recorder.answer = lambda _: Answer(
        operation.status, operation.body if operation.model else None
    )


def sections(client: ApiVideoClient) -> dict[str, Resource]:
    return {name: value for name, value in vars(client).items() if isinstance(value, Resource)}


def test_every_method_is_in_the_table_once() -> None:
    methods = {
        f"{section}.{name}"
        for section, resource in sections(ApiVideoClient("key")).items()
        for name, _ in inspect.getmembers(resource, callable)
        if not name.startswith("_") and name != "with_raw_response"
    }
    counted = Counter(operation.name for operation in OPERATIONS)
    assert set(counted) | BY_HAND == methods
    assert set(counted.values()) == {1}
    assert len(counted) == 63


@pytest.mark.parametrize("operation", ROWS)
def test_the_table_gives_every_argument(operation: Operation) -> None:
    """The requests then have every parameter that exists."""
    method = operation.method(ApiVideoClient("key"))
    names = set()
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            names.add(parameter.name)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            names |= set(parameter.annotation.__args__[0].__annotations__)
    assert names - set(operation.options) <= {
        "prefetch",
        "size",
        "on_progress",
        "idempotency_key",
        "ledger",
        *EXTRA,
    }
    required = [
        parameter.name
        for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        and parameter.default is inspect.Parameter.empty
    ]
    assert sorted(required) == sorted(operation.required)


@pytest.mark.parametrize("operation", ROWS)
async def test_a_call_is_on_the_wire_as_documented(
    recorder: Recorder, client: ApiVideoClient, operation: Operation
) -> None:
    answering(recorder, operation)
    result = await operation.call(client)
    [seen] = sent(recorder, operation)
    assert (seen.method, seen.path, seen.query) == (
        operation.verb,
        operation.quoted,
        operation.query,
    )
    check_headers(seen, operation)
    check_body(seen, operation)
    check_result(result, operation)


@pytest.mark.parametrize("operation", WRITES)
async def test_every_creation_and_change_takes_extra_parameters(
    recorder: Recorder, client: ApiVideoClient, operation: Operation
) -> None:
    """They are added to what the arguments send, and never replace it."""
    answering(recorder, operation)
    method = operation.method(client)
    await method(*operation.arguments, **operation.options, **EXTRA)
    [seen] = recorder.seen
    assert seen.query == [*operation.query, ("newParameter", "new")]
    if operation.json is None:
        fields = {name: content.decode() for name, _, _, content in seen.fields if name != "file"}
        assert fields == {**operation.fields, "newOption": "new"}
    else:
        assert seen.json == {**operation.json, "newOption": "new"}
    for name in operation.json or ["file", *operation.fields]:
        with pytest.raises(ConfigurationError, match="extra_body"):
            await method(*operation.arguments, **operation.options, extra_body={name: "x"})
    if "idempotency_key" in inspect.signature(method).parameters:
        # Refused before the search for an existing video.
        with pytest.raises(ConfigurationError, match="extra_body"):
            await method(**operation.options, idempotency_key="k", extra_body={"title": "x"})
    with pytest.raises(TypeError, match="extra_boddy"):
        await method(*operation.arguments, **operation.options, extra_boddy={})
    assert len(recorder.seen) == 1


CREATIONS = [row for row in WRITES if row.values[0].verb == "POST" and row.values[0].json]


@pytest.mark.parametrize("operation", CREATIONS)
async def test_a_creation_refuses_none_before_anything_is_sent(
    recorder: Recorder, client: ApiVideoClient, operation: Operation
) -> None:
    """service.md#null-and-absent: only the language may be null."""
    for name in set(operation.options) - {"language"}:
        with pytest.raises(ConfigurationError, match=name):
            await operation.method(client)(**{**operation.options, name: None})
    assert recorder.seen == []


def sent(recorder: Recorder, operation: Operation) -> list[Seen]:
    """Every request, without the status that an upload requests first."""
    return [
        seen for seen in recorder.seen if operation.name != "videos.upload" or seen.method == "POST"
    ]


def check_headers(seen: Seen, operation: Operation) -> None:
    assert seen.headers["accept"] == "application/json"
    assert seen.headers["av-origin-client"].startswith("python-async:")
    assert seen.headers.get("authorization") == ("Bearer at" if operation.authenticated else None)
    kind = seen.headers.get("content-type", "").partition(";")[0]
    assert kind == (
        "application/json"
        if operation.json is not None
        else "multipart/form-data"
        if operation.file
        else ""
    )
    assert "content-range" not in seen.headers


def check_body(seen: Seen, operation: Operation) -> None:
    if operation.json is not None:
        assert seen.json == operation.json
    elif operation.file is not None:
        *fields, file = seen.fields
        assert {name: content.decode() for name, _, _, content in fields} == dict(operation.fields)
        assert file == ("file", *operation.file, operation.source)
    else:
        assert seen.body == b""


def check_result(result: Any, operation: Operation) -> None:
    if operation.model is None:
        assert result is None
    elif operation.listed:
        assert isinstance(result, Page)
        assert [type(item) for item in result] == [operation.model] * 2
        assert result.data[1].extra == {"new": 1}
        assert without_empty_lists(to_json(result.data[0])) == operation.answer
    else:
        assert type(result) is operation.model
        assert without_empty_lists(to_json(result)) == operation.answer
        assert result.extra == {}


def without_empty_lists(value: Any) -> Any:
    """Without the empty lists that a model has for absent members."""
    if isinstance(value, dict):
        return {name: without_empty_lists(item) for name, item in value.items() if item != []}
    return [without_empty_lists(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("operation", ROWS)
async def test_what_is_not_given_is_not_sent(
    recorder: Recorder, client: ApiVideoClient, operation: Operation
) -> None:
    """service.md#null-and-absent: absent and null differ; defaults are the service's."""
    answering(recorder, operation)
    await operation.call_bare(client)
    seen = sent(recorder, operation)[0]
    query = [("currentPage", "1"), ("pageSize", "25")] if operation.listed else []
    assert seen.query == ([pair for pair in operation.query if pair[0] == "token"] or query)
    if operation.bare is not None:
        assert seen.json == operation.bare
    elif operation.file is None:
        assert seen.body == b""
    else:
        assert [name for name, *_ in seen.fields] == ["file"]
        assert seen.fields[0][1] in (
            "captions.vtt",
            "chapters.vtt",
            "thumbnail.png",
            "logo.png",
            "watermark.png",
            "video",
        )


@pytest.mark.parametrize("operation", ROWS)
async def test_an_error_names_its_operation(
    recorder: Recorder, client: ApiVideoClient, operation: Operation
) -> None:
    recorder.expects_exchange = operation.name == "auth.authenticate"
    problem = {
        "type": "https://docs.api.video/reference/resource-not-found",
        "title": "No.",
        "name": "x",
    }
    recorder.answer = lambda _: Answer(404, problem)
    if operation.name.startswith("videos.upload_with") or operation.name == "videos.upload":
        pytest.skip("an upload raises UploadError; see tests/client/test_upload_errors.py")
    with pytest.raises(NotFoundError) as caught:
        await operation.call_bare(client)
    assert caught.value.request is not None
    assert caught.value.request.operation == operation.name
    assert (caught.value.slug, caught.value.title, caught.value.name) == (
        "resource-not-found",
        "No.",
        "x",
    )


@pytest.mark.parametrize("operation", DELETES)
async def test_missing_ok_ignores_404_only(
    recorder: Recorder, client: ApiVideoClient, operation: Operation
) -> None:
    recorder.answer = lambda _: Answer(404, {})
    await operation.call(client)
    recorder.answer = lambda _: Answer(403, {})
    with pytest.raises(Exception, match="403"):
        await operation.call(client)


@pytest.mark.parametrize("operation", ROWS)
async def test_with_raw_response_returns_the_response(
    recorder: Recorder, client: ApiVideoClient, operation: Operation
) -> None:
    answering(recorder, operation)
    section, _, name = operation.name.partition(".")
    method = getattr(getattr(client, section).with_raw_response, name)
    raw = await method(*operation.arguments, **operation.options)
    assert isinstance(raw, RawResponse)
    assert raw.status == operation.status
    assert raw.headers["x-ratelimit-limit"] == LIMITS["X-RateLimit-Limit"]
    assert raw.rate_limit is not None
    assert (raw.rate_limit.limit, raw.rate_limit.remaining, raw.rate_limit.retry_after) == (
        500,
        499,
        60,
    )
    assert (raw.body != b"") == (operation.model is not None)
    check_result(raw.value, operation)


@pytest.mark.parametrize("operation", [row for row in ROWS if row.values[0].listed])
async def test_a_list_is_a_paginator(
    recorder: Recorder, client: ApiVideoClient, operation: Operation
) -> None:
    """Its pages are counted up, with the original parameters (service.md#page-links)."""
    answer = {**operation.body, "pagination": {"pagesTotal": 3, "links": []}}
    recorder.answer = lambda _: Answer(200, answer)
    paginator = operation.call(client)
    assert isinstance(paginator, Paginator)
    assert len(await paginator.to_list()) == 4
    assert [dict(seen.query)["currentPage"] for seen in recorder.seen] == ["2", "3"]
    assert {dict(seen.query)["pageSize"] for seen in recorder.seen} == {"50"}
