"""The JSON of a request body, read strictly: it has one meaning, or it is refused (RFC 8259)."""

import json
import re
from collections.abc import Sequence
from math import isinf
from typing import Any

from cds_service.errors import BadRequest, TooLarge
from cds_service.outbound.session import not_json

OVER_LIMIT = "endwatch.over-limit"
"""Stands in the WSGI environment of a request whose body the server did not read, as it is too large."""

MOST_DEEP = 64
"""Objects and lists within each other: a Questionnaire's answers in a Bundle have some 30 (assumption)."""

MOST_OBJECTS = 250_000
"""Objects and lists in all: 15,000 Observations have some 200,000 (assumption)."""

MOST_PARTS = 1_500_000
"""Commas and opening brackets, in texts too: 15,000 Observations have some 360,000, 20 MB of prose with a comma every
17 letters 1,200,000 (assumption)."""

_LONGEST_INTEGER = 20
"""Characters: beyond 64 bits other readers see another number."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(raw: bytes) -> Any:
    """The value in a body of UTF-8, with or without a byte order mark. Raises `BadRequest` or `TooLarge`.

    Refused is what two readers could read differently: a member that stands twice, ``NaN``, numbers
    beyond 64 bits or a double's range. Half a surrogate pair, which is left where a text was cut
    within an emoji, becomes U+FFFD.
    """
    if parts_of(raw) > MOST_PARTS:
        raise TooLarge(f"the body holds more than {MOST_PARTS} values")
    try:
        text = raw.decode("utf-8-sig")
        value = _read(text)
    except _Twice:
        raise BadRequest("the body is not JSON that is read: an object names a member twice") from None
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    _demand_bounds(value)
    return _whole_characters(value) if _SURROGATE.search(text) else value


def parts_of(raw: bytes) -> int:
    """No fewer than the values that JSON holds, counted in milliseconds without reading it."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


class _Twice(ValueError):
    """An object names a member twice."""


def _read(text: str) -> Any:
    return json.loads(
        text, parse_constant=not_json, parse_float=_double, parse_int=_integer, object_pairs_hook=_members
    )


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Twice
    return members


def _double(text: str) -> float:
    number = float(text)
    return not_json(text) if isinf(number) else number


def _integer(text: str) -> int:
    return int(text) if len(text) <= _LONGEST_INTEGER else not_json(text)


def _demand_bounds(value: Any) -> None:
    """Level by level, so that depth costs no stack."""
    level, count = [value], 0
    for _ in range(MOST_DEEP + 1):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, dict | list)]
        count += len(level)
        if count > MOST_OBJECTS:
            raise TooLarge(f"the body holds more than {MOST_OBJECTS} objects and lists")
        if not level:
            return
    raise BadRequest(f"the body is nested deeper than {MOST_DEEP} levels")


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _whole_characters(value: Any) -> Any:
    """The value without lone surrogates, which no encoding of Unicode can write."""
    units = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
    return json.loads(units.decode("utf-16-le", "replace"))
