"""Every regular expression of our packages, and for each the texts on which it would backtrack if it could."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

COLLECT = """
import importlib, json, pkgutil, re, sys
compiled = re._compile
found = {}
def noted(pattern, flags):
    frame = sys._getframe(1)
    while frame.f_globals["__name__"].partition(".")[0] == "re":
        frame = frame.f_back
    room = frame.f_globals["__name__"]
    if room.partition(".")[0] in ("cds_service", "fhir_mappings"):
        one = compiled(pattern, flags)
        text = one.pattern.decode("latin-1") if isinstance(one.pattern, bytes) else one.pattern
        found[room, text, one.flags, isinstance(one.pattern, bytes)] = True
    return compiled(pattern, flags)
re._compile = noted
import cds_service, fhir_mappings
for package in (cds_service, fhir_mappings):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
from tests.hostile_call import run
run()
print(json.dumps(list(found)))
"""
"""A program that prints [module, pattern, flags, of bytes] of each that is compiled at import or while a call runs."""


@dataclass(frozen=True)
class Pump:
    """A text that grows: ``before`` once, ``again`` as often as is wanted, ``after`` once."""

    before: str
    again: str
    after: str

    def grown(self, length: int) -> str:
        """The text, about so long."""
        return self.before + self.again * (length // len(self.again)) + self.after


def pumps(pattern: str, flags: int) -> list[Pump]:
    """Texts made of what each repetition of a pattern repeats, alone, behind what comes before it, and with it."""
    tree = parser.parse(pattern, flags)
    again: dict[tuple[str, str], None] = {}
    for before, repeated in _repeats(tree, ""):
        short, inside = before[-40:], _sample(repeated)
        again |= dict.fromkeys((short, char) for char in _leaves(repeated))
        again |= dict.fromkeys([("", inside), (short, inside), ("", short + inside), ("", short)])
    again |= dict.fromkeys(("", char) for char in _leaves(tree))
    again |= dict.fromkeys([("", _sample(tree)[:60])])
    return [Pump(before, one, after) for before, one in sorted(again) if one for after in ("", "\x00")]


def _repeats(tree: Any, before: str) -> Iterator[tuple[str, Any]]:
    """(What matches before, the tree of what is repeated) of every repetition, at any depth."""
    for node, value in tree:
        if node in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            yield before, value[2]
            yield from _repeats(value[2], before)
        for inner in _inner(node, value):
            yield from _repeats(inner, before)
        before += _sample([(node, value)])


def _inner(node: Any, value: Any) -> Sequence[Any]:
    if node is op.SUBPATTERN:
        return [value[3]]
    if node is op.BRANCH:
        return list(value[1])
    if node is op.ATOMIC_GROUP:
        return [value]
    return [value[1]] if node in (op.ASSERT, op.ASSERT_NOT) else []


def _leaves(tree: Any) -> set[str]:
    """A character for each place of a pattern that takes one."""
    found = set()
    for node, value in tree:
        if node in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            found |= _leaves(value[2])
        elif inner := _inner(node, value):
            found |= {char for one in inner for char in _leaves(one)}
        else:
            found |= set(_sample([(node, value)])) | _signs(node, value)
    return found


def _signs(node: Any, value: Any) -> set[str]:
    """Every single member of a set: a sign that two neighboring sets share may be taken by either."""
    return {chr(member) for kind, member in value if kind is op.LITERAL} if node is op.IN else set()


_CATEGORIES = {
    op.CATEGORY_DIGIT: "1", op.CATEGORY_NOT_DIGIT: "x", op.CATEGORY_SPACE: " ", op.CATEGORY_NOT_SPACE: "x",
    op.CATEGORY_WORD: "a", op.CATEGORY_NOT_WORD: " ",
}  # fmt: skip


def _sample(tree: Any) -> str:
    """A short text that a pattern matches, or nearly."""
    return "".join(_one(node, value) for node, value in tree)


def _one(node: Any, value: Any) -> str:
    if node is op.LITERAL:
        return chr(value)
    if node in (op.ANY, op.NOT_LITERAL):
        return "x" if value != ord("x") else "y"
    if node is op.IN:
        return _member(value)
    if node in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return _sample(value[2]) * max(1, min(value[0], 3))
    inner = _inner(node, value) if node not in (op.ASSERT, op.ASSERT_NOT) else []
    return _sample(inner[0]) if inner else ""


def _member(values: Any) -> str:
    if values[0][0] is op.NEGATE:
        return next(c for c in "x 1\n-<" if not re.fullmatch(_set(values), c))
    kind, value = values[0]
    if kind is op.CATEGORY:
        return _CATEGORIES[value]
    return chr(value[0] if kind is op.RANGE else value)


def _set(values: Any) -> str:
    """A negated set's members as a pattern of their own."""
    parts = []
    for kind, value in values[1:]:
        if kind is op.LITERAL:
            parts.append(re.escape(chr(value)))
        elif kind is op.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append({op.CATEGORY_DIGIT: r"\d", op.CATEGORY_SPACE: r"\s", op.CATEGORY_WORD: r"\w",
                          op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_NOT_WORD: r"\W",
                          op.CATEGORY_NOT_DIGIT: r"\D"}[value])  # fmt: skip
    return f"[{''.join(parts)}]"
