"""The command ``apivideo videos status``."""

import click

from ...crud.shown import as_json, facts
from ...running import run
from ...session import Session, connect
from .shown import status_facts

__all__ = ["command"]


@click.command(name="status")
@click.argument("video_id", metavar="ID")
@click.option("--json", "as_document", is_flag=True, help="As the API writes it.")
@click.pass_obj
def command(session: Session, /, video_id: str, as_document: bool) -> int:
    """Show the received bytes of a video and the progress of its encoding."""

    async def work() -> int:
        async with connect(session.settings) as client:
            status = await client.videos.get_status(video_id)
        session.terminal.results([as_json(status)] if as_document else facts(status_facts(status)))
        return 0

    return run(session.terminal, work(), lambda: "interrupted")
