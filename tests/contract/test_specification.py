"""The table against the specification: nothing that the service describes is missing here.

``APIVIDEO_CONTRACT`` names the folder with ``openapi.yaml`` and ``legacy-openapi.json``.
"""

import copy
import typing
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
import pytest
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_schema_validator import OAS30Validator
from werkzeug.datastructures import Headers, ImmutableMultiDict

from apivideo_async import ApiVideoClient, webhooks
from apivideo_async.models import WebhookEventType, _convert
from tests.contract.operations import OPERATIONS, Operation
from tests.contract.recorder import Recorder, Seen
from tests.contract.specification import CURRENT, DESCRIBED, FOLDER, LEGACY, Described
from tests.contract.test_operations import answering, sent

pytestmark = pytest.mark.skipif(not FOLDER, reason="APIVIDEO_CONTRACT names no folder")

TABLE = {(operation.verb, operation.path): operation for operation in OPERATIONS}
PAIRS = [
    pytest.param(described, TABLE[described.verb, described.path], id=described.id)
    for described in DESCRIBED
    if (described.verb, described.path) in TABLE
]


def test_every_operation_is_here_and_no_other() -> None:
    assert {(described.verb, described.path) for described in DESCRIBED} == set(TABLE)
    assert (len(list(CURRENT.operations())), len(list(LEGACY.operations()))) == (59, 4)


@pytest.mark.parametrize(("described", "operation"), PAIRS)
def test_every_query_parameter_is_sent(described: Described, operation: Operation) -> None:
    """The table calls with every argument; a filter is a name with a key, a list ends in ``[]``."""
    filters = {name for name in described.query_names() if "[" in name}
    ours = set()
    for name, _ in operation.query:
        plain = name.removesuffix("[]")
        ours.add(plain if plain in filters else plain.partition("[")[0])
    assert ours == described.query_names()


@pytest.mark.parametrize(("described", "operation"), PAIRS)
def test_every_member_of_a_body_is_sent(described: Described, operation: Operation) -> None:
    body = described.body()
    if body is None:
        # The table restores a discarded video with a body that the specification has, too.
        assert (operation.json, operation.file) == (None, None)
        return
    kind, schema = body
    ours = {*operation.fields, "file"} if kind == "multipart/form-data" else set(operation.json)
    assert ours == set(schema["properties"])
    assert set(schema.get("required", [])) <= {"file"} | set(operation.bare or {})


@pytest.mark.parametrize(("described", "operation"), PAIRS)
def test_every_member_of_an_answer_has_a_field(described: Described, operation: Operation) -> None:
    schema = described.answer(operation.status)
    if operation.model is None:
        assert schema is None
    elif operation.listed:
        assert set(schema["properties"]) <= {"data", "pagination", "context"}
        compare(
            described,
            described.schema(described.schema(schema["properties"]["data"])["items"]),
            operation.model,
        )
    else:
        compare(described, schema, operation.model)


def compare(described: Described, schema: Any, model: Any) -> None:
    """Every property has a field of the same name, and so within."""
    hints = typing.get_type_hints(model)
    fields = {
        _convert.wire_name(one): hints[one.name]
        for one in attrs.fields(model)
        if one.name != "extra"
    }
    for name, node in schema["properties"].items():
        assert name in fields, f"{model.__name__} lacks {name}"
        inner, hint = described.schema(node), _convert._bare(fields[name])
        if inner.get("type") == "array":
            inner, hint = described.schema(inner["items"]), next(iter(typing.get_args(hint)), None)
        if attrs.has(hint):
            compare(described, inner, hint)
        else:
            check_kind(inner, hint, f"{model.__name__}.{name}")


def check_kind(schema: Mapping[str, Any], hint: Any, where: str) -> None:
    kinds = {
        "string": (str, datetime),
        "boolean": (bool,),
        "integer": (int, float),
        "number": (float,),
    }
    hint = _convert._bare(hint)
    if schema["type"] != "object" and (schema["type"], hint) != ("string", int):
        assert hint in kinds[schema["type"]], f"{where}: {schema['type']}, not {hint}"
    if schema.get("format") == "date-time":
        assert hint is datetime, where


