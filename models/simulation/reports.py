"""The text of CT, CTA and MRI reports: sentences drawn from phrase files, laid out in several styles.

What a report states is kept beside it, sentence by sentence, so that readers can be scored
against what was written and not only against what was true.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from models.simulation.details import Details, Subject
from models.simulation.phrasebook import Phrases, Say, phrases, pick
from models.simulation.world import World

Modality = Literal["ct", "cta", "mri"]
State = Literal["present", "uncertain", "absent"]

_HEDGED_SHARE = 0.1  # assumption: present findings that a report only suspects
_NO_HISTORY_SHARE = 0.15  # assumption: reports without a history line
_ASKED_SHARE = 0.4  # assumption: requests that ask a question


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


def _is_present(about: str, modality: str, subject: Subject) -> bool:
    """True where this scan can show the finding and the patient has it."""
    person, details = subject.person, subject.details
    if about == "occlusion":
        return details.site is not None
    if about == "mca_infarct":
        return modality == "mri" or (person.has("early_ischemic_change") and details.grade != "small")
    if about == "thrombectomy_declined":
        return details.declined
    return about == "aspects" or person.has(about)


def _fits(say: Say, about: str, state: State, details: Details) -> bool:
    """True where this way of saying it says neither more nor less than is so."""
    if say.about != about or say.state != state:
        return False
    if say.site is not None and say.site != details.site:
        return False
    if about == "poor_collaterals" and state == "absent":
        return (say.grade == "moderate") is details.moderate_collaterals
    return say.grade in (None, details.grade) or about == "poor_collaterals"


def _words(subject: Subject) -> dict[str, str]:
    """What fills the braces of a phrase."""
    person, course, details = subject.person, subject.course, subject.details
    other = "right" if course.side == "left" else "left"
    sex = "male" if person.has("male") else "female"
    return {
        "side": course.side, "Side": course.side.capitalize(), "other": other, "weak": other,
        "age": str(int(person.values["age"])), "sex": sex, "Sex": sex.capitalize(),
        "points": str(details.aspects), "mm": str(details.shift_mm), "percent": str(details.stenosis_percent),
    }  # fmt: skip


def _state(say_of: Sequence[Say], about: str, present: bool, rng: np.random.Generator) -> State:
    if not present:
        return "absent"
    can_hedge = any(say.about == about and say.state == "uncertain" for say in say_of)
    return "uncertain" if can_hedge and rng.random() < _HEDGED_SHARE else "present"


def state_findings(source: Phrases, modality: str, subject: Subject, rng: np.random.Generator) -> list[Stated]:
    """The sentences of one section, in the order of its ``mention`` table."""
    words, stated = _words(subject), []
    for about, (where_present, where_absent) in source.mention.items():
        present = _is_present(about, modality, subject)
        if rng.random() >= (where_present if present else where_absent):
            continue
        state = _state(source.says, about, present, rng)
        fitting = [say for say in source.says if _fits(say, about, state, subject.details)]
        if not fitting:
            continue
        say = pick(fitting, rng)
        text = pick(say.texts, rng).format(**words)
        value = subject.details.value_of(about) if state != "absent" else None
        stated += [Stated(text, name, say.assertion, say.site, say.grade, value) for name in (say.finding, *say.also)]
    return stated


def _history(subject: Subject, rng: np.random.Generator) -> tuple[str, list[Stated]]:
    """The request's history line, complaints first, denials and the question after it."""
    source = phrases("history")
    stated = state_findings(source, "history", subject, rng)
    opening = pick(source.other["opening"], rng).format(**_words(subject))
    complaints = dict.fromkeys(one.text for one in stated if one.assertion == "present")
    denials = dict.fromkeys(one.text for one in stated if one.assertion == "absent")
    sentences = [opening, ", ".join(complaints), *denials]
    if rng.random() < _ASKED_SHARE:
        say = pick([say for say in source.says if say.state == "asked"], rng)
        asked = Stated(pick(say.texts, rng), say.finding, say.assertion)
        stated.append(asked)
        sentences.append(asked.text)
    return " ".join(f"{one[0].upper()}{one[1:]}." for one in sentences if one), stated


def _impression(stated: Sequence[Stated], numbered: bool) -> str:
    """The findings that matter, said once more."""
    lines = list(dict.fromkeys(one.text for one in stated if one.assertion != "absent"))[:4]
    lines += [one.text for one in stated if one.finding == "hemorrhage" and one.assertion == "absent"][:1]
    lines = lines or [one.text for one in stated][:2]
    if not numbered:
        return " ".join(lines)
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def write_report(
    modality: Modality, subject: Subject, hours: tuple[float, float], rng: np.random.Generator
) -> WrittenReport:
    """One report of one scan; ``hours`` are those of the scan and of its issue."""
    source, layout = phrases(modality), phrases("layout").other
    style: Mapping[str, Any] = pick(layout["style"], rng)
    history, said = _history(subject, rng)
    if rng.random() < _NO_HISTORY_SHARE:
        history, said = "", []
    stated = state_findings(source, modality, subject, rng)
    sentences = list(dict.fromkeys(one.text for one in stated))
    sentences.insert(int(rng.integers(len(sentences) + 1)), pick(source.other["filler"], rng))
    sections = [
        style["history"] + history if history else "",
        style["technique"] + pick(source.other["technique"], rng) if style["technique"] else "",
        style["comparison"] + pick(layout["comparisons"]["texts"], rng),
        style["findings"] + " ".join(sentences),
        style["impression"] + _impression(stated, style["numbered"]) if stated else "",
    ]
    text = str(style["joint"]).join(section for section in sections if section)
    return WrittenReport(
        modality, source.other["title"], source.other["loinc"], hours[0], hours[1], text, (*said, *stated)
    )


def write_reports(world: World, subject: Subject, rng: np.random.Generator) -> tuple[WrittenReport, ...]:
    """All reports of one stay: CT on arrival, CTA and MRI in some, none in a few."""
    if rng.random() < world["no_report_share"]:
        return ()
    ct = 0.3 + 0.7 * rng.random()
    plan: list[tuple[Modality, float]] = [("ct", ct)]
    if rng.random() < world["cta_share"]:
        plan.append(("cta", ct + 0.2))
    mri = 8.0 + 32.0 * rng.random()
    if rng.random() < world["mri_share"] and mri < subject.course.departure.hours:
        plan.append(("mri", mri))
    return tuple(
        write_report(modality, subject, (hour, hour + 0.4 + float(rng.exponential(0.8))), rng)
        for modality, hour in plan
    )
