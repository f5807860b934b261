"""The profile of a service: a value, saved as what differs, and changed with one warning."""

import json
import logging

import pytest

from apivideo_async.errors import ConfigurationError
from apivideo_async.http.shared_profile import SharedProfile
from apivideo_async.protocol.service_profile import ServiceProfile


def test_only_differences_are_saved() -> None:
    assert ServiceProfile().to_json() == {}
    profile = ServiceProfile(byte_ranges=False, chunk_order="sequential", smallest_chunk=10)
    saved = json.loads(json.dumps(profile.to_json()))
    assert saved == {"byte_ranges": False, "chunk_order": "sequential", "smallest_chunk": 10}
    assert ServiceProfile.from_json({**saved, "of_a_later_version": 1}) == profile


@pytest.mark.parametrize(
    "values", [{"chunk_order": "backwards"}, {"parts": 1}, {"smallest_chunk": "5"}]
)
def test_other_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        ServiceProfile.from_json(values)


def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    shared = SharedProfile()
    with caplog.at_level(logging.WARNING, "apivideo_async.service"):
        assert shared.learn("no-byte-ranges", "400 for a byte range", byte_ranges=False)
        assert not shared.learn("no-byte-ranges", "400 for a byte range", byte_ranges=False)
    [record] = caplog.records
    assert "no-byte-ranges" in record.getMessage()
    assert shared.current == ServiceProfile(byte_ranges=False)


def test_a_profile_is_a_mapping_of_values_of_the_right_types() -> None:
    with pytest.raises(ConfigurationError, match="must be a mapping"):
        ServiceProfile.from_json(["parts"])  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="parts must be of type bool, not int"):
        ServiceProfile(parts=1)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="chunk_order must be one of"):
        ServiceProfile(chunk_order=["any"])  # type: ignore[arg-type]
