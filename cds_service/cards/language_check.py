"""Whether a language may stand on cards: whole, with its placeholders, harmless, and without reassurance."""

import re
from collections.abc import Iterator
from pathlib import Path

from cds_service.cards.escaping import plain
from cds_service.cards.language import (
    Language,
    LanguageError,
    filled,
    placeholders,
    read_language,
    shipped,
    shipped_names,
    texts_of,
)
from cds_service.cards.wording import LONGEST_SUMMARY

LONGEST_TEXT = 300
_FRAME = ("text", "monitoring", "order", "override")
_FROM_ENGLISH = ("reason", "label")
_COMPLETE = "de"
"""The shipped translation whose keys every other translation of English words has to hold."""


def language_named(name: str) -> Language:
    """A shipped language by name, or the site's own by the path of its TOML file, checked.

    Raises `LanguageError` with the first fault.
    """
    if not name.endswith(".toml"):
        return shipped(name)
    language = read_language(Path(name))
    if fault := next(faults_of(language), None):
        raise LanguageError(f"{Path(name).name}: {fault}")
    return language


def faults_of(language: Language) -> Iterator[str]:
    """Why a language may not stand on cards, one sentence a fault."""
    for table in _FRAME:
        yield from _frame_faults(table, language)
    if language.code.split("-")[0] != "en":
        for table in _FROM_ENGLISH:
            missing = shipped(_COMPLETE).tables[table].keys() - language.tables[table].keys()
            yield from (f"{table}.{key} is missing" for key in sorted(missing))
    for table in _FROM_ENGLISH:
        rows = language.tables[table].items()
        yield from (_other_placeholders(table, key) for key, said in rows if placeholders(key) != placeholders(said))
    for place, text in texts_of(language):
        yield from _text_faults(place, text, language)
    yield from _summary_faults(language)


def _frame_faults(table: str, language: Language) -> Iterator[str]:
    """Keys and placeholders as in English."""
    expected, found = shipped("en").tables[table], language.tables[table]
    yield from (f"{table}.{key} is missing" for key in expected.keys() - found.keys())
    yield from (f"{table}.{key} is no text of a card" for key in found.keys() - expected.keys())
    for key in expected.keys() & found.keys():
        if placeholders(expected[key]) != placeholders(found[key]):
            yield _other_placeholders(table, key)


def _other_placeholders(table: str, key: str) -> str:
    return f"{table}.{key} has other placeholders"


def _text_faults(place: str, text: str, language: Language) -> Iterator[str]:
    shown = re.sub(r"\{[a-z_]+\}", "·", text)
    if not 0 < len(text) <= LONGEST_TEXT:
        yield f"{place} is empty or longer than {LONGEST_TEXT} characters"
    if plain(shown.replace("->", "-"), 2 * LONGEST_TEXT) != shown.replace("->", "-"):
        yield f"{place} holds markup, a link, or characters that are not seen"
    if reassures(text, language):
        yield f"{place} holds words that no card may hold"


def _summary_faults(language: Language) -> Iterator[str]:
    """A summary with the longest values has to stand whole."""
    longest = {"risk": ">99 %", "comparator": ">99 %", "until": "Mon 26 Sept 12:00 PM"}
    for key in ("summary_risk", "summary_risk_simulated"):
        text = language.tables["text"].get(key, "")
        if placeholders(text) == sorted(longest) and len(filled(text, longest)) > LONGEST_SUMMARY:
            yield f"text.{key} is too long for a summary of {LONGEST_SUMMARY} characters"


def reassures(text: str, language: Language) -> bool:
    """True where a text holds words that promise safety, advise less care or claim a cause, in any shipped language."""
    known = (*map(shipped, shipped_names()), language)
    return any(re.search(pattern, text, re.IGNORECASE) for one in known for pattern in one.forbidden)
