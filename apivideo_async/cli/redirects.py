"""The option ``--redirects``: which redirects of web servers that hold sources are followed."""

from collections.abc import Callable
from typing import Any

import click

from ..ingest.stores.redirects import REDIRECTS

__all__ = ["redirects_option"]

redirects_option: Callable[[Any], Any] = click.option(
    "--redirects",
    type=click.Choice(REDIRECTS),
    default="same-origin",
    show_default=True,
    help="Redirects of web sources to follow: within the same scheme, host and port, or to any "
    "server, including internal ones.",
)
