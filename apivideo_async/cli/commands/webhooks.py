"""The commands ``apivideo webhooks``."""

import click

from ...models import Webhook, WebhookEventType
from ..crud.bulk import delete_command
from ..crud.commands import call_command, show_command
from ..crud.listing import list_command
from ..crud.object_type import ObjectType
from ..examples import examples
from ..groups import Group
from ..parameters import one_of
from .webhooks_listen import listen

__all__ = ["command"]

WEBHOOK = ObjectType(
    singular="webhook",
    plural="webhooks",
    model=Webhook,
    section="webhooks",
    group="webhooks",
    example_ids="webhook_123",
    columns=("webhook_id", "url", "events", "created_at"),
    shrinkable=("url", "events"),
)
EVENTS = one_of(WebhookEventType)
TYPES = f"TYPE: {', '.join(EVENTS.choices)}."


command: click.Group = Group(
    "webhooks",
    help="Subscriptions to events, and a server that prints deliveries. Only `create` and `show` "
    "print the secret that signs deliveries.",
    epilog=examples(
        "apivideo webhooks create https://example.com/hook",
        "apivideo webhooks listen --secret sig_sec_abc",
    ),
    commands=[
        list_command(
            WEBHOOK,
            [
                click.Option(
                    ["--event", "events"],
                    type=EVENTS,
                    metavar="TYPE",
                    help="Only subscriptions to this type of event.",
                )
            ],
            epilog=examples(
                "apivideo webhooks list --event video.source.recorded",
                "apivideo webhooks list --output csv --columns id,url",
                before=TYPES,
            ),
        ),
        show_command(WEBHOOK),
        call_command(
            WEBHOOK,
            "create",
            [
                click.Argument(["url"], metavar="URL"),
                click.Option(
                    ["--event", "events"],
                    multiple=True,
                    type=EVENTS,
                    default=EVENTS.choices,
                    show_default="all types",
                    metavar="TYPE",
                    help="Deliver events of this type; repeat for more types.",
                ),
            ],
            secrets=True,
            summary="Create a subscription and print the secret that signs its deliveries.",
            epilog=examples(
                "apivideo webhooks create https://example.com/hook",
                "apivideo webhooks create http://example.com/ --event video.source.recorded",
                before=TYPES,
            ),
        ),
        delete_command(WEBHOOK),
        listen,
    ],
)
