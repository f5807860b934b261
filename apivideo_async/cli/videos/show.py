"""``apivideo videos show``."""

import click

from ..connection import connect
from ..running import run
from ..session import Session
from .shown import as_json, facts, video_facts

__all__ = ["command"]


@click.command(name="show")
@click.argument("video_id", metavar="ID")
@click.option("--json", "as_document", is_flag=True, help="As the API writes it.")
@click.pass_obj
def command(session: Session, /, video_id: str, as_document: bool) -> int:
    """Show one video."""

    async def work() -> int:
        async with connect(session.settings) as client:
            video = await client.videos.get(video_id)
        session.terminal.results([as_json(video)] if as_document else facts(video_facts(video)))
        return 0

    return run(session.terminal, work(), lambda: "interrupted")
