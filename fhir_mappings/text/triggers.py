"""The words that make a mention absent, uncertain, historical or asked, and where they stand in a clause.

Phrases are in ``lexicon/en/assertion.toml``, which says where each kind acts.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from fhir_mappings.text.spelling import LEXICON

Reach = Literal["list", "phrase", "clause", "around", "after", "beside"]
_MEANINGS = ("neutral", "absent", "uncertain", "historical", "study", "asked")


@dataclass(frozen=True)
class Trigger:
    """One phrase found in a clause: what it means, where it acts, and where it stands."""

    meaning: str
    reach: Reach
    start: int
    end: int


@cache
def assertion_data() -> Mapping[str, Any]:
    """The file of triggers and bounds."""
    return tomllib.loads((LEXICON / "assertion.toml").read_text("utf-8"))


def requests_in(clause: str) -> tuple[Trigger, ...]:
    """What asks in the history line only."""
    ahead, behind = _patterns(("request",))
    return (*_found(ahead, clause), *_found(behind, clause))


def triggers_in(clause: str) -> tuple[Trigger, ...]:
    """The triggers of a clause, those that look ahead and those that look behind; none within a neutral phrase."""
    ahead, behind = _patterns(_MEANINGS)
    found = [*_found(ahead, clause), *_found(behind, clause)]
    neutral = [one for one in found if one.meaning == "neutral"]
    kept = (one for one in found if not any(one.start < other.end and other.start < one.end for other in neutral))
    return tuple(sorted(kept, key=lambda one: one.start))


def _found(table: tuple[re.Pattern[str], tuple[tuple[str, Reach], ...]], clause: str) -> list[Trigger]:
    pattern, kinds = table
    return [Trigger(*kinds[(match.lastindex or 1) - 1], *match.span()) for match in pattern.finditer(clause)]


@cache
def _patterns(meanings: tuple[str, ...]) -> tuple[tuple[re.Pattern[str], tuple[tuple[str, Reach], ...]], ...]:
    """Two patterns, each phrase a group: neutral ones and those that look ahead; those that look behind."""
    rows = [
        (phrase, meaning, cast(Reach, reach))
        for meaning in meanings
        for reach, phrases in assertion_data()[meaning].items()
        for phrase in phrases
    ]
    ahead = [row for row in rows if row[2] != "after"]
    behind = [row for row in rows if row[2] == "after" or row[1] == "neutral"]
    return _joined(ahead), _joined(behind)


def _joined(rows: list[tuple[str, str, Reach]]) -> tuple[re.Pattern[str], tuple[tuple[str, Reach], ...]]:
    rows = sorted(rows, key=lambda row: len(row[0]), reverse=True)
    # The empty group that tells the phrase stands behind it: one that begins with a letter is then skipped at once.
    return _bounded("|".join(f"{phrase}()" for phrase, _, _ in rows)), tuple((row[1], row[2]) for row in rows)


def whole_words(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern that finds any of the phrases as whole words."""
    return _bounded("|".join(phrases))


def _bounded(words: str) -> re.Pattern[str]:
    # A phrase that begins with punctuation may follow a word at once: "hemorrhage: none", "bleed?".
    return re.compile(rf"(?:(?<![\w/])|(?=[:?=,(]))(?:{words})(?:(?<=\W)|(?![\w/]))")
