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
    "clinical indication": "history", "clinical data": "history", "clinical context": "history",
    "clinical question": "history", "clinical statement": "history", "clinical presentation": "history",
    "history": "history", "history of present illness": "history", "relevant history": "history",
    "past medical history": "history", "indication": "history", "indications": "history",
    "indication for exam": "history", "indication for examination": "history", "indication for study": "history",
    "reason for exam": "history", "reason for examination": "history", "reason for study": "history",
    "reason for request": "history", "reason for referral": "history", "reason for visit": "history",
    "reason": "history", "presenting complaint": "history", "chief complaint": "history", "symptoms": "history",
    "technique": "technique", "procedure": "technique", "protocol": "technique", "contrast": "technique",
    "exam": "other", "examination": "other", "study": "other",
    "comparison": "comparison", "comparisons": "comparison", "prior": "comparison", "priors": "comparison",
    "prior study": "comparison", "prior studies": "comparison",
    "finding": "findings", "findings": "findings", "report": "findings", "result": "findings",
    "results": "findings", "narrative": "findings",
    "impression": "impression", "impressions": "impression", "conclusion": "impression", "conclusions": "impression",
    "opinion": "impression", "summary": "impression", "interpretation": "impression", "diagnosis": "impression",
    "recommendation": "impression", "recommendations": "impression", "addendum": "impression",
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


_ONLY_WITH_COLON = frozenset("contrast diagnosis exam examination prior priors reason study symptoms".split())
"""Words that end up alone on a line where a sentence is wrapped."""

_MARK = r"\s*[*_=]{0,3}\s*"
_SLASHED = r"(?:\s*/\s*\w+(?: \w+){0,2}){0,2}"
_QUALIFIED = r"(?:(?: and | & )\w+(?: \w+)?)?(?: #?\d{1,2})?(?: \([^()]{1,60}\))?"
_BEFORE_NAME = r"(?-i:(?:(?!NO |NOT |WITHOUT |NORMAL |NEGATIVE )[A-Z][A-Z0-9/-]* ){1,4})??"
_ALL = "|".join(sorted(_HEADINGS, key=len, reverse=True))
_PLAIN = "|".join(sorted(_HEADINGS.keys() - _ONLY_WITH_COLON, key=len, reverse=True))


@cache
def _heading() -> re.Pattern[str]:
    """A heading at the start of a line: "HISTORY/INDICATION:", "CT HEAD FINDINGS:", "**Impression**"."""
    alone = rf"(?P<alone>{_PLAIN}){_SLASHED}{_MARK}(?:\s-\s|$)"
    told = rf"{_BEFORE_NAME}(?P<told>{_ALL}){_SLASHED}{_QUALIFIED}{_MARK}:"
    return re.compile(rf"^\W{{0,5}}(?:{told}|{alone}){_MARK}", re.IGNORECASE)


@cache
def _on_same_line() -> re.Pattern[str]:
    """Where a heading follows the sentence before it on the same line, as in texts without line breaks."""
    capitals = rf"(?<=[a-z0-9.;!?)%])\s+(?=(?:{_ALL.upper()})(?i:{_SLASHED}{_QUALIFIED})\s*:)"
    title = rf"(?<=[.;!?])\s+(?=[A-Z])(?=(?i:(?:{_ALL}){_SLASHED})\s*:)"
    return re.compile(f"{capitals}|{title}")


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
    for line in [*_on_same_line().sub("\n", text).split("\n"), ""]:
        heading = _heading().match(line)
        rest = line[heading.end() :] if heading else line
        if heading or not line.strip() or _LIST_MARK.match(line):
            if lines:
                yield " ".join(lines), section
            lines = []
        if heading:
            section = _HEADINGS[(heading["told"] or heading["alone"]).lower()]
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
