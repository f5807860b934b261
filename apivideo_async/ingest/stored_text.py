"""How text that comes from outside is stored: file names, ETags, messages, the service's ids and error names.

PostgreSQL refuses NUL, and no database stores lone surrogates, which file names and JSON answers may contain. Such
text is stored with a prefix, ``escaped:``, and each character that a database refuses as ``%`` and four hex digits.
Text that starts with one of the prefixes is escaped as well. So every text has a stored form, different texts have
different stored forms, and ``decode`` gives back exactly what was given to ``encode``.

Earlier ledgers stored such text as ``json:`` and a JSON string, without escaping text that merely looked like it.
``decode`` still reads that form; a text that only looks like it is returned as it is.
"""

import json
import re
from typing import Final

__all__ = ["ODD", "decode", "encode"]

ODD: Final = re.compile("[\x00\ud800-\udfff]")
"""Characters that no database stores."""
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
    """Return the text of a stored form. Never fails, whatever is stored."""
    if stored.startswith(_PREFIX):
        return _CODE.sub(lambda match: chr(int(match[1], 16)), stored.removeprefix(_PREFIX))
    if stored.startswith(_JSON):
        try:
            text = json.loads(stored.removeprefix("json:"))
        except (ValueError, RecursionError):
            return stored
        return text if isinstance(text, str) else stored
    return stored
