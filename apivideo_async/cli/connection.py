"""The options for proxies and certificates, for every command that connects to a server.

The values become the arguments ``proxy``, ``trust_env`` and ``ssl_context``, which the client and
the sources of an ingestion have. The command line uses the proxies of the environment by default,
as other commands do.
"""

from pathlib import Path
from typing import Any, TypedDict

import click
from attrs import frozen

from ..http.network import Network, make_ssl_context

__all__ = ["Connection", "NetworkArguments", "connection_options", "take_connection"]


class NetworkArguments(TypedDict):
    """Arguments of ``ApiVideoClient`` and of ``Stores``."""

    proxy: str | None
    trust_env: bool
    ssl_context: Any


@frozen(kw_only=True)
class Connection:
    """The values of ``connection_options``."""

    proxy: str | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None

    def arguments(self) -> NetworkArguments:
        """Return the arguments of the client. Raises ``ConfigurationError`` for unusable files."""
        return {
            "proxy": self.proxy,
            "trust_env": True,
            "ssl_context": make_ssl_context(self.ca_file, self.client_cert, self.client_key),
        }

    def network(self) -> Network:
        """Return the network of these options. Raises ``ConfigurationError``."""
        return Network(**self.arguments())


_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option(
        "--proxy",
        metavar="URL",
        help="HTTP proxy for all connections, such as http://user:password@host:3128. Default: "
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.",
    ),
    click.option(
        "--ca-file",
        type=_FILE,
        metavar="FILE",
        help="PEM file or folder of certificates to trust in addition to those of the system or of "
        "SSL_CERT_FILE.",
    ),
    click.option(
        "--client-cert",
        type=_FILE,
        metavar="FILE",
        help="PEM file with the client certificate that a server or proxy requires.",
    ),
    click.option(
        "--client-key",
        type=_FILE,
        metavar="FILE",
        help="PEM file with its key, if the certificate file does not contain it.",
    ),
)


def connection_options(command: Any) -> Any:
    """Add the options for which ``take_connection`` makes a ``Connection``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_connection(given: dict[str, Any]) -> Connection:
    """Remove the values of ``connection_options`` from ``given``, and return them."""
    names = ("proxy", "ca_file", "client_cert", "client_key")
    return Connection(**{name: given.pop(name) for name in names})
