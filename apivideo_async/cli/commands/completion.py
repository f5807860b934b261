"""The command ``apivideo completion``."""

import click
from click.shell_completion import get_completion_class

from ..examples import examples
from ..parameters import Choice
from ..session import Session

__all__ = ["command"]

SETUP = {
    "bash": 'eval "$(apivideo completion bash)"      # in ~/.bashrc',
    "zsh": 'eval "$(apivideo completion zsh)"       # in ~/.zshrc, after compinit',
    "fish": "apivideo completion fish | source       # in ~/.config/fish/config.fish",
}


@click.command(name="completion", epilog=examples(*SETUP.values()))
@click.argument("shell", type=Choice(list(SETUP)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands, options and values in a shell.

    bash needs version 4.4 or later.
    """
    # click.Choice has checked the name, so click knows the shell.
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101
    script = kind(ctx.find_root().command, {}, "apivideo", "_APIVIDEO_COMPLETE")
    ctx.ensure_object(Session).terminal.results(script.source().strip().splitlines())
