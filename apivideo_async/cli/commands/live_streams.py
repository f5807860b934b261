"""The commands ``apivideo live-streams``."""

from collections.abc import Iterator

import click

from ...models import LiveStream, Restream
from ..crud.bulk import delete_command, update_command
from ..crud.commands import FILE, action_command, call_command, show_command
from ..crud.formatting import fields_of
from ..crud.listing import list_command, sorting
from ..crud.object_type import ObjectType
from ..examples import examples
from ..groups import Group
from ..parameters import mask

__all__ = ["command"]


def _shown_fields(stream: LiveStream) -> Iterator[tuple[str, object]]:
    yield from ((name, text) for name, text in fields_of(stream) if name != "iframe")
    # The addresses contain the stream key, so they are None for a stream whose key is hidden.
    yield "rtmp", stream.rtmp_url
    yield "srt", stream.srt_url


LIVE_STREAM = ObjectType(
    singular="live stream",
    plural="live streams",
    model=LiveStream,
    section="live_streams",
    group="live-streams",
    example_ids="li123",
    columns=("live_stream_id", "name", "broadcasting", "public", "created_at"),
    shrinkable=("name",),
    fields=_shown_fields,
)
ID = LIVE_STREAM.id_arguments()


def _restreams(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str, str], ...]
) -> list[Restream]:
    mask(ctx, param, [key for _, _, key in value])
    return [Restream(name=name, server_url=url, stream_key=key) for name, url, key in value]


def _fields(*, name_required: bool) -> list[click.Parameter]:
    name_help = "Title of the live stream and of its recordings."
    return [
        click.Option(["--name"], required=name_required, help=name_help),
        click.Option(
            ["--public/--private"],
            default=None,
            help="A private live stream can be watched only with a viewer token.",
        ),
        click.Option(["--player-id"], metavar="ID", help="The player theme."),
        click.Option(
            ["--restream", "restreams"],
            nargs=3,
            multiple=True,
            callback=_restreams,
            metavar="NAME URL KEY",
            help="Also send the stream to rtmp://host/app with this stream key; repeat for up to "
            "5 destinations.",
        ),
    ]


command: click.Group = Group(
    "live-streams",
    help="Live streams. Only `create` and `show` print the stream key.",
    epilog=examples("apivideo live-streams create --name 'Every Monday'"),
    commands=[
        list_command(
            LIVE_STREAM,
            [
                click.Option(["--name"], help="Only live streams whose name contains this text."),
                click.Option(
                    ["--stream-key"],
                    metavar="KEY",
                    callback=mask,
                    help="Only the live stream with this stream key.",
                ),
                *sorting("name", "createdAt", "updatedAt"),
            ],
        ),
        show_command(LIVE_STREAM),
        call_command(
            LIVE_STREAM,
            "create",
            _fields(name_required=True),
            secrets=True,
            summary="Create a live stream and print its stream key. Anyone with the key can "
            "broadcast.",
            epilog=examples(
                "apivideo live-streams create --name 'Every Monday' --private",
                "apivideo live-streams create --name Show --restream site rtmp://host/app KEY",
            ),
        ),
        update_command(
            LIVE_STREAM,
            _fields(name_required=False),
            empty_values={"restreams": []},
            summary="Change the given fields. --restream replaces all existing restreams.",
            epilog=examples(LIVE_STREAM.example("update", "--name Tuesday --clear restreams")),
        ),
        delete_command(LIVE_STREAM, summary="Delete live streams. Their recordings are kept."),
        action_command(
            LIVE_STREAM,
            "complete",
            done="completed",
            summary="End the running broadcast. Its recording becomes a video.",
        ),
        call_command(
            LIVE_STREAM,
            "upload-thumbnail",
            [*ID, FILE],
            summary="Set the thumbnail: a JPEG, PNG or WebP file of at most 8 MiB.",
            epilog=examples(LIVE_STREAM.example("upload-thumbnail", "cover.jpg")),
        ),
        call_command(
            LIVE_STREAM,
            "delete-thumbnail",
            ID,
            summary="Remove the thumbnail. The default thumbnail of api.video is shown again.",
            epilog=examples(LIVE_STREAM.example("delete-thumbnail")),
        ),
    ],
)
