"""Options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import click

from ..parameters import CONCURRENCY, METADATA_PAIR, SIZE, as_dict

__all__ = [
    "METADATA",
    "TAGS",
    "chunk_size_option",
    "chunks_option",
    "concurrency_option",
    "host_option",
    "manifest_option",
    "metadata_filter",
    "port_option",
    "quarantined_option",
    "redirects_option",
    "reserve_option",
    "strategy_option",
]

Option: TypeAlias = Callable[[Any], Any]

chunk_size_option: Option = click.option(
    "--chunk-size",
    type=SIZE,
    help="Bytes per chunk, 5MiB to 200MiB. Default: chosen from the size of the source.",
)


def chunks_option(name: str) -> Option:
    """Make the option for the number of chunks in flight."""
    return click.option(name, type=CONCURRENCY, default="auto", help="Chunks in flight.")


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
host_option: Option = click.option(
    "--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 for all interfaces."
)
concurrency_option: Option = click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=16,
    help="Number of items processed at the same time.",
)
manifest_option: Option = click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSONL or CSV file with a source and the fields of its video on each line.",
)
strategy_option: Option = click.option(
    "--strategy",
    type=click.Choice(["stream", "pull", "auto"]),
    default="stream",
    help="stream: apivideo sends the bytes. pull: api.video fetches them. auto: pull where "
    "possible, otherwise stream.",
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
    type=click.Choice(["same-origin", "any"]),
    default="same-origin",
    help="Redirects of web servers to follow: only within scheme, host and port, or to any server, "
    "including those of the internal network.",
)
quarantined_option: Option = click.option(
    "--quarantined",
    is_flag=True,
    help="Also retry quarantined items, whose key belongs to several videos. Delete the wrong "
    "videos first.",
)
