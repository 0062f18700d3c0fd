"""Sentences cut into clauses, and the phrase of a clause that a mention stands in."""

import re
from dataclasses import dataclass
from functools import cache, cached_property

from fhir_mappings.text.triggers import Trigger, assertion_data, requests_in, triggers_in, whole_words

_PHRASE_END = re.compile(r"[,;:()]| - |(?<!opacified)(?<!filled) with(?:out)? | and ")


@dataclass(frozen=True)
class Clause:
    """A part of a sentence that no trigger reaches beyond, in one spelling."""

    text: str

    @cached_property
    def triggers(self) -> tuple[Trigger, ...]:
        """Its triggers in their order."""
        return triggers_in(self.text)

    @cached_property
    def requests(self) -> tuple[Trigger, ...]:
        """What asks where it is the history line."""
        return requests_in(self.text)

    def phrase(self, start: int, end: int) -> tuple[int, int]:
        """Where the phrase around ``start:end`` begins and ends: up to a comma, colon, "with" or "and"."""
        before = max((match.end() for match in _PHRASE_END.finditer(self.text, 0, start)), default=0)
        after = _PHRASE_END.search(self.text, end)
        return before, after.start() if after else len(self.text)

    def phrase_text(self, start: int, end: int) -> str:
        """The words of that phrase."""
        return self.text[slice(*self.phrase(start, end))]


@cache
def _ends() -> re.Pattern[str]:
    ends: list[str] = assertion_data()["bounds"]["ends"]
    marks = [end for end in ends if not end[0].isalpha()]
    return re.compile(f"{'|'.join(marks)}|{whole_words(tuple(end for end in ends if end[0].isalpha())).pattern}")


def clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of a sentence; a question mark stays with what it asks."""
    found, place = [], 0
    for match in _ends().finditer(text):
        question = len(match[0]) if match[0].startswith("?") else 0
        found.append(text[place : match.start() + question])
        place = match.end()
    return tuple(Clause(part) for part in (*found, text[place:]) if part.strip())
