"""Handlers that several sections of the API share: list, get, update and delete items."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from aiohttp import web
from attrs import frozen

from ..operations import Call, empty_response, json_response, page_response
from ..rules.payloads import Check, validate
from ..state.items import BY_DATES, Collection, Item, sort_items
from ..state.records import LiveStream, Player
from ..state.state import State

__all__ = ["EditableItems", "Items"]

ItemT = TypeVar("ItemT", bound=Item)
EditableT = TypeVar("EditableT", LiveStream, Player)


def _all(call: Call, item: Any) -> bool:
    return True


@frozen(kw_only=True)
class Items(Generic[ItemT]):
    """The handlers of one collection of the state.

    ``parameter`` is the path parameter with the id, ``sort_keys`` are the values of ``sortBy``, and
    ``matches`` applies the filters of a list.
    """

    collection: Callable[[State], Collection[ItemT]]
    parameter: str
    as_json: Callable[[Call, ItemT], dict[str, Any]]
    sort_keys: Mapping[str, Callable[[Any], Any]] = BY_DATES
    matches: Callable[[Call, ItemT], bool] = _all

    def find(self, call: Call) -> ItemT:
        """Return the item that the path names. Raises a refusal (404) if there is none."""
        return self.collection(call.state).find(call.parameter(self.parameter))

    async def list_items(self, call: Call) -> web.StreamResponse:
        """List the items that match the filters, newest first."""
        items = self.collection(call.state).values()
        matching = [item for item in items if self.matches(call, item)]
        ordered = sort_items(matching, call.query, self.sort_keys)
        return page_response(call, ordered, lambda item: self.as_json(call, item))

    async def get(self, call: Call) -> web.StreamResponse:
        return json_response(self.as_json(call, self.find(call)))

    async def delete(self, call: Call) -> web.StreamResponse:
        del self.collection(call.state)[self.find(call).id]
        return empty_response()

    def changed(self, call: Call, item: ItemT, status: int = 200) -> web.Response:
        """Record the change of an item and return the item."""
        item.touch(call.state.utc_now)
        return json_response(self.as_json(call, item), status)


@frozen(kw_only=True)
class EditableItems(Items[EditableT]):
    """Handlers of items whose attributes can be changed. ``checks`` validates the attributes."""

    checks: Mapping[str, Check]

    async def update(self, call: Call) -> web.StreamResponse:
        """Change the given attributes. Arrays are replaced (service.md#merge-rules)."""
        item = self.find(call)
        item.attributes.update(validate(await call.json(), self.checks))
        return self.changed(call, item)
