"""The command ``apivideo webhooks listen``: a server that prints deliveries."""

import asyncio
import json
import re

import click
from aiohttp import web
from attrs import field, frozen

from ... import webhooks
from ...config import resolve_config
from ...errors import ApiVideoError, ConfigurationError
from ...models import WebhookEvent, to_json
from ..console.messages import explain_listen_error
from ..console.terminal import Terminal, columns
from ..crud.formatting import local_time
from ..examples import examples
from ..parameters import mask
from ..running import run
from ..session import Session
from .options import host_option, port_option

__all__ = ["listen"]

LARGEST_BODY = 1024 * 1024
"""Bytes. A larger delivery is answered with 413."""


@click.command(
    name="listen",
    epilog=examples(
        "apivideo webhooks listen --secret sig_sec_abc",
        "apivideo webhooks listen --port 9000 --secret sig_sec_abc --jsonl",
    ),
)
@host_option
@port_option(8765)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="SECRET",
    callback=mask,
    help="Secret of a subscription; repeat for more. Default: APIVIDEO_WEBHOOK_SECRET, which may "
    "have several with spaces in between.",
)
@click.option(
    "--jsonl", "as_lines", is_flag=True, help="Print one JSON object per line, as delivered."
)
@click.pass_obj
def listen(
    session: Session, /, host: str, port: int, secrets: tuple[str, ...], as_lines: bool
) -> int:
    """Print webhook deliveries that are signed. Others are refused with status 400.

    api.video must be able to reach this machine, for example through a tunnel. Each delivery is
    printed on one line: time, type, and the other fields of the event.
    """
    accepted = _secrets(session, secrets)

    async def work() -> int:
        try:
            await _serve(host, port, Receiver(session.terminal, accepted, as_lines))
        except BrokenPipeError:
            raise
        except OSError as error:
            session.terminal.fail(explain_listen_error(error, host, port))
        return 1

    return run(session.terminal, work(), interrupted=None)


def _secrets(session: Session, given: tuple[str, ...]) -> tuple[str, ...]:
    configured = resolve_config().webhook_secret
    session.terminal.hide(configured)
    known = given or ((configured,) if configured else ())
    if not known or not all(text.strip() for text in known):
        raise click.UsageError("no webhook secret: give --secret or set APIVIDEO_WEBHOOK_SECRET")
    try:
        for text in known:
            # Signing raises ConfigurationError for a text that cannot be a secret.
            webhooks.sign(b"", text)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
    return known


async def _serve(host: str, port: int, receiver: "Receiver") -> None:
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_post("/{path:.*}", receiver.receive)
    # Signals are handled by `running.run`.
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        name = f"[{host}]" if ":" in host else host
        port = runner.addresses[0][1]
        receiver.terminal.say(f"listening on http://{name}:{port}/ (Ctrl-C stops it)")
        # Ctrl-C cancels this wait.
        await receiver.output_closed.wait()
        raise BrokenPipeError
    finally:
        await runner.cleanup()


@frozen
class Receiver:
    """Answers deliveries: 204 if the signature is valid, otherwise 400."""

    terminal: Terminal
    _secrets: tuple[str, ...] = field(repr=False)
    _as_lines: bool
    output_closed: asyncio.Event = field(factory=asyncio.Event)
    """Set when the reader of the standard output has closed the pipe."""

    async def receive(self, request: web.Request) -> web.Response:
        """Handle one delivery."""
        body = await request.read()
        try:
            event = webhooks.unwrap(body, request.headers, self._secrets)
        except ApiVideoError as error:
            self.terminal.say(_refusal(request, error), style="yellow")
            return web.Response(status=400, text="refused\n")
        try:
            if self._as_lines:
                self.terminal.json(json.loads(body), indent=None)
            else:
                self.terminal.result(_line(event))
        except BrokenPipeError:
            # The event could not be printed, so the sender must deliver it again.
            self.output_closed.set()
            return web.Response(status=503, text="stopping\n")
        return web.Response(status=204)


def _refusal(request: web.Request, error: ApiVideoError) -> str:
    """Return the message about a refused delivery. Everything in the request may be forged."""
    webhook_id = request.headers.get(webhooks.WEBHOOK_ID_HEADER, "")
    if not re.fullmatch(r"\w{1,100}", webhook_id, re.ASCII):
        return f"refused a delivery from {request.remote}: {error}"
    return (
        f"refused a delivery of {webhook_id} from {request.remote}: {error}; "
        f"`apivideo webhooks show {webhook_id}` prints the secret"
    )


def _line(event: WebhookEvent) -> str:
    fields = [
        f"{name}={text}"
        for name, text in to_json(event).items()
        if name not in ("type", "emittedAt")
    ]
    return columns(local_time(event.emitted_at) or "-", event.type or "-", *fields)
