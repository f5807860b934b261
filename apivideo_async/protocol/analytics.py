"""How questions to analytics are written.

See service.md#filter-encoding, service.md#analytics, service.md#legacy-periods.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from ..config import UNSET, Unset
from ..errors import ConfigurationError
from .request import set_fields

__all__ = ["Filter", "filter_value", "period_text", "view_duration_text"]

Filter = Mapping[str, str | Sequence[str]]

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
_SINGLE = ("media_type", "tag")


def filter_value(filter_by: object) -> dict[str, str | list[str]] | Unset:
    """Write ``{"country": ["FR"], "tag": "a"}`` as the query wants it.

    One text goes as ``filterBy[country]=FR``, a list as ``filterBy[country][]=FR``; both are documented. Raises
    ``TypeError`` for a dimension that does not exist, ``ConfigurationError`` for a list where one text is taken, and
    for a filter without a value: the server would count everything. An empty ``referrer`` means views without one.
    """
    if isinstance(filter_by, Unset):
        return UNSET
    if not isinstance(filter_by, Mapping) or not filter_by:
        raise ConfigurationError(f'filter_by is a mapping like {{"country": ["FR"]}}, not {filter_by!r}: leave it out')
    if unknown := sorted(set(filter_by) - set(_KEYS)):
        raise TypeError(f"filter_by has no {', '.join(unknown)}; it has {', '.join(_KEYS)}")
    given = {_KEYS[name]: _texts(name, value) for name, value in set_fields(filter_by).items()}
    return given or UNSET


def _texts(name: str, value: object) -> str | list[str]:
    given = list(value) if isinstance(value, list | tuple) else [value]
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) != len(given) or (name in _SINGLE and not isinstance(value, str)):
        kind = "one text" if name in _SINGLE else "a text or a list of texts"
        raise ConfigurationError(f"filter_by[{name!r}] takes {kind}, not {value!r}")
    if not texts or (name != "referrer" and not all(text.strip() for text in texts)):
        raise ConfigurationError(
            f"filter_by[{name!r}] is {value!r}, which would not filter at all: leave it out to count everything, "
            "or send no request when nothing can match"
        )
    return value if isinstance(value, str) else texts


def view_duration_text(value: str | timedelta | Unset) -> str | Unset:
    """Write a duration as ``5s``."""
    return f"{value / timedelta(seconds=1):g}s" if isinstance(value, timedelta) else value


def period_text(period: str | date | tuple[date, date] | Unset) -> str | Unset:
    """Write a day as ``2018-01-01``, two as ``2018-01-01/2018-01-15``; a text goes as it is.

    Of a ``datetime`` the date is taken, in its own time zone.
    """
    if isinstance(period, str | Unset):
        return period
    days = period if isinstance(period, tuple) else (period,)
    if len(days) not in (1, 2) or not all(isinstance(day, date) for day in days):
        raise ConfigurationError(f"period is a day, a pair of days, or a text like 2018-W01, not {period!r}")
    return "/".join((day.date() if isinstance(day, datetime) else day).isoformat() for day in days)
