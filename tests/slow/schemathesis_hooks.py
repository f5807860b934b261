"""Which generated queries are sent at all; loaded by schemathesis in its own process."""

from typing import Any

import schemathesis

LONGEST = 8_000


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Send only parameters that the operation has: others are ignored (§17 #17), and so is `metadata` without a key.

    Very long queries are dropped as well: a server refuses them before it is asked anything.
    """
    if not isinstance(query, dict):
        return query is None
    if not isinstance(query.get("metadata", {}), dict):
        return False
    known = {parameter.name for parameter in context.operation.query}
    return known.issuperset(query) and len(repr(query).encode()) < LONGEST
