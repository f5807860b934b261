"""The filters of the commands ``list`` and ``discarded``."""

import click

from ...crud.listing import sorting
from ...parameters import MetadataPair, as_dict

__all__ = ["FILTERS"]

PAIRS = "Every pair given must be there."

FILTERS: list[click.Parameter] = [
    click.Option(["--title"], help="A part of the title."),
    click.Option(["--description"], help="A part of the description."),
    click.Option(
        ["--tag", "tags"],
        multiple=True,
        metavar="TAG",
        help="Every tag given must be there; repeat for more.",
    ),
    click.Option(["--metadata"], multiple=True, type=MetadataPair(), callback=as_dict, help=PAIRS),
    click.Option(["--live-stream-id"], metavar="ID", help="Recordings of this live stream."),
    *sorting("title", "createdAt", "publishedAt", "updatedAt"),
]
