"""Reports cut into sentences, each with the section it stands in."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import get_args

from fhir_mappings.inputs import Section, Sentence
from fhir_mappings.snapshot import Issue, Report

LONGEST_SENTENCE = 600
"""Characters of one sentence that are read."""

MOST_SENTENCES = 400
"""Sentences of one report that are read."""

_HEADINGS: dict[str, Section] = {
    "clinical history": "history", "clinical information": "history", "clinical details": "history",
    "clinical indication": "history", "history": "history", "indication": "history", "indications": "history",
    "reason for exam": "history", "reason for study": "history", "presenting complaint": "history",
    "technique": "technique", "procedure": "technique", "protocol": "technique",
    "comparison": "comparison", "comparisons": "comparison",
    "finding": "findings", "findings": "findings", "report": "findings", "result": "findings",
    "impression": "impression", "conclusion": "impression", "conclusions": "impression",
    "opinion": "impression", "summary": "impression", "addendum": "impression",
}  # fmt: skip

_ABBREVIATIONS = frozenset(
    {"dr", "mr", "mrs", "ms", "no", "vs", "approx", "ca", "e.g", "i.e", "cf", "st", "fig", "etc"}
)
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9(\"'\[?-])")
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+")
_WORD = re.compile(r"[A-Za-z]+")
_ENGLISH = frozenset(
    "the a an of in on with and or no is are was were there to for at by from as not this that has been".split()
    + "left right normal seen evidence acute".split()
)
_FEWEST_WORDS = 8


def sentences_of(reports: Sequence[Report]) -> tuple[Sentence, ...]:
    """Every sentence of the reports in English, in their order."""
    return tuple(sentence for report in reports if unreadable_language(report) is None for sentence in _cut(report))


def unreadable_language(report: Report) -> Issue | None:
    """Why a text is not read: its letters or words are not English. The lexicon knows no other language.

    The bounds are assumptions: two thirds of the letters are Latin, and one word in thirty is one of
    the commonest English ones, in texts of eight words or more.
    """
    letters = [character for character in report.text if character.isalpha()]
    words = [word.lower() for word in _WORD.findall(report.text)]
    latin = sum(character.isascii() for character in letters)
    english = sum(word in _ENGLISH for word in words)
    if letters and (3 * latin < 2 * len(letters) or (len(words) >= _FEWEST_WORDS and 30 * english < len(words))):
        return Issue("unread", f"{report.source} left unread: not in English", report.source, "reports")
    return None


@cache
def _heading() -> re.Pattern[str]:
    names = "|".join(sorted(_HEADINGS, key=len, reverse=True))
    return re.compile(rf"^\W{{0,3}}({names})\s*(?::|\s-\s|$)\s*", re.IGNORECASE)


def _cut(report: Report) -> Iterator[Sentence]:
    section: Section = "other"
    count = 0
    for block, section in _blocks(report.text):
        for text in _sentences(block):
            if count == MOST_SENTENCES:
                return
            count += 1
            yield Sentence(text[:LONGEST_SENTENCE], section, report.source, report.effective)


def _blocks(text: str) -> Iterator[tuple[str, Section]]:
    """Runs of lines that belong together, each with the section of the heading above it."""
    section: Section = "other"
    lines: list[str] = []
    for line in [*text.split("\n"), ""]:
        heading = _heading().match(line)
        rest = line[heading.end() :] if heading else line
        if heading or not line.strip() or _LIST_MARK.match(line):
            if lines:
                yield " ".join(lines), section
            lines = []
        if heading:
            section = _HEADINGS[heading[1].lower()]
        if rest.strip():
            lines.append(_LIST_MARK.sub("", rest).strip())
    if lines:
        yield " ".join(lines), section


def _sentences(block: str) -> Iterator[str]:
    """A block cut at full stops; not after abbreviations, numbers of a list or within decimals."""
    held = ""
    for piece in _END.split(block):
        held = f"{held} {piece}".strip()
        last = held.rstrip(".").rsplit(" ", 1)[-1].lower().lstrip("(")
        if held.endswith(".") and (last in _ABBREVIATIONS or (last.isdigit() and len(held) < 4)):
            continue
        if held:
            yield held
        held = ""
    if held:
        yield held


SECTIONS: tuple[Section, ...] = get_args(Section)
"""Every section a sentence may stand in."""
