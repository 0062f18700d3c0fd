"""A simulated cohort in memory without FHIR: rows, labels and truth, equal to those of the FHIR path."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice

import numpy as np
import torch
from numpy.typing import NDArray

from fhir_mappings.features import FeatureTable
from models.design import Design, Vector, numbers_of
from models.likelihood import Targets
from models.notes import NOBODY, Note, NoteColumns, Progress, Readers, read_notes, rules_columns, unread
from models.simulation.cohort import draw_stay
from models.simulation.direct_rows import direct_rows, issued_by, stated_text
from models.simulation.facts import Chart, chart_of
from models.simulation.phrasebook import Phrasing
from models.simulation.population import Person, draw_people
from models.simulation.truth import StayTruth, latent_names, latent_row, truth_of
from models.simulation.world import World
from models.training.dataset import Notes
from models.training.stays import Cohort, StayRecord
from models.training.table import Table, Target, flags_of
from models.workers import shared

_PART = 250
"""Stays that are worked on together."""


@dataclass(frozen=True)
class DirectCohort:
    """A cohort with what its reports state, its truth, and the latent columns where they were asked for.

    ``stated`` is [B, T] as `Table.findings`, of what the reports issued by ``as_of`` state instead of
    what the rules read; ``truth`` has one row a patient, labeled or not; ``latent`` is [B, L] or [B, 0].
    """

    cohort: Cohort
    stated: Vector
    truth: tuple[StayTruth, ...]
    latent: NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """How the rows of every stay are made: the arguments of `direct_cohort` that a process needs."""

    world: World
    seed: int
    design: Design
    features: FeatureTable
    hours: tuple[float, ...] | None
    phrasing: Phrasing
    read_text: bool
    latent: bool


@dataclass(frozen=True)
class Part:
    """The rows of some stays as plain arrays, which a process can hand over; times are start, after, until."""

    stays: tuple[str, ...]
    values: Vector  # [B, F]
    observed: Vector  # [B, F]
    findings: Vector  # [B, T]
    stated: Vector  # [B, T]
    latent: NDArray[np.float64]  # [B, L]
    times: NDArray[np.float64]  # [B, 3]
    event: NDArray[np.bool_]  # [B]
    note: NDArray[np.int64]  # [B] places in ``notes``
    notes: tuple[Note, ...]
    records: tuple[StayRecord, ...]
    lost: Mapping[str, int]
    truth: tuple[StayTruth, ...]


def direct_cohort(  # noqa: PLR0917 - the first six are those of `build_cohort` and what makes a cohort
    world: World,
    patients: int,
    seed: int,
    design: Design,
    features: FeatureTable,
    readers: Readers = NOBODY,
    *,
    hours: Sequence[float] | None = None,
    phrasing: Phrasing = "training",
    progress: Progress | None = None,
    sentences: Progress | None = None,
    first: int = 1,
    read_text: bool = True,
    latent: bool = False,
    processes: int = 1,
) -> DirectCohort:
    """The patients from number ``first`` on, at the landmark ``hours`` or the moments drawn for training.

    Without ``read_text`` the findings are those that the reports state, and no note is read.
    ``progress`` counts patients, ``sentences`` what is read of them. ``ValueError`` where there is no row.
    """
    plan = Plan(
        world, seed, design, features, None if hours is None else tuple(hours), phrasing, read_text, latent
    )  # fmt: skip
    people = islice(draw_people(world, first - 1 + patients, seed), first - 1, None)
    parts: list[Part] = []
    for part in _parts(plan, people, processes):
        parts.append(part)
        if progress:
            progress(sum(len(one.truth) for one in parts), patients)
    return _joined(parts, plan, readers, sentences)


def _parts(plan: Plan, people: Iterator[Person], processes: int) -> Iterator[Part]:
    """Parts in the order of their patients, whatever the number of processes."""
    batches = iter(lambda: tuple(islice(people, _PART)), ())
    yield from shared(partial(part_of, plan), batches, processes)


def part_of(plan: Plan, people: Sequence[Person]) -> Part:
    """The rows of these patients."""
    torch.set_num_threads(1)  # processes share the cores
    rows = _Rows(plan)
    phrasing = plan.phrasing if plan.read_text else None
    for person in people:
        rows.add(chart_of(plan.world, *draw_stay(plan.world, plan.seed, person, phrasing)))
    return rows.part()


class _Rows:
    """Rows as they are gathered, stay by stay."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._notes = plan, Notes()
        self._numbers_only = replace(plan.design, terms=())
        self._rows: list[tuple[str, Vector, Vector, Vector, Vector, int, Target]] = []
        self._latent: list[tuple[float, ...]] = []
        self._records: list[StayRecord] = []
        self._truth: list[StayTruth] = []
        self._lost: Counter[str] = Counter()

    def add(self, chart: Chart) -> None:
        """The rows of one chart."""
        plan = self._plan
        found = direct_rows(chart, plan.features, plan.hours, read_text=plan.read_text)
        known: dict[tuple[int, ...], tuple[Vector, Vector]] = {}
        for inputs, target in found.rows:
            there = issued_by(chart, inputs.as_of)
            if there not in known:
                stated = rules_columns(stated_text(chart, there), plan.design)
                read = rules_columns(Note(inputs.sentences, inputs.findings), plan.design) if plan.read_text else stated
                known[there] = stated, read
            numbers = numbers_of(replace(inputs, findings=()), self._numbers_only)
            stated, findings = known[there]
            note = self._notes.place(inputs) if plan.read_text else 0
            self._rows.append((found.stay, numbers.values, numbers.observed, findings, stated, note, target))
            if plan.latent:
                self._latent.append(latent_row(plan.world, chart, inputs.hours))
        self._records += [found.record] if found.record else []
        self._truth.append(truth_of(plan.world, chart))
        self._lost.update(found.lost)

    def part(self) -> Part:
        """All of them as arrays."""
        design = self._plan.design
        columns = list(zip(*self._rows, strict=True)) or [()] * 7
        stays, values, observed, findings, stated, notes, targets = columns
        latents = len(latent_names(self._plan.world)) if self._plan.latent else 0
        return Part(
            stays=stays,
            values=_matrix(values, len(design.features)),
            observed=_matrix(observed, len(design.features)),
            findings=_matrix(findings, design.term_count),
            stated=_matrix(stated, design.term_count),
            latent=np.array(self._latent, dtype=np.float64).reshape(len(stays), latents),
            times=np.array([(one.start_h, one.after_h, one.until_h) for one in targets]).reshape(-1, 3),
            event=np.array([one.event for one in targets], dtype=bool),
            note=np.array(notes, dtype=np.int64),
            notes=self._notes.all(),
            records=tuple(self._records),
            lost=dict(self._lost),
            truth=tuple(self._truth),
        )


