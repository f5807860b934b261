"""The commands ``apivideo webhooks``."""

import click

from ...models import WebhookEventType
from ..crud.answers import json_option, show_command, tell
from ..crud.deletion import delete_command
from ..crud.listing import list_command
from ..crud.noun import Noun
from ..parameters import one_of
from ..session import Session
from .webhooks_listen import listen

__all__ = ["command"]

WEBHOOK = Noun(
    one="webhook",
    many="webhooks",
    resource="webhooks",
    columns=("webhook_id", "url", "events", "created_at"),
    cut=("url", "events"),
)
EVENTS = one_of(WebhookEventType)


@click.command(name="create", epilog=f"TYPE: {', '.join(EVENTS.choices)}.")
@click.argument("url", metavar="URL")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=EVENTS,
    metavar="TYPE",
    help="Deliver events of this type; repeat for more types. Default: all types.",
)
@json_option
@click.pass_obj
def create(session: Session, /, url: str, events: tuple[str, ...], as_document: bool) -> int:
    """Create a subscription and print the secret that signs its deliveries."""
    types = events or EVENTS.choices
    return tell(
        session,
        WEBHOOK,
        lambda client: client.webhooks.create(events=types, url=url),
        as_document=as_document,
        secrets=True,
    )


command: click.Group = click.Group(
    "webhooks",
    help="Subscriptions to events, and a server that prints deliveries. Only `create` and `show` "
    "print the secret that signs deliveries.",
    commands=[
        list_command(
            WEBHOOK,
            [
                click.Option(
                    ["--event", "events"],
                    type=EVENTS,
                    help="Only subscriptions to this type of event.",
                )
            ],
        ),
        show_command(WEBHOOK),
        create,
        delete_command(WEBHOOK),
        listen,
    ],
)
