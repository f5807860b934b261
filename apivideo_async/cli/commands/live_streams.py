"""The commands ``apivideo live-streams``."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from ...models import LiveStream, Restream
from ..crud.answers import changes, chosen, json_option, show_command, tell, tell_done
from ..crud.deletion import delete_command
from ..crud.listing import list_command, sorting
from ..crud.noun import Noun
from ..crud.shown import facts_of
from ..parameters import secret
from ..session import Session

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])


def live_stream_facts(stream: LiveStream) -> Iterator[tuple[str, object]]:
    """Yield the facts of a live stream without its HTML code, followed by its ingest addresses.

    The addresses contain the stream key, so they are None for a stream whose key is hidden.
    """
    yield from ((name, text) for name, text in facts_of(stream) if name != "iframe")
    yield "rtmp", stream.rtmp_url
    yield "srt", stream.srt_url


LIVE_STREAM = Noun(
    one="live stream",
    many="live streams",
    resource="live_streams",
    columns=("live_stream_id", "name", "broadcasting", "public", "created_at"),
    cut=("name",),
    facts=live_stream_facts,
)

FILTERS = [
    click.Option(["--name"], help="A part of the name."),
    click.Option(["--stream-key"], metavar="KEY", callback=secret, help="The whole stream key."),
    *sorting("name", "createdAt", "updatedAt"),
]


def restreams(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str, str], ...]
) -> list[Restream]:
    """Convert the values of ``--restream`` and mask their keys in messages; a callback."""
    secret(ctx, param, [key for _, _, key in value])
    return [Restream(name=name, server_url=url, stream_key=key) for name, url, key in value]


def fields(function: F) -> F:
    """Add the options for the fields of a live stream to a command."""
    options = (
        click.option(
            "--public/--private",
            default=None,
            help="Private: only viewers with a token can watch it.",
        ),
        click.option("--player-id", metavar="ID", help="The player theme."),
        click.option(
            "--restream",
            "restreams",
            nargs=3,
            multiple=True,
            callback=restreams,
            metavar="NAME URL KEY",
            help="Pass it on to rtmp://host/app with a key; repeat for up to 5.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command(name="create")
@click.option("--name", required=True, help="Title of the stream and of its recordings.")
@fields
@json_option
@click.pass_obj
def create(session: Session, /, as_document: bool, **given: Any) -> int:
    """Create a live stream and print its stream key. Anyone with the key can broadcast."""
    options = chosen(given)
    return tell(
        session,
        LIVE_STREAM,
        lambda client: client.live_streams.create(**options),
        as_document=as_document,
        secrets=True,
    )


@click.command(name="update")
@click.argument("live_stream_id", metavar="ID")
@click.option("--name", help="Title of the stream and of its recordings.")
@fields
@click.option(
    "--clear", multiple=True, type=click.Choice(["restreams"]), help="Pass it on to nobody."
)
@json_option
@click.pass_obj
def update(
    session: Session,
    /,
    live_stream_id: str,
    as_document: bool,
    clear: tuple[str, ...],
    **given: Any,
) -> int:
    """Change the given fields. --restream replaces all existing restreams."""
    options = changes(given, {name: [] for name in clear})
    return tell(
        session,
        LIVE_STREAM,
        lambda client: client.live_streams.update(live_stream_id, **options),
        as_document=as_document,
    )


@click.command(name="complete")
@click.argument("live_stream_id", metavar="ID")
@click.pass_obj
def complete(session: Session, /, live_stream_id: str) -> int:
    """End the running broadcast. Its recording becomes a video."""
    return tell_done(
        session,
        lambda client: client.live_streams.complete(live_stream_id),
        f"completed {live_stream_id}",
    )


@click.command(name="upload-thumbnail")
@click.argument("live_stream_id", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@json_option
@click.pass_obj
def upload_thumbnail(
    session: Session, /, live_stream_id: str, file: Path, as_document: bool
) -> int:
    """Set the thumbnail: a JPEG, PNG or WebP of at most 8 MiB."""
    return tell(
        session,
        LIVE_STREAM,
        lambda client: client.live_streams.upload_thumbnail(live_stream_id, file),
        as_document=as_document,
    )


@click.command(name="delete-thumbnail")
@click.argument("live_stream_id", metavar="ID")
@json_option
@click.pass_obj
def delete_thumbnail(session: Session, /, live_stream_id: str, as_document: bool) -> int:
    """Remove the thumbnail. The service's default thumbnail is shown again."""
    return tell(
        session,
        LIVE_STREAM,
        lambda client: client.live_streams.delete_thumbnail(live_stream_id),
        as_document=as_document,
    )


command: click.Group = click.Group(
    "live-streams",
    help="Live streams. `create` and `show` print the stream key, no other command does.",
    commands=[
        list_command(LIVE_STREAM, FILTERS),
        show_command(LIVE_STREAM),
        create,
        update,
        delete_command(LIVE_STREAM, summary="Delete live streams; their recordings stay."),
        complete,
        upload_thumbnail,
        delete_thumbnail,
    ],
)