def _matrix(rows: Iterable[Vector], width: int) -> Vector:
    held = list(rows)
    return np.stack(held) if held else np.zeros((0, width), dtype=np.float32)


def _joined(parts: Sequence[Part], plan: Plan, readers: Readers, sentences: Progress | None) -> DirectCohort:
    """Parts as one cohort; ``ValueError`` where they hold no row."""
    with_rows = [part for part in parts if part.stays]
    if not with_rows:
        raise ValueError("no row of data: no eligible stay with a label")

    def column(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(part, name) for part in with_rows])

    findings = torch.from_numpy(column("findings"))
    notes = _notes(with_rows, plan.design, readers, sentences) if plan.read_text else unread(findings)
    start, after, until = (torch.from_numpy(times).float() for times in column("times").T.copy())
    table = Table(
        stays=tuple(chain.from_iterable(part.stays for part in with_rows)),
        values=torch.from_numpy(column("values")),
        observed=torch.from_numpy(column("observed")),
        findings=findings,
        joined=notes.joined,
        note=notes.note,
        pooled=notes.pooled,
        has_note=notes.has_note,
        targets=Targets(start, after, until, torch.from_numpy(column("event"))),
        is_flag=flags_of(plan.design),
        modalities=torch.from_numpy(plan.design.members),
    )
    lost: Counter[str] = Counter()
    for part in parts:
        lost.update(part.lost)
    cohort = Cohort(table, tuple(chain.from_iterable(part.records for part in parts)), dict(lost))
    truth = tuple(chain.from_iterable(part.truth for part in parts))
    return DirectCohort(cohort, column("stated").astype(np.float32), truth, column("latent").astype(np.float64))


def _notes(parts: Sequence[Part], design: Design, readers: Readers, sentences: Progress | None) -> NoteColumns:
    """The columns of each row's note, all notes read together."""
    firsts = np.cumsum([0, *(len(part.notes) for part in parts[:-1])])
    places = np.concatenate([part.note + first for part, first in zip(parts, firsts, strict=True)])
    notes = [note for part in parts for note in part.notes]
    return read_notes(notes, design, readers, sentences).at(torch.from_numpy(places))
