"""The exception tree and its verdicts (service.md#errors, service.md#lost-responses)."""

import re

import pytest

from apivideo_async import errors
from apivideo_async.errors import (
    STATUS_ERRORS,
    ApiConnectionError,
    ApiResponseError,
    ApiStatusError,
    ApiTimeoutError,
    ApiVideoError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    DuplicateVideosError,
    EncodingError,
    LeaseLostError,
    LedgerError,
    ManifestError,
    NotFoundError,
    PermissionDeniedError,
    Problem,
    RateLimitError,
    RequestSummary,
    ServerError,
    SourceError,
    UploadError,
    WebhookSignatureError,
)

REQUEST = RequestSummary("GET", "/videos/vi1", "videos.get")


def drawn_tree() -> dict[str, tuple[str, ...]]:
    """The tree of the module's docstring: name -> names of its bases."""
    tree: dict[str, tuple[str, ...]] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(
            r"    (?P<lead>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: \(also (?P<also>\w+)\))?(?:\s|$)", line
        )
        if match is None:
            continue
        depth = len(match["lead"])
        path = [(other, name) for other, name in path if other < depth]
        bases = [path[-1][1] if path else "Exception", *([match["also"]] if match["also"] else [])]
        tree[match["name"]] = tuple(bases)
        path.append((depth, match["name"]))
    return tree


def classes() -> dict[str, type[ApiVideoError]]:
    return {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, ApiVideoError)
    }


def test_the_tree_drawn_in_the_docstring_is_the_tree() -> None:
    assert drawn_tree() == {
        name: tuple(base.__name__ for base in kind.__bases__) for name, kind in classes().items()
    }


def test_every_error_is_public() -> None:
    assert set(classes()) <= set(errors.__all__)


def make(kind: type[ApiVideoError]) -> ApiVideoError:
    if issubclass(kind, ApiStatusError | ApiResponseError):
        return kind("text", status=500)
    if issubclass(kind, EncodingError):
        return kind("text", video_id="vi1")
    return kind("text")


@pytest.mark.parametrize(
    ("kind", "retryable", "delivery"),
    [
        pytest.param(kind, retryable, delivery, id=kind.__name__)
        for kind, retryable, delivery in [
            (ApiVideoError, False, "refused"),
            (ConfigurationError, False, "refused"),
            (ManifestError, False, "refused"),
            (ApiConnectionError, True, "unknown"),
            (ApiTimeoutError, True, "unknown"),
            (ApiResponseError, True, "unknown"),
            (ApiStatusError, False, "refused"),
            (BadRequestError, False, "refused"),
            (AuthenticationError, False, "refused"),
            (PermissionDeniedError, False, "refused"),
            (NotFoundError, False, "refused"),
            (ConflictError, False, "refused"),
            (RateLimitError, True, "refused"),
            (ServerError, True, "unknown"),
            (EncodingError, False, "refused"),
            (UploadError, False, "refused"),
            (SourceError, False, "refused"),
            (DuplicateVideosError, False, "refused"),
            (LedgerError, False, "refused"),
            (LeaseLostError, False, "not_sent"),
            (WebhookSignatureError, False, "refused"),
        ]
    ],
)
def test_every_class_carries_its_verdict(
    kind: type[ApiVideoError], retryable: bool, delivery: str
) -> None:
    """service.md#lost-responses: a 4xx is final; a 5xx or a lost request may have been executed."""
    error = make(kind)
    assert (error.retryable, error.delivery, str(error)) == (retryable, delivery, "text")


def test_the_verdict_table_above_names_every_class() -> None:
    marks = test_every_class_carries_its_verdict.pytestmark  # type: ignore[attr-defined]
    assert {row.values[0] for row in marks[0].args[1]} == set(classes().values())


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        pytest.param(ConfigurationError, ValueError, id="ConfigurationError"),
        pytest.param(SourceError, ValueError, id="SourceError"),
        pytest.param(ApiTimeoutError, TimeoutError, id="ApiTimeoutError"),
    ],
)
def test_errors_that_python_has_a_name_for_are_caught_by_it(
    kind: type[ApiVideoError], builtin: type[Exception]
) -> None:
    with pytest.raises(builtin, match="text"):
        raise make(kind)


def test_statuses_map_to_their_family() -> None:
    """service.md#error-types."""
    assert {
        400: BadRequestError,
        401: AuthenticationError,
        403: PermissionDeniedError,
        404: NotFoundError,
        409: ConflictError,
        429: RateLimitError,
    } == STATUS_ERRORS


@pytest.mark.parametrize("kind", [ApiConnectionError, ApiResponseError, ApiStatusError])
def test_the_reason_is_the_message_without_the_operation(kind: type[ApiVideoError]) -> None:
    status = {} if kind is ApiConnectionError else {"status": 500}
    error = kind("no route", request=REQUEST, **status)  # type: ignore[call-arg]
    assert (str(error), error.reason) == ("videos.get: no route", "no route")  # type: ignore[attr-defined]
    error = kind("no route", **status)  # type: ignore[arg-type]
    assert (str(error), error.reason) == ("no route", "no route")  # type: ignore[attr-defined]


def test_a_configuration_error_names_the_option_at_fault() -> None:
    assert ConfigurationError("text", option="chunk_size").option == "chunk_size"
    assert ConfigurationError("text").option is None


