"""The top-level command group: global options, lazily imported commands and exit codes.

To add a command, write a module with an attribute ``command`` and add it to ``COMMANDS``. A module
with several commands is entered as ``module:attribute``.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, Literal

import click
from click.shell_completion import CompletionItem

from .._version import __version__
from ..errors import ConfigurationError
from .connection import connection_options, take_connection
from .console.logs import show_logs
from .console.messages import explain
from .console.terminal import Terminal, discard_stdout
from .examples import examples
from .global_options import accept_global_options
from .groups import Group
from .parameters import Choice
from .running import INTERRUPTED
from .session import Session, Settings

__all__ = ["LazyGroup", "app", "run"]

COMMANDS = {
    "Uploads": {
        "upload": (".commands.upload.command", "Upload files as videos."),
        "ingest": (".commands.ingest.command", "Upload many files, each exactly once."),
        "distributed": (".commands.distributed", "Ingest on many machines, with PostgreSQL."),
        "plan": (".commands.plan", "Estimate requests, bytes and time. Nothing is sent."),
        "tokens": (".commands.account:tokens", "Upload tokens, for uploads without an API key."),
    },
    "Videos": {
        "videos": (".commands.videos", "List, show, create, change, delete and restore videos."),
        "open": (".commands.open", "Open the player of a video in the browser."),
        "captions": (".commands.tracks:captions", "Subtitles of a video."),
        "chapters": (".commands.tracks:chapters", "Chapters of a video."),
        "summaries": (".commands.summaries", "Summaries of videos."),
        "tags": (".commands.account:tags", "Tags of videos."),
        "watermarks": (".commands.account:watermarks", "Images that are shown in videos."),
    },
    "Live streams and players": {
        "live-streams": (".commands.live_streams", "Live streams and their keys."),
        "players": (".commands.players", "Themes of the player."),
    },
    "Account": {
        "account": (".commands.account:account", "Quota and features of the account."),
        "analytics": (".commands.analytics", "Views, play time and other metrics."),
        "webhooks": (".commands.webhooks", "Subscriptions to events; a server for deliveries."),
        "api": (".commands.api", "Send any request and print the response."),
    },
    "Checks and development": {
        "doctor": (".commands.doctor", "Check settings, network, key and server."),
        "conformance": (".commands.conformance", "Check how the service behaves."),
        "emulator": (".commands.emulator", "Run a local emulator of api.video."),
        "demo": (".commands.demo.command", "Upload and list a video on a local emulator."),
        "completion": (".commands.completion", "Print the completion script of a shell."),
    },
}


class LazyGroup(Group):
    """A command group that imports each command when it is used.

    The help of the group shows the summaries from ``modules`` and imports no command. ``modules``
    maps headings to commands, and the name of a command to its module (relative to ``package``) and
    its summary. The command is the attribute ``command`` of the module, or the attribute named
    after a colon.
    """

    def __init__(
        self,
        *arguments: Any,
        modules: dict[str, dict[str, tuple[str, str]]],
        package: str,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._sections = modules
        self.modules: dict[str, tuple[str, str]] = {
            name: each for part in modules.values() for name, each in part.items()
        }
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if the group has no command of this name."""
        if cmd_name not in self.modules:
            return None
        module, _, attribute = self.modules[cmd_name][0].partition(":")
        command = getattr(import_module(module, self._package), attribute or "command")
        if not isinstance(command, click.Command):
            return None
        return accept_global_options(command, app)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete command names and options without importing any command."""
        found = [
            CompletionItem(name, help=text)
            for name, (_, text) in self.modules.items()
            if name.startswith(incomplete)
        ]
        # Skip the method of click.Group, which would import every command to read its help.
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command names with their summaries, below the headings."""
        # Names of one width align the summaries of all sections.
        width = max(map(len, self.modules))
        for heading, modules in self._sections.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(name.ljust(width), summary) for name, (_, summary) in modules.items()]
                )


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    package=__package__,
    name="apivideo",
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    no_args_is_help=True,
    epilog=examples(
        "apivideo upload movie.mp4 --wait",
        "apivideo videos list --tag trailer --output csv",
        "apivideo videos delete --tag old --dry-run",
    ),
)
@click.option("--api-key", metavar="KEY", help="API key; default: APIVIDEO_API_KEY.")
@click.option(
    "--environment",
    type=Choice(["production", "sandbox"]),
    help="Default: APIVIDEO_ENVIRONMENT. Each environment has its own keys.",
)
@click.option(
    "--base-url",
    metavar="URL",
    help="Address of the API, for example of an emulator; default: APIVIDEO_BASE_URL.",
)
@click.option(
    "--auth",
    type=Choice(["bearer", "basic"]),
    default="bearer",
    help="Exchange the key for a token, or send it with every request.",
)
@connection_options
@click.option("--debug", is_flag=True, help="Show tracebacks and every request.")
@click.option(
    "--log-format",
    type=Choice(["text", "json"]),
    default="text",
    help="json: every line on the standard error is a JSON object, without progress bars.",
)
@click.version_option(__version__, prog_name="apivideo")
@click.pass_context
def app(
    ctx: click.Context,
    /,
    api_key: str | None,
    environment: Literal["production", "sandbox"] | None,
    base_url: str | None,
    auth: Literal["bearer", "basic"],
    debug: bool,
    log_format: Literal["text", "json"],
    **connection: Any,
) -> None:
    """Upload and manage videos on api.video.

    Set the API key with APIVIDEO_API_KEY or --api-key. The options of this page can also be given
    after the command. Results are written to the standard output and everything else to the
    standard error. Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
    """
    session = ctx.ensure_object(Session)
    session.settings = Settings(
        api_key=api_key,
        environment=environment,
        base_url=base_url,
        auth=auth,
        debug=debug,
        connection=take_connection(connection),
    )
    # Mask the key before the first log record can be written.
    session.terminal.hide(api_key, os.environ.get("APIVIDEO_API_KEY"))
    show_logs(session.terminal, debug=debug, as_json=log_format == "json")


