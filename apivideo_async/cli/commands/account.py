"""The commands ``apivideo account``."""

import click

from ..crud.answers import show_command
from ..crud.noun import Noun

__all__ = ["command"]

ACCOUNT = Noun(one="account", many="accounts", resource="account", names=(), columns=())

SHOW = "Show quota, features and environment. The service dropped this in 2021: expect that it is not found."

command: click.Group = click.Group(
    "account", help="Quota and features.", commands=[show_command(ACCOUNT, summary=SHOW)]
)