# -- enums


def literals(hint: Any) -> set[str]:
    """Every value that a type names."""
    if typing.get_origin(hint) is typing.Literal:
        return set(typing.get_args(hint))
    return {value for part in typing.get_args(hint) for value in literals(part)}


def keywords(operation: Operation) -> dict[str, Any]:
    """Wire name to type of every argument of a method."""
    method = operation.method(ApiVideoClient("key"))
    hints = dict(typing.get_type_hints(method))
    for name, hint in list(hints.items()):
        if typing.get_origin(hint) is typing.Unpack:
            del hints[name]
            hints.update(typing.get_type_hints(typing.get_args(hint)[0]))
    return {_convert.camel_case(name): hint for name, hint in hints.items()}


@pytest.mark.parametrize(("described", "operation"), PAIRS)
def test_every_value_of_a_parameter_is_named(described: Described, operation: Operation) -> None:
    """Values that the specification lists, and type checkers then know."""
    hints = keywords(operation)
    body = described.body()
    members = {**described.parameters("query"), **described.parameters("path")}
    if body is not None and body[0] == "application/json":
        members |= body[1]["properties"]
    for name, node in members.items():
        schema = described.schema(node)
        values = schema.get("enum") or described.schema(schema.get("items", {})).get("enum") or []
        assert set(values) <= literals(hints.get(name)), name


def test_every_event_of_a_webhook_is_named() -> None:
    described = next(one for one in DESCRIBED if one.id == "POST /webhooks")
    body = described.body()
    assert body is not None
    events = set(described.schema(body[1]["properties"]["events"])["items"]["enum"])
    kinds = [
        kind
        for kind in vars(webhooks).values()
        if isinstance(kind, type) and getattr(kind, "TYPE", "")
    ]
    assert events == literals(WebhookEventType) == {kind.TYPE for kind in kinds}


# -- what is sent, against the schemas


class Sent:
    """A request as the validator wants it; the validator notes the path parameters in it."""

    host_url = "https://ws.api.video"

    def __init__(self, seen: Seen) -> None:
        self.path = seen.path
        self.method = seen.method.lower()
        self.content_type = seen.headers.get("content-type", "")
        self.body = seen.body
        # OpenAPI has no form for lists within `filterBy`: that is validated on its own.
        query = [pair for pair in seen.query if not pair[0].startswith("filterBy")]
        headers = Headers(list(seen.headers.items()))
        self.parameters = RequestParameters(query=ImmutableMultiDict(query), header=headers)


@pytest.fixture(scope="module")
def validator() -> OpenAPI:
    root = copy.deepcopy(dict(CURRENT.root))
    # Null is told from absent here; clients honour the extension, validators do not know it
    # (service.md#null-and-absent).
    for schema in root["components"]["schemas"].values():
        for node in schema.get("properties", {}).values():
            if node.get("x-optional-nullable"):
                node["nullable"] = True
    return OpenAPI.from_dict(root)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "operation", [pair.values[1] for pair in PAIRS[:59]], ids=lambda operation: operation.name
)
async def test_every_request_is_valid(
    recorder: Recorder, client: ApiVideoClient, validator: OpenAPI, operation: Operation
) -> None:
    answering(recorder, operation)
    await operation.call(client)
    [seen] = sent(recorder, operation)
    seen.headers["authorization"] = "Basic a2V5Og=="  # The specification knows no other.
    validator.validate_request(Sent(seen))  # type: ignore[arg-type]


FILTERED = [pair for pair in PAIRS if "filterBy" in pair.values[0].parameters("query")]


@pytest.mark.parametrize(("described", "operation"), FILTERED)
def test_every_filter_is_valid(described: Described, operation: Operation) -> None:
    schema = described.parameters("query")["filterBy"]
    given: dict[str, Any] = {}
    for name, value in operation.query:
        if name.startswith("filterBy["):
            key = name.removeprefix("filterBy[").partition("]")[0]
            if schema["properties"][key]["type"] == "array":
                given.setdefault(key, []).append(value)
            else:
                given[key] = value
    OAS30Validator(schema).validate(given)
    assert set(given) == set(schema["properties"])