def run(arguments: Sequence[str]) -> int:
    """Run the command line. Report a failure in one line, with ``--debug`` after its traceback."""
    _fill_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # File names and titles may contain characters that the encoding of the stream lacks.
            stream.reconfigure(errors="backslashreplace")
    session = Session(terminal=Terminal())
    try:
        # Outside standalone mode click raises its exceptions instead of printing them and exiting.
        result = app.main(list(arguments), prog_name="apivideo", standalone_mode=False, obj=session)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()  # The reader of the output closed the pipe, so end quietly.
        return 1
    except Exception as error:
        return _failed(session, error)
    except KeyboardInterrupt:
        session.terminal.fail("interrupted")
        return INTERRUPTED
    # `--help` and `--version` return 0; a command returns its exit code or None.
    code = result if isinstance(result, int) else 0
    return code or (1 if session.terminal.output_error else 0)


def _fill_standard_streams() -> None:
    # A new socket or file could get the number of a closed standard stream and its output.
    with suppress(OSError):
        # os.open returns the lowest free descriptor, so the loop ends when 0 to 2 are all open.
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)


def _failed(session: Session, error: Exception) -> int:
    if isinstance(error, click.UsageError) and type(error).__name__ == "NoArgsIsHelpError":
        click.echo(error.format_message(), err=True)  # click has this class since version 8.2.
        return 2
    if isinstance(error, click.Abort):
        session.terminal.fail("interrupted")
        return INTERRUPTED
    if session.settings.debug:
        session.terminal.trace(traceback.format_exc())
    # The exit code is 2 for usage errors and 1 for other exceptions of click.
    if isinstance(error, click.ClickException):
        session.terminal.fail(_usage(error))
        return error.exit_code
    session.terminal.fail(explain(error, session.base_url))
    return 2 if isinstance(error, ConfigurationError) else 1


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    where = f" (see {context.command_path} --help)" if isinstance(context, click.Context) else ""
    return " ".join(error.format_message().split()) + where
