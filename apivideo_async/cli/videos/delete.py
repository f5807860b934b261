"""``apivideo videos delete``."""

import sys

import click

from ...client import ApiVideoClient
from ...errors import ApiVideoError, AuthenticationError, NotFoundError
from ..connection import connect
from ..messages import explain
from ..running import run
from ..session import Session

__all__ = ["command"]


@click.command(name="delete")
@click.argument("video_ids", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--missing-ok", is_flag=True, help="A video that does not exist is no failure.")
@click.pass_obj
def command(session: Session, /, video_ids: tuple[str, ...], yes: bool, missing_ok: bool) -> int:
    """Delete videos, for good unless the account has Video Restore."""
    if not yes and not _confirmed(video_ids):
        session.terminal.fail("nothing was deleted")
        return 1

    async def work() -> int:
        failures = 0
        async with connect(session.settings) as client:
            for video_id in dict.fromkeys(video_ids):
                failures += not await _delete(session, client, video_id, missing_ok=missing_ok)
        return 1 if failures else 0

    return run(session.terminal, work(), lambda: "interrupted: the videos not named above are still there")


def _confirmed(video_ids: tuple[str, ...]) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here, as the input is no terminal: add --yes to delete")
    what = video_ids[0] if len(video_ids) == 1 else f"{len(video_ids)} videos"
    return click.confirm(f"Delete {what}?", err=True)


async def _delete(session: Session, client: ApiVideoClient, video_id: str, *, missing_ok: bool) -> bool:
    """Delete one; whether that is a success."""
    try:
        await client.videos.delete(video_id)
    except NotFoundError:
        if not missing_ok:
            session.terminal.fail("there is no such video", prefix=video_id)
        return missing_ok
    except AuthenticationError:
        raise  # It would be the same for each.
    except ApiVideoError as error:
        session.terminal.fail(explain(error, session.base_url), prefix=video_id)
        return False
    session.terminal.result(f"deleted {video_id}")
    return True
