"""Options that several commands have.

``--mode``, ``--chunk-size`` and ``--concurrency`` mean the same in every command that sends files.
``--concurrency`` counts the chunks of one file in flight. ``ingest`` and ``distributed worker``
also have ``--items``, the number of items in progress. Its default is the number given as
``--concurrency``, which counted items before ``--items`` existed. All items together have at most
as many chunks in flight as the larger of the two numbers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import click
from attrs import evolve

from ...config import UploadLimits, UploadOptions
from ...models import Language, SummaryAttribute
from ..parameters import CONCURRENCY, METADATA_PAIR, SIZE, Choice, as_dict, one_of

__all__ = [
    "METADATA",
    "TAGS",
    "VIDEO_FIELDS",
    "chunk_size_option",
    "concurrency_option",
    "drain_option",
    "former_chunks_option",
    "host_option",
    "items_and_upload",
    "items_option",
    "manifest_option",
    "metadata_filter",
    "on_change_option",
    "outage_option",
    "port_option",
    "quarantined_option",
    "redirects_option",
    "reserve_option",
    "sending_options",
    "strategy_option",
    "upload_options",
]

Option: TypeAlias = Callable[[Any], Any]

chunk_size_option: Option = click.option(
    "--chunk-size",
    type=SIZE,
    help="Bytes per chunk, 5MiB to 200MiB. Default: chosen from the size of the source.",
)
concurrency_option: Option = click.option(
    "--concurrency",
    type=CONCURRENCY,
    default="auto",
    help="Chunks of one file in flight at once: 1 to 1000, or auto, which follows the measured "
    "throughput.",
)
_mode_option: Option = click.option(
    "--mode",
    type=Choice(["bytes", "part"]),
    help="Send chunks as byte ranges or as numbered parts. Default: byte ranges if the size is "
    "known.",
)
_smallest_chunk_option: Option = click.option(
    "--smallest-chunk", type=SIZE, hidden=True, help="For an emulator with other limits."
)


def sending_options(command: Any) -> Any:
    """Add the options for which ``upload_options`` makes ``UploadOptions``."""
    for option in (_smallest_chunk_option, _mode_option, concurrency_option, chunk_size_option):
        command = option(command)
    return command


def upload_options(given: dict[str, Any]) -> UploadOptions:
    """Remove the values of ``sending_options`` from ``given``, and return them as options.

    Raises ``ConfigurationError`` for a chunk size outside the limits.
    """
    smallest = given.pop("smallest_chunk")
    return UploadOptions(
        chunk_size=given.pop("chunk_size"),
        concurrency=given.pop("concurrency"),
        mode=given.pop("mode"),
        limits=UploadLimits() if smallest is None else UploadLimits(smallest_chunk=smallest),
    )


outage_option: Option = click.option(
    "--outage-timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Pause for at most so long while api.video is unavailable, then end with exit code 1. "
    "Default: 3600; ingest --watch: no limit. No item fails for this reason.",
)

DEFAULT_ITEMS = 16
items_option: Option = click.option(
    "--items",
    type=click.IntRange(1, 1000),
    help=f"Items in progress at once. Default: the number given as --concurrency, or "
    f"{DEFAULT_ITEMS} with auto.",
)
former_chunks_option: Option = click.option(
    "--chunks", type=CONCURRENCY, hidden=True, help="Former name of --concurrency."
)


def items_and_upload(given: dict[str, Any]) -> tuple[int, UploadOptions]:
    """Remove the values of the options above from ``given``; return ``--items`` and the options.

    Raises ``UsageError`` if ``--chunks`` is combined with the options that replaced it.
    """
    items, chunks = given.pop("items"), given.pop("chunks", None)
    upload = upload_options(given)
    concurrency: int | Literal["auto"] = upload.concurrency
    if chunks is not None:
        # Beside ``--chunks``, ``--concurrency`` has its former meaning: items at once.
        if items is not None:
            raise click.UsageError(
                "--chunks is the former name of --concurrency: use --items and --concurrency"
            )
        items = DEFAULT_ITEMS if concurrency == "auto" else concurrency
        concurrency = chunks
    if items is None:
        items = DEFAULT_ITEMS if concurrency == "auto" else concurrency
    if concurrency == "auto" or concurrency <= upload.max_concurrency:
        return items, evolve(upload, concurrency=concurrency)
    # Each stream of unknown length has a buffer for every chunk of a fixed number. Many items with
    # a large number would need too much memory, so the number becomes an upper limit.
    return items, evolve(upload, concurrency="auto", max_concurrency=concurrency)


def metadata_filter(objects: str) -> click.Option:
    """Make the option that filters a list by metadata."""
    return click.Option(
        ["--metadata"],
        multiple=True,
        type=METADATA_PAIR,
        callback=as_dict,
        help=f"Only {objects} with this metadata pair; repeat to require several pairs.",
    )


def port_option(default: int) -> Option:
    """Make the option for the port of a server."""
    return click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=default,
        help="Port to listen on; 0 selects a free port.",
    )


TAGS: click.Option = click.Option(
    ["--tag", "tags"], multiple=True, metavar="TAG", help="A tag; repeat for more."
)
METADATA: click.Option = click.Option(
    ["--metadata"],
    multiple=True,
    type=METADATA_PAIR,
    callback=as_dict,
    help="A metadata pair; repeat for more.",
)


def _flag(*names: str, help: str) -> click.Option:  # noqa: A002
    """Make a flag that is not sent unless it is given."""
    return click.Option(list(names), is_flag=True, default=None, help=help)


VIDEO_FIELDS: list[click.Parameter] = [
    click.Option(["--description"], help="Description of the video."),
    TAGS,
    METADATA,
    _flag("--public/--private", help="A private video can be watched only with a viewer token."),
    _flag("--panoramic/--flat", help="Whether it is a 360° video."),
    _flag("--mp4/--no-mp4", "mp4_support", help="Offer an MP4 version for download."),
    click.Option(["--player-id"], metavar="ID", help="The player theme."),
    click.Option(
        ["--language"], type=one_of(Language), metavar="CODE", help="Spoken language, such as fr."
    ),
    _flag("--transcript", help="Generate captions from the speech."),
    _flag("--summary", "transcript_summary", help="Generate a summary from the transcript."),
    click.Option(
        ["--summary-part", "transcript_summary_attributes"],
        multiple=True,
        type=one_of(SummaryAttribute),
        help="Generate only this part of the summary; repeat for both.",
    ),
]
"""Fields of a video: the arguments of ``videos.create``."""

host_option: Option = click.option(
    "--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 for all interfaces."
)
manifest_option: Option = click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="List of sources with the fields of their videos: JSONL, a JSON array, or CSV as Excel "
    "and LibreOffice write it; - for the standard input. The help of `apivideo ingest` lists the "
    "columns.",
)
strategy_option: Option = click.option(
    "--strategy",
    type=Choice(["stream", "pull", "auto"]),
    default="stream",
    help="stream: apivideo sends the bytes. pull: api.video fetches them. auto: pull where "
    "possible, otherwise stream.",
)
on_change_option: Option = click.option(
    "--on-change",
    type=Choice(["new", "replace", "keep"]),
    default="new",
    help="What happens with a source that has a video, when its content has changed. new: another "
    "video. replace: another video, and then the old one is deleted. keep: nothing.",
)
reserve_option: Option = click.option(
    "--reserve",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="SHARE",
    help="Share of the request budget, from 0 to below 1, that is left to other programs.",
)
redirects_option: Option = click.option(
    "--redirects",
    type=Choice(["same-origin", "any"]),
    default="same-origin",
    help="Redirects of web servers to follow: only within scheme, host and port, or to any server, "
    "including those of the internal network.",
)
drain_option: Option = click.option(
    "--drain",
    type=click.FloatRange(0),
    default=60.0,
    metavar="SECONDS",
    help="After SIGTERM, no new item is begun, and those in progress may take so long to finish. "
    "Then, or after a second signal, they are given back.",
)
quarantined_option: Option = click.option(
    "--quarantined",
    is_flag=True,
    help="Also retry quarantined items, whose key belongs to several videos. Delete the wrong "
    "videos first.",
)
