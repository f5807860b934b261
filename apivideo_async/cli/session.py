"""The object that every command receives, and the client that it creates from the global options.

Plain calls give up within seconds because a user is waiting. Long uploads use the default
:class:`RetryPolicy`; the commands switch to it after one request has shown that the server
answers.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from attrs import asdict, define, field, frozen

from ..client import ApiVideoClient
from ..config import ClientConfig, RetryPolicy, resolve_config
from ..errors import ConfigurationError
from ..protocol.service_profile import ServiceProfile
from .connection import Connection, NetworkArguments
from .console.terminal import Terminal

__all__ = ["NO_API_KEY", "Session", "Settings", "connect"]

log: logging.Logger = logging.getLogger("apivideo_async.service")

SHORT_RETRIES = RetryPolicy(attempts=3, first_delay=0.3, seconds=20.0, outage=1.0, call_outage=1.0)
"""Retries of a command while a user waits for it."""
NO_API_KEY: str = (
    "no API key: set APIVIDEO_API_KEY or give --api-key, or enter in this terminal the two "
    "`export` lines that `apivideo emulator` prints"
)


@frozen(kw_only=True)
class Settings:
    """The global options; None selects the ``APIVIDEO_*`` variable or the default."""

    api_key: str | None = field(default=None, repr=False)
    environment: Literal["production", "sandbox"] | None = None
    base_url: str | None = None
    auth: Literal["bearer", "basic"] = "bearer"
    debug: bool = False
    connection: Connection = field(factory=Connection, repr=False)

    def resolve(self, *, needs_key: bool = True) -> ClientConfig:
        """Return the configuration.

        Raises ``ConfigurationError`` if it is invalid, or with ``needs_key`` if it has no API key.
        """
        config = resolve_config(**self._client_arguments())
        if needs_key and config.api_key is None:
            raise ConfigurationError(NO_API_KEY)
        return config

    def make_client(self, **options: Any) -> ApiVideoClient:
        """Make a client; ``options`` are further arguments of ``ApiVideoClient``.

        It starts with the service profile that ``apivideo conformance --save`` has saved.
        """
        network = self.network_arguments()
        given = {"profile": self._saved_profile(), **options}
        return ApiVideoClient(**self._client_arguments(), **network, **given)

    def network_arguments(self) -> NetworkArguments:
        """Return proxy and certificates as arguments of a client or of ``Stores``."""
        return self.connection.arguments()

    def _saved_profile(self) -> ServiceProfile:
        base_url = self.resolve(needs_key=False).base_url
        try:
            profile = ServiceProfile.saved(base_url)
        except ConfigurationError as error:
            # The client adapts without a profile, too.
            log.warning("%s", error)
            return ServiceProfile()
        if profile != ServiceProfile():
            log.info("the saved profile of %s is used: %s", base_url, profile.to_json())
        return profile

    def _client_arguments(self) -> dict[str, Any]:
        return asdict(self, filter=_is_of_client)


def _is_of_client(attribute: Any, _: Any) -> bool:
    return attribute.name not in ("debug", "connection")


@define
class Session:
    """State of one run of the command line."""

    terminal: Terminal = field(factory=Terminal)
    settings: Settings = field(factory=Settings)

    @property
    def base_url(self) -> str:
        """The address of the API server, for messages; empty if the configuration is invalid."""
        try:
            return self.settings.resolve(needs_key=False).base_url
        except ConfigurationError:
            return ""


@asynccontextmanager
async def connect(
    settings: Settings, *, needs_key: bool = True, **options: Any
) -> AsyncIterator[ApiVideoClient]:
    """Open a client that retries for at most 20 seconds.

    ``options`` are further arguments of ``ApiVideoClient``. Raises ``ConfigurationError`` like
    :meth:`Settings.resolve`.
    """
    settings.resolve(needs_key=needs_key)
    async with settings.make_client(retry=SHORT_RETRIES, **options) as client:
        yield client
