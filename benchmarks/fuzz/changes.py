"""What is done to one place of a JSON body."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Place = tuple[Any, Any]
"""An object or a list, and the key or index of something in it."""

_NUMBERS = [0, -1, 10**18, 2**63, 10**19, 1e308, 5e-324, -0.0, 36.6, 10**400, float("nan")]
_TEXTS = [
    "", " ", "x" * 5000, "\ud83d", "a\udc00b", "\0", "\u202e9", "<b>&#0;</b>", "2026-02-30", "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59+14:00", "0001-01-01", "2026-03-05T11:00:00", "Patient/another", "../../x", "mg/dL", "{\\rtf1",
    "JVBERi0xLjQK", "http://loinc.org", "Observation", "1e400", "9" * 5000, "1e999999999",
    "1e9999999999999999999", "sNaN", "mg/dL.m2.g/m", "10*9999/L", "mg/dL.m.m.m.g/m",
    "| a | b |\n|---|---|", "%00", "${x}",
]  # fmt: skip
ODD = st.one_of(
    st.sampled_from([None, True, False, [], {}, [[]], [None], {"": None}, {"resourceType": "Patient"}]).map(
        deepcopy  # a later change may go into it
    ),
    st.sampled_from(_NUMBERS),
    st.sampled_from(_TEXTS),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec=None), max_size=40),
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
)


def places(node: Any) -> Iterator[Place]:
    """Everything below a node, outermost first within each branch."""
    for key, value in list(node.items()) if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(value, dict | list):
            yield from places(value)


def _replace(place: Place, other: Any) -> None:
    place[0][place[1]] = other


def _drop(place: Place, _: Any) -> None:
    del place[0][place[1]]


def _repeat(place: Place, _: Any) -> None:
    """Entries twice; of an object's member a list of two."""
    holder, key = place
    if isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[key] = [holder[key], holder[key]]


def _wrap(place: Place, _: Any) -> None:
    place[0][place[1]] = {"value": place[0][place[1]]}


def _rename(place: Place, _: Any) -> None:
    holder, key = place
    if isinstance(holder, dict):
        holder[f"{key}x"] = holder.pop(key)
    else:
        holder.reverse()


def _deepen(place: Place, _: Any) -> None:
    """Within the service's limit of levels where it is done once, and beyond it where it is done twice."""
    value = place[0][place[1]]
    for _level in range(50):
        value = [value]
    place[0][place[1]] = value


CHANGES: tuple[Callable[[Place, Any], None], ...] = (
    _replace, _replace, _replace, _drop, _repeat, _wrap, _rename, _deepen,
)  # fmt: skip