def test_evolve_changes_a_copy_and_keeps_cause_notes_and_traceback() -> None:
    try:
        raise ApiConnectionError("text", request=REQUEST) from OSError(5, "io")
    except ApiConnectionError as caught:
        error = caught
    error.add_note("a note")
    evolved = error.evolve(delivery="not_sent")
    assert (evolved.delivery, error.delivery) == ("not_sent", "unknown")
    assert (type(evolved), str(evolved), evolved.request) == (type(error), str(error), REQUEST)
    assert (evolved.__cause__, evolved.__traceback__) == (error.__cause__, error.__traceback__)
    assert (evolved.__notes__, evolved.__suppress_context__) == (["a note"], True)


def test_a_connection_error_knows_whether_anything_left() -> None:
    error = ApiConnectionError("no route", delivery="not_sent", request=REQUEST)
    assert (error.delivery, error.request) == ("not_sent", REQUEST)
    assert ApiConnectionError.delivery == "refused", "the verdict belongs to the instance"


def test_a_response_error_keeps_status_body_and_request() -> None:
    error = ApiResponseError("no JSON", status=200, body=b"<html>", request=REQUEST)
    assert (error.status, error.body, error.request) == (200, b"<html>", REQUEST)
    assert ApiResponseError("no JSON", status=204).body == b""


def test_a_status_error_has_every_member_of_the_response() -> None:
    """service.md#error-bodies."""
    problem = Problem(
        type="https://docs.api.video/reference/invalid-attribute",
        title="An attribute is invalid.",
        name="page",
        status=400,
        detail="too low",
        range={"min": 1},
    )
    error = BadRequestError(
        "text",
        status=400,
        slug="invalid-attribute",
        problem=problem,
        problems=(problem,),
        headers={"x-ratelimit-limit": "40"},
        body=b"{}",
        request=REQUEST,
    )
    assert (error.status, error.slug, error.type) == (400, "invalid-attribute", problem.type)
    assert (error.title, error.name, error.detail, error.range) == (
        "An attribute is invalid.",
        "page",
        "too low",
        {"min": 1},
    )
    assert (error.problems, error.headers, error.body, error.request) == (
        (problem,),
        {"x-ratelimit-limit": "40"},
        b"{}",
        REQUEST,
    )


def test_a_status_error_without_a_body_has_empty_members() -> None:
    error = ApiStatusError("text", status=418)
    assert (error.slug, error.type, error.title, error.name, error.detail, error.range) == (
        None,
    ) * 6
    assert (error.problems, error.headers, error.body, error.request) == ((), {}, b"", None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"x-ratelimit-retry-after": "12"}, 12.0, id="seconds"),
        pytest.param({"x-ratelimit-retry-after": "0.250"}, 0.25, id="fraction"),
        pytest.param({}, None, id="absent"),
        pytest.param({"retry-after": "9"}, 9.0, id="the standard header"),
        pytest.param(
            {"x-ratelimit-retry-after": "12", "retry-after": "30"}, 30.0, id="the longer one"
        ),
        pytest.param({"x-ratelimit-retry-after": "soon"}, None, id="text"),
        pytest.param({"x-ratelimit-retry-after": ""}, None, id="empty"),
    ],
)
def test_retry_after_is_the_value_of_the_header(
    headers: dict[str, str], seconds: float | None
) -> None:
    """service.md#rate-limit-headers: ``X-RateLimit-Retry-After`` is in seconds."""
    assert RateLimitError("text", status=429, headers=headers).retry_after == seconds


@pytest.mark.parametrize("text", ["nan", "inf", "-5"])
def test_retry_after_is_none_when_the_header_is_no_duration(text: str) -> None:
    """service.md#rate-limit-headers, and what ``rate_limit.read_headers`` refuses as well."""
    error = RateLimitError("text", status=429, headers={"x-ratelimit-retry-after": text})
    assert error.retry_after is None


def test_an_upload_error_shows_the_answer_that_caused_it() -> None:
    with pytest.raises(UploadError) as caught:
        raise UploadError(
            "text", video_id="vi1", ledger="ledger", outcome="unknown"
        ) from ServerError("text", status=503, slug="server-error")
    error = caught.value
    assert (error.status, error.slug) == (503, "server-error")
    assert (error.video_id, error.ledger, error.outcome) == ("vi1", "ledger", "unknown")


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(None, id="no cause"),
        pytest.param(OSError(5, "io"), id="a cause that is no answer"),
    ],
)
def test_an_upload_error_without_an_answer_has_no_status(cause: Exception | None) -> None:
    error = UploadError("text")
    error.__cause__ = cause
    assert (error.status, error.slug) == (None, None)
    assert (error.video_id, error.ledger, error.outcome) == (None, None, "failed")


def test_an_encoding_error_names_the_video() -> None:
    assert EncodingError("text", video_id="vi1").video_id == "vi1"


def test_a_source_error_has_a_cause_and_is_retryable_if_given() -> None:
    error = SourceError("text", cause="unreachable", retryable=True, video_id="vi1")
    assert (error.cause, error.retryable, error.video_id, error.outcome) == (
        "unreachable",
        True,
        "vi1",
        "failed",
    )
    assert (SourceError("text").cause, SourceError("text").retryable) == (None, False)


def test_a_manifest_error_has_the_bad_lines() -> None:
    assert ManifestError("text", problems=[(3, "no uri")]).problems == [(3, "no uri")]
