"""The parts of an answer that rows are tried on one by one: cards, sources, suggestions, actions, links."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from cds_service.check.quoting import quoted
from cds_service.check.requirements import NotTried, Result, Try, judged, requirement
from cds_service.check.seen import Seen
from cds_service.check.shapes import objects

Json = dict[str, Any]
Part = tuple[str, Json]
"""Where it stands, and what it is."""

Kind = Literal["card", "source", "suggestion", "action", "link"]
_ARTICLES = {"action": "an"}
_MEMBERS = {"suggestion": "suggestions", "link": "links"}


def parts(cards: list[Json], kind: Kind) -> list[Part]:
    """All parts of one kind that are objects."""
    numbered = [(f"card {place}", card) for place, card in enumerate(cards, 1)]
    if kind == "card":
        return numbered
    if kind == "source":
        return [(where, card["source"]) for where, card in numbered if isinstance(card.get("source"), dict)]
    if kind == "action":
        return _below(parts(cards, "suggestion"), "actions", "action")
    return _below(numbered, _MEMBERS[kind], kind)


def _below(holders: list[Part], member: str, word: str) -> list[Part]:
    return [(f"{where} {word} {place}", one)
            for where, holder in holders for place, one in enumerate(objects(holder.get(member)), 1)]  # fmt: skip


def each(
    kind: Kind, number: int, strength: str, says: str, where: Callable[[Json], bool] = lambda _: True
) -> Callable[[Callable[[Json], str | None]], Callable[[Json], str | None]]:
    """Register a function that says what is wrong with one part; ``where``: the parts that it is about."""

    def register(fault: Callable[[Json], str | None]) -> Callable[[Json], str | None]:
        requirement(number, strength, says)(_tried_on(kind, where, fault))
        return fault

    return register


def _tried_on(kind: Kind, where: Callable[[Json], bool], fault: Callable[[Json], str | None]) -> Try:
    def tried(seen: Seen) -> Result:
        every = parts(seen.cards, kind)
        if not every:
            return NotTried(f"no card has {_ARTICLES.get(kind, 'a')} {kind}")
        if not (found := [(place, one) for place, one in every if where(one)]):
            return NotTried(f"no {kind} is one that this is about")
        return judged(f"{place}: {what}" for place, one in found if (what := fault(one)))

    return tried


def has(name: str) -> Callable[[Json], bool]:
    """True for parts that have a member."""
    return lambda one: name in one


def repeated(found: list[Part], name: str) -> Iterator[str]:
    """Where a member's value stands a second time."""
    before: list[Any] = []
    for place, one in found:
        if name in one and one[name] in before:
            yield f"{place}: {name} {quoted(one[name])} stands before"
        before.append(one.get(name))
