"""The report of a check."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import frozen

from ..errors import ConfigurationError
from ..protocol.service_profile import ServiceProfile
from ..saved_profiles import write_profile
from .observations import Observation, profile_of

__all__ = ["ConformanceReport"]


@frozen(kw_only=True)
class ConformanceReport:
    """The result of a check. It contains no secrets."""

    base_url: str
    checked: datetime
    """Start of the check."""
    seconds: float
    """Duration of the check."""
    complete: bool
    """False if the check was interrupted or ended by an error."""
    observations: tuple[Observation, ...]
    """One for each assumption of ``docs/conformance.md``, in the same order."""
    requests: Mapping[str, int]
    """Number of requests by class: uploads, writes and reads."""
    bytes_sent: int
    """Bytes of uploaded files."""
    left: tuple[str, ...]
    """Paths of the videos and live streams that could not be deleted."""

    @property
    def profile(self) -> ServiceProfile:
        """The profile of the service, as far as it was determined."""
        return profile_of(self.observations)

    @property
    def quirks(self) -> tuple[str, ...]:
        """The quirks of the service, with their values."""
        return tuple(one.quirk for one in self.observations if one.quirk is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {
            "baseUrl": self.base_url,
            "checked": self.checked.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "complete": self.complete,
            "requests": dict(self.requests),
            "bytesSent": self.bytes_sent,
            "left": list(self.left),
            "quirks": list(self.quirks),
            "profile": self.profile.to_json(),
            "questions": [_question(observation) for observation in self.observations],
        }

    def save(self) -> Path:
        """Save the profile for ``ServiceProfile.saved``, and return the path of the file.

        An earlier profile of the same service is replaced. Questions without an answer have their
        default. Raises ``ConfigurationError`` if the check is not complete or the file cannot be
        written.
        """
        if not self.complete:
            raise ConfigurationError("the check is not complete, so its profile is not saved")
        checked = self.checked.isoformat(timespec="seconds")
        return write_profile(self.base_url, checked, self.profile.to_json())


def _question(observation: Observation) -> dict[str, Any]:
    assumption = observation.assumption
    return {
        "subject": observation.subject,
        "question": assumption.question,
        "certainty": assumption.certainty,
        "documents": assumption.documents,
        "assumed": assumption.assumed,
        "state": observation.state,
        "observed": observation.text,
        "quirk": observation.quirk,
        "adaptation": assumption.adaptation,
        "setting": assumption.setting,
        "profile": dict(observation.changes),
    }
