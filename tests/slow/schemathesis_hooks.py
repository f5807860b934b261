"""Which generated queries are sent at all; loaded by schemathesis in its own process."""

from typing import Any

import schemathesis

LONGEST = 8_000
CONTAINERS: dict[str, type] = {"metadata": dict, "filterBy": dict, "tags[]": list}
"""One value in the place of these is the same text in a query."""


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Send only parameters that the operation has: others are ignored, which is not an error.

    See service.md#unknown-parameters.

    Very long queries are dropped as well: a server refuses them before it is asked anything.
    """
    if not isinstance(query, dict):
        return query is None
    if not all(isinstance(query.get(name, kind()), kind) for name, kind in CONTAINERS.items()):
        return False
    known = {parameter.name for parameter in context.operation.query}
    return known.issuperset(query) and len(repr(query).encode()) < LONGEST
