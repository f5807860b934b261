"""Assumptions about rate limits, errors, gateways and lost connections."""

from .record import Assumption

__all__ = ["REQUESTS"]

REQUESTS: tuple[Assumption, ...] = (
    Assumption(
        question="What do the three rate limit headers mean?",
        certainty="documented",
        documents="Limit and remaining requests, and the seconds until the window resets [spec].",
        assumed="The same. All responses except those of `/auth/*` have the headers.",
        adaptation="A wait above 10⁹ is a Unix time, and a negative limit means unlimited. Missing "
        "headers do not limit. The standard `Retry-After` is honoured, in seconds or as a date. A "
        "header never causes a wait of more than 120 s without a warning and a request that "
        "checks it.",
        setting="`RetryPolicy(rate_limit_seconds=…)`",
        quirks=("rate-headers",),
        facts=("rate-limit-headers",),
    ),
    Assumption(
        question="How does the service count requests?",
        certainty="unknown",
        documents="Requests per minute [guide].",
        assumed="In a fixed window of one minute, for each class and API key.",
        adaptation="If requests are refused although the headers allowed more, the client derives "
        "its pace from the refusals: it slows down at once and speeds up gradually.",
        setting="`reserve`",
        quirks=("rate-window",),
        facts=("rate-limits", "rate-limit-headers"),
    ),
    Assumption(
        question="Which operations belong to which limit?",
        certainty="unknown",
        documents="Three classes: uploads, writes, reads [guide].",
        assumed="Chunks are uploads, each `GET` is a read, all others are writes.",
        adaptation="As for the counting of requests.",
        facts=("request-classes",),
    ),
    Assumption(
        question="Was a request executed that is refused with 429?",
        certainty="inferred",
        documents="The guide recommends queueing requests [guide].",
        assumed="No. It is sent again after the wait, also if it creates something.",
        facts=("too-many-requests",),
    ),
    Assumption(
        question="Which content type do errors have?",
        certainty="documented",
        documents="`application/json` [spec]. An old official client expects "
        "`application/problem+json` [client].",
        assumed="Any. The client decides by the body.",
        adaptation="None is needed.",
        quirks=("problem-json",),
        facts=("content-types",),
    ),
    Assumption(
        question="Do gateways in front of the service answer requests?",
        certainty="unknown",
        documents="Nothing.",
        assumed="Not usually.",
        adaptation="A response without a problem body is no verdict on the request. The chunk is "
        "sent again, after the status was read; a creation is searched for by its key.",
        setting="`RetryPolicy`",
        quirks=("gateway-response",),
        facts=("content-types", "server-errors"),
    ),
    Assumption(
        question="Can a chunk arrive after its connection was lost?",
        certainty="unknown",
        documents="Nothing.",
        assumed="Not usually.",
        adaptation="A chunk that was stored meanwhile is accepted: its repetition is refused as "
        "sent before, and the status shows it.",
        quirks=("late-chunk",),
        facts=("lost-responses",),
    ),
    Assumption(
        question="Can a creation arrive after its connection was lost?",
        certainty="unknown",
        documents="The API has no idempotency keys [spec].",
        assumed="Not usually. A creation whose response was lost is not repeated.",
        adaptation="With `idempotency_key`, the client searches for the video while it may still "
        "appear, and adopts or deletes empty duplicates.",
        setting="`idempotency_key`",
        quirks=("late-creation",),
        facts=("repeated-requests",),
    ),
    Assumption(
        question="Does a proxy deliver a request twice?",
        certainty="unknown",
        documents="Nothing.",
        assumed="Not usually.",
        adaptation='"Sent before" counts as accepted. With `idempotency_key`, empty duplicates '
        "are deleted.",
        setting="`idempotency_key`; `video_id=` for a token upload",
        quirks=("delivered-twice",),
        facts=("repeated-requests", "lost-responses"),
    ),
    Assumption(
        question="What is the body of a 5xx response?",
        certainty="documented",
        documents='The title "Server error" [guide].',
        assumed="Any text, HTML, or none.",
        facts=("server-errors",),
    ),
    Assumption(
        question="Which `title`, `name` and `detail` do errors have?",
        certainty="documented",
        documents="Several texts for the same error [spec, guide, client].",
        assumed="The last segment of `type` and the status identify an error; texts do not.",
        facts=("upload-errors", "error-details", "not-found"),
    ),
    Assumption(
        question="Which statuses do successful requests have?",
        certainty="documented",
        documents="200, 201, 202 or 204, by operation [spec].",
        assumed="Any 2xx.",
        facts=("status-codes",),
    ),
    Assumption(
        question="Which status refuses wrong credentials?",
        certainty="documented",
        documents="400 [spec] or 401 [guide] on `/auth/*`; 401 elsewhere [guide].",
        assumed="Both mean the same on `/auth/*`.",
        facts=("refused-credentials",),
    ),
    Assumption(
        question="Is an access token accepted by every operation?",
        certainty="inferred",
        documents="The specification declares only Basic [spec]; most official clients use tokens "
        "[client].",
        assumed="Yes. The scheme is `Bearer`, whatever `token_type` says.",
        setting='`auth="basic"`',
        facts=("authentication", "access-tokens"),
    ),
    Assumption(
        question="How long do refresh tokens last?",
        certainty="unknown",
        documents="Nothing.",
        assumed="A used one is invalid. Access tokens last until they expire.",
        adaptation="If a refresh is refused, the client uses the API key.",
        setting='`auth="basic"`',
        facts=("token-renewal",),
    ),
    Assumption(
        question="Which header values identify the client?",
        certainty="inferred",
        documents="The patterns of the official clients [client].",
        assumed="ASCII letters, digits, `-` and `_`, and up to three numbers.",
        facts=("origin-headers",),
    ),
)
