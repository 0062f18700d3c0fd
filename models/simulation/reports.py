"""The text of CT, CTA and MRI reports: first what they state is drawn, then how it is worded and typed.

What a report states is kept beside it, sentence by sentence, so that readers can be scored
against what was written and not only against what was true.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.simulation.details import Details, Subject
from models.simulation.grammar import joined, list_frames, listed, ways
from models.simulation.layout import Style, layout
from models.simulation.phrasebook import Phrasing, half
from models.simulation.planning import Group, Modality, PlannedReport, pick, plan_reports
from models.simulation.statements import plan
from models.simulation.typos import Typos
from models.simulation.world import World

_EIGHTY = re.compile(r"\b([aA]) 8")


@dataclass(frozen=True)
class Stated:
    """What one sentence of a report states."""

    text: str
    finding: str
    assertion: str
    site: str | None = None
    grade: str | None = None
    value: int | None = None


@dataclass(frozen=True)
class WrittenReport:
    """One report: its text, when the scan was and when it was issued, and what it states."""

    modality: Modality
    title: str
    loinc: str
    effective_h: float
    issued_h: float
    text: str
    stated: tuple[Stated, ...]


@dataclass(frozen=True)
class _Pen:
    """What the words of one report come from."""

    phrasing: Phrasing
    british: bool
    style: Style
    words: Mapping[str, str]
    rng: np.random.Generator
    typos: Typos

    def typed(self, text: str) -> str:
        """The text with its slips, as the layout prints it."""
        return self.style.cased(self.typos.write(text))


def _words(subject: Subject) -> dict[str, str]:
    """What fills the braces of a phrase."""
    person, course, details = subject.person, subject.course, subject.details
    other = "right" if course.side == "left" else "left"
    sex = "male" if person.has("male") else "female"
    words = {"side": course.side, "other": other, "weak": other, "sex": sex}
    numbers = {
        "age": int(person.values["age"]), "points": details.aspects, "mm": details.shift_mm,
        "cm": details.shift_mm / 10, "percent": details.stenosis_percent,
    }  # fmt: skip
    capitals = {name.capitalize(): word.capitalize() for name, word in words.items()}
    return words | capitals | {name: str(number) for name, number in numbers.items()}


def _sentence(pen: _Pen, scan: str, voice: str, group: Group) -> str:
    """One sentence that states the group; a fragment in the history."""
    if len(group) == 1:
        families = pick(ways(pen.phrasing, scan, voice, pen.british)[group[0].id], pen.rng)
        text = pick(pick(families, pen.rng), pen.rng).format_map(pen.words)
        return _EIGHTY.sub(r"\1n 8", text) if group[0].value else text
    frame = pick(pick(list_frames(pen.phrasing, scan, voice), pen.rng), pen.rng)
    nouns = [pick(pick(listed(pen.phrasing, scan, one.about, pen.british), pen.rng), pen.rng) for one in group]
    return joined(frame, nouns)


def _stated(group: Group, text: str, details: Details) -> list[Stated]:
    """What the sentence states, one entry a finding."""
    return [
        Stated(text, name, one.assertion, one.site, one.grade, details.value_of(one.about) if one.value else None)
        for one in group
        for name in (one.finding, *one.also)
    ]


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ended(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def _history(pen: _Pen, groups: Sequence[Group], details: Details) -> tuple[str, list[Stated]]:
    """The request's history line: complaints in one sentence, everything else in one each."""
    if not groups:
        return "", []
    opening = pen.typed(pick(half(pen.phrasing).openings, pen.rng).format_map(pen.words))
    complaints: list[str] = []
    others: list[str] = []
    stated: list[Stated] = []
    for group in groups:
        complaint = group[0].state == "present"
        text = _sentence(pen, "history", "full", group)
        text = pen.typed(text if complaint and complaints else _begun(text))
        (complaints if complaint else others).append(text)
        stated += _stated(group, text, details)
    sentences = [opening, *([", ".join(complaints)] if complaints else []), *others]
    return " ".join(map(_ended, sentences)), stated


def _findings(pen: _Pen, planned: PlannedReport, details: Details) -> tuple[list[str], list[Stated]]:
    """The sentences of the findings, and what they state."""
    texts, stated = [], []
    for group in planned.findings:
        text = pen.typed(_sentence(pen, planned.modality, planned.voice, group))
        texts.append(text)
        stated += _stated(group, text, details)
    return texts, stated


def _impression(
    pen: _Pen, planned: PlannedReport, texts: Sequence[str], details: Details
) -> tuple[list[str], list[Stated]]:
    """The lines of the impression, and what those in other words state."""
    voice = "telegraphic" if planned.voice == "template" else planned.voice
    lines, stated = [], []
    for index, reworded in planned.impression:
        if not reworded:
            lines.append(texts[index])
            continue
        group = planned.findings[index]
        lines.append(pen.typed(_sentence(pen, planned.modality, voice, group)))
        stated += _stated(group, lines[-1], details)
    return lines, stated


def _write(planned: PlannedReport, subject: Subject, pen: _Pen) -> WrittenReport:
    scan, lines, style, details = plan().scans[planned.modality], layout(), planned.style, subject.details
    history, asked = _history(pen, planned.history, details)
    texts, found = _findings(pen, planned, details)
    impression, concluded = _impression(pen, planned, texts, details)
    filler = pen.typed(pick(half(pen.phrasing).fillers[planned.modality], pen.rng))
    shown = [*texts]
    shown.insert(int(pen.rng.random() * (len(texts) + 1)), filler)
    sections = {
        "history": history,
        "technique": style.cased(pick(lines.technique[planned.modality], pen.rng)),
        "comparison": style.cased(pick(lines.comparison, pen.rng)),
        "findings": style.sentences(shown),
        "impression": style.conclusions(impression),
    }
    return WrittenReport(
        planned.modality, scan.title, scan.loinc, planned.effective_h, planned.issued_h, style.report(sections),
        (*asked, *found, *concluded),
    )  # fmt: skip


def write_reports(
    world: World, subject: Subject, rng: np.random.Generator, phrasing: Phrasing = "training"
) -> tuple[WrittenReport, ...]:
    """All reports of one stay in the words of one half of the phrases.

    What they state, their words and their typos come from three children of ``rng``, which itself is not
    advanced: another phrasing changes neither what is stated nor anything else of the stay.
    """
    drawn, worded, typed = rng.spawn(3)
    planned, words = plan_reports(world, subject, drawn), _words(subject)
    typos = Typos(plan().share(world, "typo_share"), half(phrasing).negations | layout().sides, typed)
    return tuple(_write(one, subject, _Pen(phrasing, one.british, one.style, words, worded, typos)) for one in planned)


def state_reports(world: World, subject: Subject, rng: np.random.Generator) -> tuple[WrittenReport, ...]:
    """What the reports of one stay state, without words: for sets that only oracles see, at a fraction of the time.

    As `write_reports` with the same ``rng``, but for the texts and for what an impression says a second time.
    """
    return tuple(_unworded(one, subject.details) for one in plan_reports(world, subject, rng.spawn(3)[0]))


def _unworded(planned: PlannedReport, details: Details) -> WrittenReport:
    scan = plan().scans[planned.modality]
    stated = [one for group in (*planned.history, *planned.findings) for one in _stated(group, "", details)]
    return WrittenReport(
        planned.modality, scan.title, scan.loinc, planned.effective_h, planned.issued_h, "", tuple(stated)
    )
