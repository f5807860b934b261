"""What a client knows about the service it talks to.

api.video's documentation leaves questions open. A :class:`ServiceProfile` starts from the
assumptions of ``docs/conformance.md`` and is replaced by a changed copy when a response contradicts
one of them. It is a value: :class:`~apivideo_async.http.shared_profile.SharedProfile` holds the
current one for all uploads of a client. ``apivideo conformance --save`` stores one for each
service, and :meth:`ServiceProfile.saved` reads it.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import attrs
from attrs import field, frozen

from ..config import of_type, one_of, resolve_config
from ..errors import ConfigurationError
from ..saved_profiles import read_profile

__all__ = ["ChunkOrder", "ServiceProfile"]

ChunkOrder: TypeAlias = Literal["any", "first_alone", "sequential"]
"""When the chunks of one video may be sent: at the same time; at the same time after the first one
was accepted; or one after the other, in order."""


@frozen(kw_only=True)
class ServiceProfile:
    """The behaviour of a service, as far as it is known. The defaults are the assumptions.

    Raises ``ConfigurationError`` for a value of another type.
    """

    byte_ranges: bool = field(default=True, validator=of_type(bool))
    """Chunks may state a byte range (``Content-Range: bytes 0-9/20``)."""
    parts: bool = field(default=True, validator=of_type(bool))
    """Chunks may state a part number (``Content-Range: part 1/2``)."""
    unknown_totals: bool = field(default=True, validator=of_type(bool))
    """Chunks may leave the total open (``*``) until the last chunk."""
    chunk_order: ChunkOrder = field(
        default="any", validator=one_of("any", "first_alone", "sequential")
    )
    smallest_chunk: int | None = field(default=None, validator=of_type(int, optional=True))
    """Bytes of the smallest chunk other than the last; None: as documented."""
    largest_chunk: int | None = field(default=None, validator=of_type(int, optional=True))
    """Bytes of the largest chunk that passes all gateways; None: as documented."""
    response_timeout: float | None = field(
        default=None, validator=of_type(int, float, optional=True)
    )
    """Seconds to wait for the response to a chunk; None: as ``Timeouts`` says."""
    status_lists_chunks: bool = field(default=True, validator=of_type(bool))
    """The status of a video lists the received ranges or parts."""
    filters_metadata: bool = field(default=True, validator=of_type(bool))
    """The list of videos can be filtered by metadata."""
    keeps_metadata: bool = field(default=True, validator=of_type(bool))
    """Metadata values are stored unchanged."""
    delivers_once: bool = field(default=True, validator=of_type(bool))
    """One creation request creates one video. If not, every creation with a key is checked."""

    def to_json(self) -> dict[str, Any]:
        """Return the values that differ from the assumptions."""
        default = ServiceProfile()
        values = attrs.asdict(self)
        return {name: values[name] for name in values if values[name] != getattr(default, name)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ServiceProfile":
        """Create a profile from ``to_json``. Names of other versions are ignored.

        Raises ``ConfigurationError`` for a value of another type.
        """
        known = {each.name for each in attrs.fields(cls)}
        if not isinstance(values, Mapping):
            raise ConfigurationError("a service profile must be a mapping")
        try:
            return cls(**{name: value for name, value in values.items() if name in known})
        except ConfigurationError as error:
            raise ConfigurationError(f"invalid service profile: {error}") from None

    @classmethod
    def saved(cls, base_url: str | None = None) -> "ServiceProfile":
        """Return the profile that a check of the service has saved, or the default profile.

        ``base_url`` is that of the service. Without it, ``APIVIDEO_BASE_URL`` and
        ``APIVIDEO_ENVIRONMENT`` select the service, as for ``ApiVideoClient()``. Raises
        ``ConfigurationError`` if the file cannot be used; the message names it. See
        ``apivideo conformance --save``.
        """
        found = read_profile(resolve_config(base_url=base_url).base_url)
        if found is None:
            return cls()
        try:
            return cls.from_json(found.values)
        except ConfigurationError as error:
            raise found.unusable(str(error)) from None
