"""Assumptions about uploads."""

from .record import Assumption

__all__ = ["UPLOADS"]

_CONTINUE = "The upload continues with the accepted chunks; later uploads start this way."

UPLOADS: tuple[Assumption, ...] = (
    Assumption(
        question="In which order may chunks arrive?",
        certainty="documented",
        documents="In any order [spec 2022]. Official clients send them in order [client].",
        assumed="In any order.",
        adaptation=f"Chunks are sent one after the other, in order. {_CONTINUE}",
        setting='`concurrency=1`; `ServiceProfile(chunk_order="sequential")`',
        quirks=("chunks-in-order",),
        facts=("concurrent-chunks",),
    ),
    Assumption(
        question="May several chunks of one video be sent at the same time?",
        certainty="documented",
        documents='Yes; a "lock mechanism" handles them one by one [spec 2022]. Official clients '
        "send one at a time [client].",
        assumed="Yes, and the service does not answer much later because of it.",
        adaptation="Chunks are sent one at a time. If responses to concurrent chunks time out, the "
        f"client also waits longer for them. {_CONTINUE}",
        setting='`concurrency=1`; `ServiceProfile(chunk_order="sequential")`; '
        "`ServiceProfile(response_timeout=…)`",
        quirks=("one-chunk-at-a-time",),
        facts=("concurrent-chunks",),
    ),
    Assumption(
        question="Must the first chunk be complete before others start?",
        certainty="inferred",
        documents="Only for token uploads without `videoId` [client].",
        assumed="No, if the container exists.",
        adaptation=f"The first chunk is sent alone. {_CONTINUE}",
        setting='`ServiceProfile(chunk_order="first_alone")`',
        quirks=("first-chunk-first",),
        facts=("token-uploads", "concurrent-chunks"),
    ),
    Assumption(
        question="Are byte ranges accepted?",
        certainty="documented",
        documents="Yes [spec, guide]. An older specification recommends parts [spec 2022], and all "
        "official clients send parts [client].",
        assumed="Yes, by both upload operations.",
        adaptation="The upload changes to parts in the same container, unless it has received "
        "chunks.",
        setting='`mode="part"`; `ServiceProfile(byte_ranges=False)`',
        quirks=("no-byte-ranges",),
        facts=("upload-modes",),
    ),
    Assumption(
        question="Are parts accepted?",
        certainty="documented",
        documents="Yes [spec, guide, client]. The operation for tokens declares only byte ranges "
        "[spec].",
        assumed="Yes, by both upload operations.",
        adaptation="The upload changes to byte ranges in the same container, unless it has "
        "received chunks.",
        setting='`mode="bytes"`; `ServiceProfile(parts=False)`',
        quirks=("no-parts",),
        facts=("upload-modes",),
    ),
    Assumption(
        question="May the total be left open (`*`) until the last chunk?",
        certainty="documented",
        documents="Yes [spec, client].",
        assumed="Yes. The package does so for streams.",
        adaptation="The rest of the stream is spooled to disk until its size is known.",
        setting="`spool=True`; `ServiceProfile(unknown_totals=False)`",
        quirks=("no-unknown-totals",),
        facts=("upload-total",),
    ),
    Assumption(
        question="What is the smallest chunk?",
        certainty="documented",
        documents="5 MiB, except for the last chunk [guide].",
        assumed="5,242,880 bytes; a smaller chunk at the end is accepted.",
        adaptation="The upload is divided again, into larger chunks.",
        setting="`chunk_size`; `ServiceProfile(smallest_chunk=…)`",
        quirks=("minimum-chunk",),
        facts=("upload-modes", "small-chunks"),
    ),
    Assumption(
        question="What is the largest request?",
        certainty="documented",
        documents="200 MiB [guide]; official clients send at most 128 MiB [client]. Gateways in "
        "front of a service often have lower limits.",
        assumed="209,715,200 bytes; the package sends at most 128 MiB unless told otherwise.",
        adaptation="After a 413, the upload is divided again, into smaller chunks.",
        setting="`chunk_size`; `ServiceProfile(largest_chunk=…)`",
        quirks=("largest-request",),
        facts=("upload-modes", "content-types"),
    ),
    Assumption(
        question="What is the response to an accepted chunk?",
        certainty="documented",
        documents="201 [spec], with `videoId` for a chunk and the full video for the last one "
        "[client].",
        assumed="A 2xx. With concurrent chunks, any response may have the full video.",
        adaptation="Every 2xx accepts the chunk, with any body, and so does 308 for a chunk that "
        "does not complete the video. The video is read if the last response lacks it. With a "
        "token, a 2xx for the chunk that completes the set is enough.",
        setting="`video_id=` for a token upload, if the first response has no id",
        quirks=("upload-response",),
        facts=("upload-responses", "status-codes"),
    ),
    Assumption(
        question="What happens to a chunk that is sent again after its response was lost?",
        certainty="inferred",
        documents="Errors for chunks that were sent before [guide].",
        assumed="It is refused if it was stored, which the client takes as success.",
        adaptation="The status decides. With a token, an exact repeat counts as accepted if the "
        "container is known.",
        facts=("lost-responses",),
    ),
    Assumption(
        question="Does a chunk whose request was aborted leave anything behind?",
        certainty="unknown",
        documents="Nothing.",
        assumed="No. The same chunk can be sent again.",
        adaptation="The status is read before the chunk is sent again.",
        facts=("resuming",),
    ),
    Assumption(
        question="Can the first chunk of a token upload be sent again?",
        certainty="inferred",
        documents="Each request without `videoId` creates a video [client].",
        assumed="Not after its body was sent: the repeat would create a second video.",
        adaptation="It is sent again only if its body was not sent completely. Otherwise the "
        "upload fails, and the error says that a video may remain.",
        setting="`video_id=` names a container",
        facts=("lost-responses", "token-uploads"),
    ),
    Assumption(
        question="What happens if an upload token expires during an upload?",
        certainty="unknown",
        documents="Nothing.",
        assumed="The next request is refused with 401.",
        adaptation="The error keeps the ledger; a new call with `ledger=error.ledger` and another "
        "token continues.",
        facts=("token-checks",),
    ),
    Assumption(
        question="How does `POST /upload` refuse an unknown `videoId`?",
        certainty="unknown",
        documents="Nothing.",
        assumed="404, which is final.",
        facts=("token-checks",),
    ),
    Assumption(
        question="Does `POST /upload` need or refuse an `Authorization` header?",
        certainty="documented",
        documents="It is not needed [spec]; official clients send it [client].",
        assumed="Neither. The client does not send it.",
        facts=("token-checks",),
    ),
    Assumption(
        question="May the last chunk be small while the total is unknown?",
        certainty="unknown",
        documents="Only the last chunk may be small [spec 2022].",
        assumed="Yes, if no chunk follows. Other chunks have equal sizes.",
        facts=("small-chunks",),
    ),
    Assumption(
        question="What is the largest file?",
        certainty="documented",
        documents="30 GiB, or 52,428,800,000 bytes [guide].",
        assumed="The larger value. The package warns above 30 GiB.",
        facts=("upload-size-limit",),
    ),
    Assumption(
        question="May a total of parts equal the highest part that was sent?",
        certainty="documented",
        documents='An error text says "lower than or equal" [guide], a rule the opposite '
        "[spec 2022].",
        assumed="Yes. The last part of a stream states such a total.",
        adaptation="As for totals that are left open.",
        setting="`spool=True`",
        facts=("upload-total", "upload-errors"),
    ),
    Assumption(
        question="Is an empty file an error?",
        certainty="documented",
        documents="Yes [guide].",
        assumed="Yes. The package fails before anything is sent.",
        facts=("empty-files",),
    ),
)
