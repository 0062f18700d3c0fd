"""The sentences of simulated reports as a reader sees them: cut as in serving, each with what it states."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fhir_mappings.inputs import Section, Sentence
from fhir_mappings.snapshot import Report
from fhir_mappings.text.sections import sentences_of
from models.simulation.cohort import draw_stay
from models.simulation.phrasebook import Phrasing
from models.simulation.population import draw_people
from models.simulation.reports import Stated, WrittenReport
from models.simulation.world import load_world

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_SAID_ALIKE = re.compile(r"\b(?:left|right)\b|\d+")


@dataclass(frozen=True)
class StatedSentence:
    """One sentence with what it states; sentences of one ``shape`` differ in side, numbers and case only."""

    text: str
    section: Section
    stated: tuple[Stated, ...]

    @property
    def shape(self) -> str:
        """The sentence without side, numbers and case."""
        return _SAID_ALIKE.sub("#", self.text.casefold())


@dataclass(frozen=True)
class Written:
    """The different sentences of many reports; ``lost`` counts statements that stand in none as they were written."""

    sentences: tuple[StatedSentence, ...]
    lost: int


def reports_of(worlds: Sequence[str], stays: int, seed: int, phrasing: Phrasing) -> Iterator[WrittenReport]:
    """The reports of as many stays of each world, in the words of one half of the phrases."""
    for world in map(load_world, worlds):
        for person in draw_people(world, stays, seed):
            yield from draw_stay(world, seed, person, phrasing)[0].reports


def sentences_in(reports: Iterator[WrittenReport]) -> Written:
    """The different sentences of the reports, each once, in reading order."""
    kept: dict[str, StatedSentence] = {}
    lost = 0
    for report in reports:
        cut = _cut(report)
        told = [_told(one.text, report.stated) for one in cut]
        lost += len(set(report.stated) - {each for several in told for each in several})
        for one, stated in zip(cut, told, strict=True):
            kept.setdefault(one.text, StatedSentence(one.text, one.section, stated))
    return Written(tuple(kept.values()), lost)


def _cut(report: WrittenReport) -> tuple[Sentence, ...]:
    return sentences_of([Report(report.title, report.text, _WHEN, _WHEN, "DiagnosticReport/1")])


def _told(sentence: str, stated: Sequence[Stated]) -> tuple[Stated, ...]:
    """What a sentence states: all whose words it is, or holds between commas, as complaints of a request."""
    held = _apart(sentence)
    told = (one for one in stated if f", {_apart(one.text)}, " in f", {held}, ")
    return tuple(dict.fromkeys(told))  # an impression may say the same in the same words


def _apart(text: str) -> str:
    return text.strip().rstrip(".").casefold()
