"""Assumptions about the upload status, lists and new videos."""

from .record import Assumption

__all__ = ["VIDEOS"]

_ASKED_AGAIN = "for about 30 s (`RetryPolicy.settle`), with growing delays"
_SETTLE = "`RetryPolicy(settle=…)`"

VIDEOS: tuple[Assumption, ...] = (
    Assumption(
        question="Does the status show a chunk as soon as it was accepted?",
        certainty="unknown",
        documents="Nothing.",
        assumed="Yes.",
        adaptation=f"The status is read again {_ASKED_AGAIN}. After that the outcome is unknown: "
        "the chunk is neither refused nor lost.",
        setting=_SETTLE,
        quirks=("status-delay",),
        facts=("open-questions", "resuming"),
    ),
    Assumption(
        question="Does the status list the received chunks?",
        certainty="documented",
        documents="`receivedBytes` or `receivedParts` [spec].",
        assumed="Yes.",
        adaptation="Missing lists prove nothing. The client relies on the responses to the chunks "
        "and on its own ledger.",
        setting="`ServiceProfile(status_lists_chunks=False)`; `verify=False`",
        quirks=("status-without-ranges",),
        facts=("received-chunks",),
    ),
    Assumption(
        question="Does the status of a complete upload state the file size?",
        certainty="documented",
        documents="`filesize`, which may be null [spec].",
        assumed="Usually.",
        adaptation="A missing size is not compared.",
        quirks=("status-without-size",),
        facts=("ingest-status",),
    ),
    Assumption(
        question='How long is a complete upload still "uploading"?',
        certainty="inferred",
        documents='Directly after an upload, "uploading" and "uploaded" occur [client].',
        assumed="For a short time.",
        adaptation=f"The status is read again {_ASKED_AGAIN}. All chunks received counts as "
        "complete.",
        setting=_SETTLE,
        quirks=("status-uploading",),
        facts=("ingest-status",),
    ),
    Assumption(
        question="Are adjacent byte ranges listed as one?",
        certainty="inferred",
        documents="The example has one entry for each chunk [spec].",
        assumed="Either. The client merges ranges before it compares them.",
        adaptation="None is needed.",
        quirks=("status-merged-ranges",),
        facts=("received-chunks",),
    ),
    Assumption(
        question="Are numbers in the status numbers?",
        certainty="documented",
        documents="Yes [spec]; an example of another operation has a number as text [spec].",
        assumed="Either.",
        adaptation="Texts of digits are read as numbers.",
        quirks=("status-number-strings",),
        facts=("tolerant-reading",),
    ),
    Assumption(
        question="Which values may the status of an upload have?",
        certainty="documented",
        documents="Four in the specification, others in older ones and in a guide [spec, guide].",
        assumed="Any text. `last_chunck_uploaded` and `merging` mean that every byte was received.",
        adaptation="An unknown value proves nothing.",
        facts=("ingest-status",),
    ),
    Assumption(
        question="Is a new video in the list of videos at once?",
        certainty="unknown",
        documents="Nothing.",
        assumed="Yes.",
        adaptation="With `idempotency_key`, the client remembers the id of each key, in memory and "
        f"on disk. After a lost creation it searches {_ASKED_AGAIN}. Empty duplicates are adopted "
        "or deleted.",
        setting=_SETTLE,
        quirks=("list-delay",),
        facts=("repeated-requests", "open-questions"),
    ),
    Assumption(
        question="Does the list of videos filter by metadata?",
        certainty="documented",
        documents="Yes [spec].",
        assumed="Yes.",
        adaptation="Videos without the pair in a filtered list show that it is not filtered. The "
        "client then reads all pages.",
        setting="`ServiceProfile(filters_metadata=False)`",
        quirks=("list-ignores-metadata",),
        facts=("list-filters",),
    ),
    Assumption(
        question="Are metadata values stored as they were sent?",
        certainty="inferred",
        documents="The examples show it [spec].",
        assumed="Yes.",
        adaptation="The response to the creation shows the stored value; the client warns, and "
        "relies on the ids that it remembers.",
        quirks=("metadata-modified",),
        facts=("repeated-requests", "open-questions"),
    ),
    Assumption(
        question="Can a new video and its status be read at once?",
        certainty="unknown",
        documents="Nothing.",
        assumed="Yes.",
        adaptation=f"A 404 of a video that the client has just created is asked again "
        f"{_ASKED_AGAIN}.",
        setting=_SETTLE,
        quirks=("new-video-delay",),
        facts=("open-questions",),
    ),
    Assumption(
        question="In which order are lists?",
        certainty="unknown",
        documents="Nothing, except for tags [spec].",
        assumed="Newest first. The client does not depend on it.",
        setting="`sort_by`, `sort_order`",
        facts=("list-order",),
    ),
    Assumption(
        question="What do pages contain while objects are created or deleted?",
        certainty="unknown",
        documents="Nothing.",
        assumed="An object may be in two pages, or in none.",
        facts=("changing-lists",),
    ),
    Assumption(
        question="Which page numbers and sizes exist?",
        certainty="documented",
        documents="Sizes 1 to 100, or 10 to 100 in an example [spec]. Links are incomplete [spec].",
        assumed="1 to 100. A page after the last is empty. Links and counts are not used.",
        facts=("page-numbers", "page-limits", "page-links"),
    ),
    Assumption(
        question="Do the filters `title` and `description` match parts of texts?",
        certainty="documented",
        documents='Parts, and also "exact" [spec]; parts in tests [client].',
        assumed="Parts, without regard to case.",
        facts=("list-filters",),
    ),
)
