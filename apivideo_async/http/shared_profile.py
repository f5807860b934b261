"""The service profile that all uploads of a client share. It changes on evidence."""

import logging
from typing import Any

import attrs
from attrs import define

from ..protocol.service_profile import ServiceProfile

__all__ = ["SharedProfile"]

log: logging.Logger = logging.getLogger("apivideo_async.service")


@define(eq=False)
class SharedProfile:
    """Holds the current profile of one service."""

    current: ServiceProfile = ServiceProfile()
    accepted_chunk: int = 0
    """Bytes of the largest chunk that the service has accepted."""

    def count_accepted(self, size: int) -> None:
        """Note that a chunk of ``size`` bytes was accepted."""
        self.accepted_chunk = max(self.accepted_chunk, size)

    def learn(self, quirk: str, evidence: str, **changes: Any) -> bool:
        """Replace values of the profile, and log one warning that names the quirk.

        ``evidence`` describes the response that contradicts the assumption. Returns False, and logs
        nothing, if the profile has these values already.
        """
        changed = attrs.evolve(self.current, **changes)
        if changed == self.current:
            return False
        self.current = changed
        log.warning(
            "the service differs from the assumptions (%s): %s. The uploads of this client adapt; "
            "see docs/conformance.md",
            quirk,
            evidence,
            extra={"event": "quirk", "quirk": quirk, "changes": changes},
        )
        return True
