"""Words of a service, fit to be shown: short, on one line, without control characters."""

import json
from typing import Any

_LONGEST = 80


def quoted(value: Any) -> str:
    """A value as JSON, cut after 80 characters; whatever a terminal could obey is escaped."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = plain(text[: _LONGEST + 1])
    cut = shown[:_LONGEST] + ("..." if len(shown) > _LONGEST else "")
    return f'"{cut}"' if isinstance(value, str) else cut


def plain(text: str) -> str:
    """Text in which control, format and private characters are written as escapes."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
