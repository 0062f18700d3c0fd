"""What the reports of one stay state, drawn before any wording and so the same in either half of the phrases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from models.simulation.details import Details, Subject
from models.simulation.layout import Style, draw_style
from models.simulation.statements import Plan, ScanPlan, State, Statement, plan
from models.simulation.world import World

Modality = Literal["ct", "cta", "mri"]
Group = tuple[Statement, ...]
"""What one sentence states: one thing, or several denied together."""

_LIST_LIMIT = 4
_IMPRESSION_LIMIT = 4
_T = TypeVar("_T")


@dataclass(frozen=True)
class PlannedReport:
    """One report before its words; ``impression`` names findings to repeat, and whether in other words."""

    modality: Modality
    effective_h: float
    issued_h: float
    style: Style
    voice: str
    british: bool
    history: tuple[Group, ...]
    findings: tuple[Group, ...]
    impression: tuple[tuple[int, bool], ...]

    def statements(self) -> Iterator[Statement]:
        """Everything that it states, once each."""
        for group in (*self.history, *self.findings):
            yield from group


def pick(options: Sequence[_T], rng: np.random.Generator) -> _T:
    """One of the options, each equally likely."""
    return options[int(rng.random() * len(options))]


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


def _fits(statement: Statement, details: Details) -> bool:
    """True where the statement says neither more nor less than is so."""
    if statement.about == "poor_collaterals":
        return statement.state == "present" or (statement.grade == "moderate") is details.moderate_collaterals
    return statement.site in (None, details.site) and statement.grade in (None, details.grade)


def _weighted(options: Sequence[Statement], rng: np.random.Generator) -> Statement:
    left = rng.random() * sum(one.weight for one in options)
    for one in options:
        left -= one.weight
        if left < 0:
            return one
    return options[-1]


def _state(scan: ScanPlan, about: str, present: bool, hedged: float, rng: np.random.Generator) -> State:
    if not present:
        return "absent"
    return "uncertain" if rng.random() < hedged and (about, "uncertain") in scan.statements else "present"


def _stated(
    scan: ScanPlan, modality: str, subject: Subject, hedged: float, rng: np.random.Generator
) -> list[Statement]:
    """What one section states, in the order of its ``mention`` table."""
    chosen: list[Statement] = []
    for about, (where_present, where_absent) in scan.mention.items():
        present = _is_present(about, modality, subject)
        if rng.random() >= (where_present if present else where_absent):
            continue
        state = _state(scan, about, present, hedged, rng)
        fitting = [one for one in scan.statements.get((about, state), ()) if _fits(one, subject.details)]
        if fitting:
            chosen.append(_weighted(fitting, rng))
    return chosen


def _grouped(scan: ScanPlan, statements: Sequence[Statement], together: bool) -> tuple[Group, ...]:
    """One group a sentence; denials that can be listed become one where ``together``."""
    denied = [one for one in statements if one.state == "absent" and one.about in scan.listed][:_LIST_LIMIT]
    if not together or len(denied) < 2:
        return tuple((one,) for one in statements)
    groups = [(one,) if one not in denied else tuple(denied) for one in statements if one not in denied[1:]]
    return tuple(groups)


def _history(world: World, subject: Subject, rng: np.random.Generator) -> tuple[Group, ...]:
    """The request: complaints, doubts, denials, then a question in some."""
    book = plan()
    scan = book.scans["history"]
    stated = _stated(scan, "history", subject, book.share(world, "hedged_share"), rng)
    groups = _grouped(scan, stated, rng.random() < book.share(world, "listed_share"))
    order = ("present", "uncertain", "absent")
    asked: tuple[Group, ...] = ()
    if rng.random() < book.share(world, "asked_share"):
        questions = [one for (_, state), several in scan.statements.items() if state == "asked" for one in several]
        asked = ((pick(questions, rng),),)
    return (*sorted(groups, key=lambda group: order.index(group[0].state)), *asked)


def _impression(
    groups: Sequence[Group], style: Style, share: float, rng: np.random.Generator
) -> list[tuple[int, bool]]:
    """The findings that matter, and whether they are said in other words there."""
    told = [index for index, group in enumerate(groups) if group[0].assertion != "absent"][:_IMPRESSION_LIMIT]
    no_blood = ("hemorrhage", "absent")
    told += [i for i, group in enumerate(groups) if no_blood in {(one.finding, one.assertion) for one in group}][:1]
    told = told or list(range(len(groups)))[:2]
    return [(index, len(groups[index]) == 1 and (rng.random() < share or style.lines)) for index in told]


def _report(
    world: World, modality: Modality, subject: Subject, effective_h: float, rng: np.random.Generator
) -> PlannedReport:
    book: Plan = plan()
    scan, style = book.scans[modality], draw_style(world, rng)
    issued_h = effective_h + 0.4 + float(rng.exponential(0.8))
    history = _history(world, subject, rng)
    if rng.random() < book.share(world, "no_history_share"):
        history = ()
    stated = _stated(scan, modality, subject, book.share(world, "hedged_share"), rng)
    together = rng.random() < book.share(world, "listed_share") and not style.lines
    findings = _grouped(scan, stated, together)
    return PlannedReport(
        modality, effective_h, issued_h, style, pick(style.voices, rng),
        bool(rng.random() < book.share(world, "british_share")), history, findings,
        tuple(_impression(findings, style, book.share(world, "reworded_share"), rng)),
    )  # fmt: skip


def plan_reports(world: World, subject: Subject, rng: np.random.Generator) -> tuple[PlannedReport, ...]:
    """All reports of one stay: CT on arrival, CTA and MRI in some, none in a few."""
    if rng.random() < world["no_report_share"]:
        return ()
    ct = 0.3 + 0.7 * rng.random()
    planned: list[tuple[Modality, float]] = [("ct", ct)]
    if rng.random() < world["cta_share"]:
        planned.append(("cta", ct + 0.2))
    mri = 8.0 + 32.0 * rng.random()
    if rng.random() < world["mri_share"] and mri < subject.course.departure.hours:
        planned.append(("mri", mri))
    return tuple(_report(world, modality, subject, hour, rng) for modality, hour in planned)
