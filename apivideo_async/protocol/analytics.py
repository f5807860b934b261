"""Query parameters of analytics operations.

See service.md#filter-encoding, service.md#analytics, service.md#legacy-periods.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from ..config import UNSET, Unset
from ..errors import ConfigurationError
from .query import empty_filter
from .request import set_fields

__all__ = ["filter_value", "period_text", "view_duration_text"]

_KEYS = {
    "media_id": "mediaId",
    "media_type": "mediaType",
    "continent": "continent",
    "country": "country",
    "device_type": "deviceType",
    "operating_system": "operatingSystem",
    "browser": "browser",
    "tag": "tag",
    "referrer": "referrer",
}
# Dimensions that take one text. The others take a text or a list.
_SINGLE = ("media_type", "tag")


def filter_value(filter_by: object) -> dict[str, str | list[str]] | Unset:
    """Convert ``{"country": ["FR"], "tag": "a"}`` to the form that ``query_string`` encodes.

    A dimension that takes several values is sent as ``filterBy[country][]=FR``, also for a single
    text, and one that takes one value as ``filterBy[tag]=a``. An empty ``referrer`` selects views
    without a referrer. Raises ``ConfigurationError`` for an unknown dimension,
    for a list where only one text is allowed and for a filter without a value, which the server
    would ignore.
    """
    if isinstance(filter_by, Unset):
        return UNSET
    if not isinstance(filter_by, Mapping) or not filter_by:
        rule = 'must be a mapping such as {"country": ["FR"]}'
        raise ConfigurationError(f"filter_by {rule}, not {filter_by!r}", option="filter_by")
    if unknown := sorted(map(str, set(filter_by) - set(_KEYS))):
        raise ConfigurationError(
            f"filter_by has no {', '.join(unknown)}; it has {', '.join(_KEYS)}", option="filter_by"
        )
    given = {_KEYS[name]: _texts(name, value) for name, value in set_fields(filter_by).items()}
    return given or UNSET


def _texts(name: str, value: object) -> str | list[str]:
    given = list(value) if isinstance(value, list | tuple) else [value]
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) != len(given) or (name in _SINGLE and not isinstance(value, str)):
        kind = "one text" if name in _SINGLE else "a text or a list of texts"
        raise ConfigurationError(
            f"filter_by[{name!r}] must be {kind}, not {value!r}", option="filter_by"
        )
    if not texts or (name != "referrer" and not all(text.strip() for text in texts)):
        raise empty_filter(f"filter_by[{name!r}]", repr(value))
    # The specification shows ``filterBy[country]=FR`` for one value, but the official clients send
    # brackets for every array (service.md#filter-encoding).
    return texts[0] if name in _SINGLE else texts


def view_duration_text(value: str | timedelta | Unset) -> str | Unset:
    """Convert a ``timedelta`` to text such as ``5s``. Other values are returned unchanged."""
    return f"{value / timedelta(seconds=1):g}s" if isinstance(value, timedelta) else value


def period_text(period: str | date | tuple[date, date] | Unset) -> str | Unset:
    """Convert a day to ``2018-01-01`` and two days to ``2018-01-01/2018-01-15``.

    Text is returned unchanged. Of a ``datetime``, the date in its own time zone is used. Raises
    ``ConfigurationError`` for other values.
    """
    if isinstance(period, str | Unset):
        return period
    days = period if isinstance(period, tuple) else (period,)
    if len(days) not in (1, 2) or not all(isinstance(day, date) for day in days):
        raise ConfigurationError(
            f"period must be a day, a pair of days, or a text such as 2018-W01, not {period!r}",
            option="period",
        )
    return "/".join((day.date() if isinstance(day, datetime) else day).isoformat() for day in days)
