"""The object that every command receives: the global options and the terminal."""

from attrs import define, field

from ..config import resolve_config
from ..errors import ConfigurationError
from .connection import Settings
from .console.terminal import Terminal

__all__ = ["Session"]


@define
class Session:
    """State of one run of the command line."""

    terminal: Terminal = field(factory=Terminal)
    settings: Settings = field(factory=Settings)

    @property
    def base_url(self) -> str:
        """The address of the API server, for messages; empty if the configuration is invalid."""
        try:
            return resolve_config(
                environment=self.settings.environment, base_url=self.settings.base_url
            ).base_url
        except ConfigurationError:
            return ""
