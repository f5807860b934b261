"""How questions to analytics are written (CONTRACT §5.2, §13, §14)."""

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


def filter_value(filter_by: Mapping[str, object] | Unset) -> dict[str, str | list[str]] | Unset:
    """Write ``{"country": ["FR"], "tag": "a"}`` as the query wants it.

    One text goes as ``filterBy[country]=FR``, a list as ``filterBy[country][]=FR``; both are documented. Raises
    ``TypeError`` for a dimension that does not exist, ``ConfigurationError`` for a list where one text is taken.
    """
    if isinstance(filter_by, Unset):
        return UNSET
    if unknown := sorted(set(filter_by) - set(_KEYS)):
        raise TypeError(f"filter_by has no {', '.join(unknown)}; it has {', '.join(_KEYS)}")
    return {_KEYS[name]: _texts(name, value) for name, value in set_fields(filter_by).items()}


def _texts(name: str, value: object) -> str | list[str]:
    if isinstance(value, str):
        return value
    if name in _SINGLE or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        kind = "one text" if name in _SINGLE else "a text or a list of texts"
        raise ConfigurationError(f"filter_by[{name!r}] takes {kind}, not {value!r}")
    return list(value)


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
    return "/".join((day.date() if isinstance(day, datetime) else day).isoformat() for day in days)
