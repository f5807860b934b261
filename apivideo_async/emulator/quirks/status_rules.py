"""Quirks that change the form of an upload status (service.md#upload-status). Pure."""

from typing import Any

from .quirk_set import QuirkSet

__all__ = ["altered_status"]


def altered_status(quirks: QuirkSet, status: dict[str, Any]) -> dict[str, Any]:
    """Return the ``video-status`` schema in the form that the quirks order."""
    ingest = status["ingest"]
    if ingest is not None:
        status = {**status, "ingest": _altered_ingest(quirks, ingest)}
    return _with_texts(status) if "status-number-strings" in quirks else status


def _altered_ingest(quirks: QuirkSet, ingest: dict[str, Any]) -> dict[str, Any]:
    left_out: set[str] = set()
    if "status-without-ranges" in quirks:
        left_out |= {"receivedBytes", "receivedParts"}
    if "status-without-size" in quirks:
        left_out.add("filesize")
    altered = {name: value for name, value in ingest.items() if name not in left_out}
    if "status-merged-ranges" in quirks and "receivedBytes" in altered:
        altered["receivedBytes"] = _merged(altered["receivedBytes"])
    return altered


def _merged(ranges: list[dict[str, int]]) -> list[dict[str, int]]:
    """Return ranges in which adjacent ones are one. They are in ascending order."""
    merged: list[dict[str, int]] = []
    for each in ranges:
        if merged and merged[-1]["to"] + 1 == each["from"]:
            merged[-1] = {**merged[-1], "to": each["to"]}
        else:
            merged.append(each)
    return merged


def _with_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(each) for each in value]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number else value
