"""The command ``apivideo open``: a video in the browser."""

import webbrowser

import click

from ..examples import examples
from ..running import run
from ..session import Session, connect

__all__ = ["command"]


@click.command(
    name="open",
    epilog=examples("apivideo open vi123", "apivideo open vi123 --print"),
)
@click.argument("video_id", metavar="ID")
@click.option("--print", "only_print", is_flag=True, help="Print the address, and open no browser.")
@click.pass_obj
def command(session: Session, /, video_id: str, only_print: bool) -> int:
    """Open the player of a video in the browser, and print its address.

    The address of a private video contains a token that is valid once.
    """
    terminal = session.terminal

    async def work() -> int:
        async with connect(session.settings) as client:
            video = await client.videos.get(video_id)
        address = getattr(video.assets, "player", None)
        if not address:
            terminal.fail(f"the service names no player for {video_id}")
            return 1
        terminal.report(address)
        if not only_print and not webbrowser.open(address):
            terminal.note("no browser was found: open the address above")
        return 0

    return run(terminal, work())
