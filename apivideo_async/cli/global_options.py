"""Global options after the command: ``apivideo videos list --debug``.

Every command accepts the options of the top-level group, hidden in its help. A value given after
the command replaces one given before it.
"""

import copy
from typing import Any

import click
from click.core import ParameterSource

__all__ = ["accept_global_options"]

HINT = "API key, server and proxy: see the help of apivideo."
"""The end of the help of each command, which does not list these options."""


def accept_global_options(command: click.Command, top: click.Group) -> click.Command:
    """Add the options of ``top`` to ``command`` and its subcommands, and return ``command``.

    An option of the command with the same spelling is kept: ``--api-key`` of ``apivideo emulator``
    is the key that the emulator accepts.
    """
    own = {spelling for parameter in command.params for spelling in parameter.opts}
    command.params += [
        _late(option)
        for option in top.params
        if isinstance(option, click.Option) and option.expose_value and not own & {*option.opts}
    ]
    command.epilog = f"{command.epilog or ''}\n\n{HINT}"
    if isinstance(command, click.Group):
        # `apivideo ingest` has a command that is used if no subcommand is named.
        default = getattr(command, "default_command", None)
        for subcommand in (*command.commands.values(), *([default] if default else [])):
            accept_global_options(subcommand, top)
    return command


def _late(option: click.Option) -> click.Option:
    late = copy.copy(option)
    late.hidden = True
    late.expose_value = False
    late.callback = _replace
    return late


def _replace(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Call the function of the top-level group again, with this value."""
    name = param.name or ""
    if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        top = ctx.find_root()
        top.params[name] = value
        if top.command.callback is not None:
            top.invoke(top.command.callback, **top.params)
    return value
