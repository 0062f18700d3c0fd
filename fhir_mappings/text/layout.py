"""Text as lines under headings: which line is a heading, which goes on with the one before it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from fhir_mappings.inputs import Section
from fhir_mappings.text.language import lexicon_file

_MARK = r"\s*[*_=]{0,3}\s*"
_SLASHED = r"(?:\s*/\s*\w+(?: \w+){0,2}){0,2}"
_QUALIFIED = r"(?:(?: and | & )\w+(?: \w+)?)?(?: #?\d{1,2})?(?: \([^()]{1,60}\))?"
_LIST_MARK = re.compile(r"^\s*(?:\(?\d{1,2}[.)]|[-*•·–>])\s+")
_NUMBERED = re.compile(r"(?:^|[\s:])\(?1[.)]\s+\S")
_NEXT_NUMBER = re.compile(r"(?<=\S)\s+(?=\(?(?:[2-9]|1\d)[.)]\s+[A-Z?])")
_LABEL = re.compile(r"[A-Z][\w'-]*(?:[ /&-]+[\w'()-]+){0,5} ?:(?:\s|$)")
_ENDED = re.compile(r"[.!?;:]['\")\]]?$")
_NARROW = 60
"""Columns that even narrow text fills before it is wrapped (assumption)."""


@dataclass(frozen=True)
class _Layout:
    """The headings of one language as they are searched."""

    sections: Mapping[str, Section]
    heading: re.Pattern[str]
    on_same_line: re.Pattern[str]
    goes_on: frozenset[str]


def blocks(text: str, language: str) -> Iterator[tuple[str, Section]]:
    """Runs of lines that belong together, each with the section of the heading above it."""
    layout = _layout(language)
    lines = _lines(text, layout)
    width = max(map(len, lines), default=0)
    section: Section = "other"
    held: list[str] = []
    for line in lines:
        heading = layout.heading.match(line)
        rest = line[heading.end() :] if heading else line
        if held and (heading or _begins(line, held[-1], width, layout)):
            yield " ".join(held), section
            held = []
        if heading:
            section = layout.sections[heading[heading.lastgroup or 0].lower()]
        if rest.strip():
            held.append(_LIST_MARK.sub("", rest).strip())
    if held:
        yield " ".join(held), section


def _lines(text: str, layout: _Layout) -> list[str]:
    """The lines, a heading or a number of a list at the head of its line also where the text lost its breaks."""
    lines = layout.on_same_line.sub("\n", text).split("\n")
    apart = (_NEXT_NUMBER.sub("\n", line) if _NUMBERED.search(line) else line for line in lines)
    return [part for line in apart for part in line.split("\n")]


def _begins(line: str, before: str, width: int, layout: _Layout) -> bool:
    """True where a line is no continuation of the one before it.

    A blank one, an item of a list, "Label: value"; or with a capital where the line before had room for its first word,
    so that it was not wrapped.
    """
    here = line.strip()
    if not here or _LIST_MARK.match(line) or _LABEL.match(here):
        return True
    if not here[0].isupper() or before.endswith(",") or before.rpartition(" ")[2].lower() in layout.goes_on:
        return False
    first = here.partition(" ")[0]
    room = width if first.isupper() else max(width, _NARROW)
    return _ENDED.search(before) is None and len(before) + 1 + len(first) <= room


@cache
def _layout(language: str) -> _Layout:
    data = lexicon_file(language, "sections.toml")
    sections: dict[str, Section] = {name: section for section, names in data["headings"].items() for name in names}
    every = _longest_first(sections)
    plain = _longest_first(sections.keys() - set(data["words"]["only_with_colon"]))
    capitals = rf"(?<=[a-z0-9.;!?)%])\s+(?=(?:{every.upper()})(?i:{_SLASHED}{_QUALIFIED})\s*:)"
    title = rf"(?<=[.;!?])\s+(?=[A-Z])(?=(?i:(?:{every}){_SLASHED})\s*:)"
    heading = _heading(every, plain, "|".join(data["words"]["no_title"]))
    return _Layout(sections, heading, re.compile(f"{capitals}|{title}"), frozenset(data["words"]["goes_on"]))


def _longest_first(names: Iterable[str]) -> str:
    return "|".join(sorted(names, key=lambda name: (-len(name), name)))


def _heading(every: str, plain: str, no_title: str) -> re.Pattern[str]:
    """A heading at the start of a line: "HISTORY/INDICATION:", "CT HEAD FINDINGS:", "**Impression**", "FINDINGS No"."""
    before = rf"(?-i:(?:(?!(?:{no_title}) )[A-Z][A-Z0-9/-]* ){{1,4}})??"
    told = rf"{before}(?P<told>{every}){_SLASHED}{_QUALIFIED}{_MARK}:"
    alone = rf"(?P<alone>{plain}){_SLASHED}{_MARK}(?:\s[-–—]\s|$)"
    running = rf"(?-i:(?P<running>{plain.upper()})(?=\s+[A-Z0-9?]?[a-z0-9 ]))"
    return re.compile(rf"^\W{{0,5}}(?:{told}|{alone}|{running}){_MARK}", re.IGNORECASE)
