"""What a row of answers is about, so that a row that holds only for want of it says so.

A row that is not listed is about every answer, or about every card.
"""

from collections.abc import Callable, Iterable
from typing import Any

from tests.conformance.response_checks import Json, actions_of, cards_of, links_of, sources_of, suggestions_of

Found = Callable[[Json], list[Any]]


def _having(parts: Found, *names: str) -> Found:
    return lambda answer: [one for one in parts(answer) if any(name in one for name in names)]


def _of(parts: Found, name: str, value: str) -> Found:
    return lambda answer: [one for one in parts(answer) if one.get(name) == value]


SUBJECTS: dict[int, Found] = {
    54: _having(sources_of, "url"),
    55: _having(sources_of, "icon"),
    58: _having(cards_of, "detail"),
    59: _having(cards_of, "suggestions", "selectionBehavior"),
    60: _having(cards_of, "selectionBehavior"),
    61: _of(cards_of, "selectionBehavior", "at-most-one"),
    62: _having(cards_of, "overrideReasons"),
    63: suggestions_of,
    64: suggestions_of,
    65: _having(suggestions_of, "isRecommended"),
    66: _having(suggestions_of, "actions"),
    67: actions_of,
    68: actions_of,
    69: _of(actions_of, "type", "create"),
    70: _of(actions_of, "type", "update"),
    71: _of(actions_of, "type", "delete"),
    72: links_of,
    73: _having(links_of, "appContext"),
    74: _having(links_of, "autolaunchable", "autoLaunchable"),
    112: lambda answer: [*actions_of(answer), *answer.get("systemActions", [])],
}


def none_is_sent(row: int, answers: Iterable[Json]) -> bool:
    """True where no answer holds anything that the row is about."""
    return row in SUBJECTS and not any(SUBJECTS[row](answer) for answer in answers)
