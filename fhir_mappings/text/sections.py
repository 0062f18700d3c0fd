"""Reports cut into sentences, each with the section it stands in."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import get_args

from fhir_mappings.inputs import Section, Sentence
from fhir_mappings.report_regions import is_elsewhere
from fhir_mappings.snapshot import Issue, Report
from fhir_mappings.text.language import language_of, languages_read, lexicon_file
from fhir_mappings.text.layout import blocks

LONGEST_SENTENCE = 600
"""Characters of one sentence that are read."""

MOST_SENTENCES = 400
"""Sentences of one report that are read."""

SECTIONS: tuple[Section, ...] = get_args(Section)
"""Every section a sentence may stand in."""

_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9(\"'\[?-])")


def sentences_of(reports: Sequence[Report]) -> tuple[Sentence, ...]:
    """Every sentence of the reports in a language that has a lexicon, in their order."""
    return tuple(sentence for report in reports for sentence in _cut(report))


def unreadable_language(report: Report) -> Issue | None:
    """Why a text is not read: no lexicon knows its language."""
    if language_of(report.text) is None:
        return Issue("unread", f"{report.source} left unread: not in {languages_read()}", report.source, "reports")
    return None


def _cut(report: Report) -> Iterator[Sentence]:
    language, elsewhere = language_of(report.text), is_elsewhere(report.title)
    count = 0
    for block, section in blocks(report.text, language) if language else ():
        for text in _sentences(block, _abbreviations(language or "")):
            if count == MOST_SENTENCES:
                return
            count += 1
            yield Sentence(text[:LONGEST_SENTENCE], section, report.source, report.effective, elsewhere)


@cache
def _abbreviations(language: str) -> frozenset[str]:
    return frozenset(lexicon_file(language, "sections.toml")["words"]["abbreviations"])


def _sentences(block: str, abbreviations: frozenset[str]) -> Iterator[str]:
    """A block cut at full stops; not after abbreviations, numbers of a list or within decimals."""
    held = ""
    for piece in _END.split(block):
        held = f"{held} {piece}".strip()
        last = held.rstrip(".").rsplit(" ", 1)[-1].lower().lstrip("(")
        if held.endswith(".") and (last in abbreviations or (last.isdigit() and len(held) < 4)):
            continue
        if held:
            yield held
        held = ""
    if held:
        yield held
