"""One walk through a JSON tree that changes values here and there and shares all else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Change = Callable[[str, Any], Any]
"""From a member's name and value to its new value."""

GONE: Any = object()
"""Stands for a member or an element that is taken out."""

_DEEPEST = 40


@dataclass(frozen=True)
class Changes:
    """What one walk does: to texts first, then to every value, lists and objects after what they hold.

    Only times, empty texts and the texts of these ``members`` are looked at.
    """

    texts: tuple[Change, ...] = ()
    values: tuple[Change, ...] = ()
    members: frozenset[str] = frozenset()


def walked(node: Any, changes: Changes, name: str = "", depth: int = 0) -> Any:
    """The JSON tree with every value changed, copied only where something did change.

    What is nested deeper than any FHIR resource stays as it is.
    """
    if depth > _DEEPEST:
        return node
    if isinstance(node, str):
        return _text(node, changes, name)
    if isinstance(node, dict):
        node = _members(node, changes, depth)
    elif isinstance(node, list):
        node = _items(node, changes, name, depth)
    for change in changes.values:
        node = change(name, node)
    return node


def _text(text: str, changes: Changes, name: str) -> Any:
    new: Any = text
    if name in changes.members or text[10:11] == "T":
        for change in changes.texts:
            new = change(name, new)
    elif text:
        return text
    for change in changes.values:
        new = change(name, new)
    return new


def _members(node: dict[str, Any], changes: Changes, depth: int) -> dict[str, Any]:
    new: dict[str, Any] | None = None
    for name, value in node.items():
        changed = walked(value, changes, name, depth + 1)
        if changed is not value:
            new = dict(node) if new is None else new
            new[name] = changed
    return node if new is None else {name: value for name, value in new.items() if value is not GONE}


def _items(node: list[Any], changes: Changes, name: str, depth: int) -> list[Any]:
    new = [walked(value, changes, name, depth + 1) for value in node]
    if all(one is value for one, value in zip(new, node, strict=True)):
        return node
    return [one for one in new if one is not GONE]
