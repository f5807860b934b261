"""The commands for objects of the whole account: account, tags, upload tokens and watermarks."""

import click

from ...models import Account, Tag, UploadToken, Watermark
from ..crud.bulk import delete_command
from ..crud.commands import FILE, call_command, show_command
from ..crud.listing import list_command, sorting
from ..crud.object_type import ObjectType
from ..examples import examples
from ..groups import Group
from ..parameters import DURATION

__all__ = ["account", "tags", "tokens", "watermarks"]

ACCOUNT = ObjectType(
    singular="account",
    plural="accounts",
    model=Account,
    section="account",
    group="account",
    ids=(),
    columns=(),
)
TAG = ObjectType(
    singular="tag",
    plural="tags",
    model=Tag,
    section="tags",
    group="tags",
    columns=("value", "video_count"),
    shrinkable=("value",),
)
TOKEN = ObjectType(
    singular="upload token",
    plural="upload tokens",
    model=UploadToken,
    section="upload_tokens",
    group="tokens",
    example_ids="to123",
    ids=("upload_token",),
    columns=("token", "ttl", "created_at", "expires_at"),
)
WATERMARK = ObjectType(
    singular="watermark",
    plural="watermarks",
    model=Watermark,
    section="watermarks",
    group="watermarks",
    example_ids="watermark_123",
    columns=("watermark_id", "created_at"),
)

TTL = click.Option(
    ["--ttl"],
    type=DURATION,
    default="0",
    metavar="DURATION",
    help="Lifetime in seconds (90) or with a unit (15m, 2h, 7d). 0 means unlimited.",
)

account: click.Group = Group(
    "account",
    help="Quota and features of the account.",
    epilog=examples("apivideo account show"),
    commands=[
        call_command(
            ACCOUNT,
            "show",
            [],
            method="get",
            summary="Show quota, features and environment. api.video removed this operation from "
            "its specification in 2021, so the answer may be that it is not found.",
            epilog=examples("apivideo account show", "apivideo account show --json"),
        )
    ],
)

tags: click.Group = Group(
    "tags",
    help="Tags in use, each with its number of videos.",
    epilog=examples("apivideo tags list"),
    commands=[
        list_command(
            TAG,
            [
                click.Option(["--value"], help="Only tags that contain this text."),
                *sorting("value", "videoCount"),
            ],
            epilog=examples(
                "apivideo tags list --sort-by videoCount --sort-order desc",
                "apivideo tags list --value trailer --output csv",
            ),
        )
    ],
)

tokens: click.Group = Group(
    "tokens",
    help="Upload tokens. Anyone who has a token can upload with it. The token is also its own "
    "identifier, so every command prints it.",
    epilog=examples("apivideo tokens create --ttl 2h"),
    commands=[
        list_command(TOKEN, sorting("createdAt", "ttl")),
        show_command(TOKEN),
        call_command(
            TOKEN,
            "create",
            [TTL],
            summary="Create a token for any number of uploads.",
            epilog=examples("apivideo tokens create", "apivideo tokens create --ttl 2h"),
        ),
        delete_command(TOKEN, summary="Revoke upload tokens."),
    ],
)

watermarks: click.Group = Group(
    "watermarks",
    help="Images that api.video can burn into videos.",
    epilog=examples("apivideo watermarks upload logo.png"),
    commands=[
        list_command(WATERMARK, sorting("createdAt")),
        call_command(
            WATERMARK,
            "upload",
            [FILE],
            summary="Upload a watermark: a JPEG or PNG file. It cannot be downloaded later.",
            epilog=examples("apivideo watermarks upload logo.png"),
        ),
        delete_command(WATERMARK, summary="Delete watermarks. Videos that use them keep them."),
    ],
)
