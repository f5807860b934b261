"""The form in which text from outside is stored in a database.

Such text includes file names, ETags, messages, and the ids and error names of the service.
PostgreSQL refuses NUL, and no database stores lone surrogates, which file names and JSON responses
may contain. Such text is stored with the prefix ``escaped:``, and each character that a database
refuses is stored as ``%`` and four hexadecimal digits. Text that already starts with one of the
prefixes is escaped as well. Every text thus has a stored form, different texts have different
stored forms, and ``decode`` returns exactly the text that was passed to ``encode``.

Ledgers of version 0.1 stored such text as ``json:`` and a JSON string, and did not escape text that
has the same form by chance. ``decode`` still reads that form. It returns text unchanged if the part
after ``json:`` is not a JSON string.
"""

import json
import re
from typing import Final

__all__ = ["ODD", "decode", "encode"]

ODD: Final = re.compile("[\x00\ud800-\udfff]")
"""Characters that a database may refuse."""
# Forms of stored text: the current one, and that of ledgers of version 0.1.
_PREFIX: Final = "escaped:"
_JSON: Final = 'json:"'
_ESCAPED: Final = re.compile("[\x00\ud800-\udfff%]")
_CODE: Final = re.compile("%([0-9a-f]{4})")


def encode(text: str) -> str:
    """Return the stored form of any text."""
    if not ODD.search(text) and not text.startswith((_PREFIX, _JSON)):
        return text
    return _PREFIX + _ESCAPED.sub(lambda match: f"%{ord(match[0]):04x}", text)


def decode(stored: str) -> str:
    """Return the text of a stored form. Raises nothing, also for malformed forms."""
    if stored.startswith(_PREFIX):
        return _CODE.sub(lambda match: chr(int(match[1], 16)), stored.removeprefix(_PREFIX))
    if stored.startswith(_JSON):
        try:
            text = json.loads(stored.removeprefix("json:"))
        except (ValueError, RecursionError):
            return stored
        return text if isinstance(text, str) else stored
    return stored
