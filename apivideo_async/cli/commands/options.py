"""Options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import click

from ..parameters import Concurrency, Size

__all__ = [
    "chunk_size_option",
    "chunks_option",
    "manifest_option",
    "quarantined_option",
    "redirects_option",
    "reserve_option",
    "strategy_option",
]

Option: TypeAlias = Callable[[Any], Any]

chunk_size_option: Option = click.option(
    "--chunk-size",
    type=Size(),
    help="Bytes per chunk, 5MiB to 200MiB. Default: chosen from the size of the source.",
)


def chunks_option(name: str) -> Option:
    """Make the option for the number of chunks in flight."""
    return click.option(name, type=Concurrency(), default="auto", help="Chunks in flight.")


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
