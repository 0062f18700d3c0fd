"""From charts to rows of data, through the very functions that serve a call.

`build_cohort` reads a folder of FHIR; `rows_of_history` is the part after mapping, for callers
that hold a stay's history without FHIR and can say what was known `At` a moment; `collected`
makes the rows of many stays a `Cohort`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from fhir_mappings.chart import RawChart
from fhir_mappings.eligibility import judge
from fhir_mappings.features import FeatureTable, build_inputs
from fhir_mappings.inputs import ModelInputs
from fhir_mappings.site import DEFAULT_SITE, Site
from fhir_mappings.snapshot import ClinicalSnapshot, Report
from models.design import Design, numbers_of
from models.notes import Note, Progress, Readers, read_notes
from models.training.cohort import CohortError, read_charts, stay_name
from models.training.known import At, known_at, refuse_future
from models.training.labels import Outcome, drawn_hours, earlier_stays, label_chart, label_table, refusal
from models.training.stays import Cohort, StayRecord, check_classes, target_of
from models.training.table import TableRow, Target, table_of

MOMENTS_SEED = 20260316
"""Decides the random moments of each stay; fixed, so that every training sees the same rows."""

_SERIES = 2  # NIHSS totals that make a series


@dataclass(frozen=True)
class StayRows:
    """One stay: what happened (None without a label), its rows, and what was lost, each with its reason.

    ``totals`` counts the NIHSS totals that are charted, label or not.
    """

    stay: str
    record: StayRecord | None
    rows: tuple[tuple[ModelInputs, Target], ...]
    lost: Mapping[str, int]
    totals: int


class Notes:
    """The notes of rows, each kept once: rows of a stay mostly share theirs."""

    def __init__(self) -> None:
        self._places: dict[Note, int] = {}

    def place(self, inputs: ModelInputs) -> int:
        """The place of a row's note."""
        return self._places.setdefault(Note(inputs.sentences, inputs.findings), len(self._places))

    def all(self) -> tuple[Note, ...]:
        """The notes in the order of their places."""
        return tuple(self._places)


def build_cohort(
    data: Path,
    design: Design,
    features: FeatureTable,
    readers: Readers,
    progress: Progress | None = None,
    *,
    site: Site = DEFAULT_SITE,
    hours: Sequence[float] | None = None,
    sentences: Progress | None = None,
) -> Cohort:
    """A folder's cohort at the landmark ``hours``, or at the moments drawn for training where None.

    ``progress`` counts patients, ``sentences`` what is read of them. `CohortError` where the folder,
    or what stands in it, is no cohort to learn from: see ``bad_input`` in ``labels.toml``.
    """
    total = sum(_line_count(path) for path in data.glob("Patient*.ndjson"))

    def stays() -> Iterator[StayRows]:
        for done, chart in enumerate(read_charts(data), 1):
            yield from rows_of(chart, features, site, hours)
            if progress:
                progress(done, total)

    cohort = collected(stays(), design, readers, sentences)
    check_classes(cohort.stays, cohort.table.stays)
    return cohort


def collected(stays: Iterable[StayRows], design: Design, readers: Readers, sentences: Progress | None = None) -> Cohort:
    """The rows of many stays as tensors, their notes read together at the end; `CohortError` where there is no row."""
    rows: list[TableRow] = []
    records: list[StayRecord] = []
    lost: Counter[str] = Counter()
    notes, totals = Notes(), 0
    for one in stays:
        rows += [
            TableRow(one.stay, numbers_of(inputs, design), notes.place(inputs), target) for inputs, target in one.rows
        ]
        records += [one.record] if one.record else []
        lost.update(one.lost)
        totals = max(totals, one.totals)
    if not rows:
        raise CohortError(_why_no_row(totals, lost))
    table = table_of(rows, read_notes(notes.all(), design, readers, sentences), design)
    return Cohort(table, tuple(records), dict(lost))


def _why_no_row(totals: int, lost: Mapping[str, int]) -> str:
    if totals < _SERIES:
        return "no NIHSS series: no stay holds two totals, and END cannot be labeled without"
    return "no row of data: " + "; ".join(f"{reason} ({count})" for reason, count in sorted(lost.items()))


def rows_of(
    chart: RawChart, features: FeatureTable, site: Site = DEFAULT_SITE, hours: Sequence[float] | None = None
) -> tuple[StayRows, ...]:
    """The rows of one chart, stay by stay: what was known at each moment, and what happened after it."""
    last = label_chart(chart, site)
    stays = [*reversed([*earlier_stays(chart, last[0], site)]), last]
    return tuple(
        rows_of_history(
            stay_name(chart.patient_id, number), history, outcome, known_at(chart, history, site), features, hours=hours
        )
        for number, (history, outcome) in enumerate(stays, 1)
    )


def rows_of_history(
    stay: str,
    history: ClinicalSnapshot,
    outcome: Outcome,
    at: At,
    features: FeatureTable,
    *,
    hours: Sequence[float] | None = None,
) -> StayRows:
    """The rows of one mapped stay: ``at`` says what was known at a moment.

    A moment at which the watch for END was over, or the patient outside the population as judged
    in serving, gives no row and is counted. ``hours`` as in `build_cohort`. `CohortError` where a
    row knows its future.
    """
    totals = sum(score.total is not None for score in history.nihss)
    if history.stay is None or outcome.kind == "no_label":
        return StayRows(stay, None, (), {f"stay without label: {outcome.reason}": 1}, totals)
    rows: list[tuple[ModelInputs, Target]] = []
    lost = Counter({f"stay {outcome.kind}: {outcome.reason}": 1} if _is_lost(outcome) else {})
    notes: _Notes = {}
    for hour in drawn_hours(_generator(stay)) if hours is None else hours:
        row = refusal(outcome, hour) or _row(at(history.stay.t0 + timedelta(hours=hour)), outcome, features, notes)
        if isinstance(row, str):
            lost[f"row refused: {row}"] += 1
        else:
            rows.append(row)
    return StayRows(stay, _record(stay, history.stay.t0, history, outcome), tuple(rows), dict(lost), totals)


def _is_lost(outcome: Outcome) -> bool:
    """True where the chart says less, or other, than the END rule alone would have said of the stay."""
    return outcome.kind == "censored" or outcome.charted_h is not None


_Notes = dict[tuple[Report, ...], ModelInputs]
"""Inputs by the reports that they read: the rows of a stay mostly share theirs."""


def _row(
    snapshot: ClinicalSnapshot, outcome: Outcome, features: FeatureTable, notes: _Notes
) -> tuple[ModelInputs, Target] | str:
    """One row, or why there is none: the patient was not in the population as judged in serving."""
    judged = judge(snapshot)
    if judged.kind != "inside":
        return f"{label_table()['refusal'][f'{judged.kind}_population']['reason']}: {judged.code}"
    inputs = _inputs(snapshot, features, notes)
    refuse_future(inputs, snapshot)
    return inputs, target_of(outcome, inputs.hours)


def _inputs(snapshot: ClinicalSnapshot, features: FeatureTable, notes: _Notes) -> ModelInputs:
    """The serving inputs; reports that an earlier row has read are not read again (half the time of a row)."""
    read = notes.get(snapshot.reports)
    if read is None:
        read = notes[snapshot.reports] = build_inputs(snapshot, features)
        return read
    inputs = build_inputs(replace(snapshot, reports=()), features)
    return replace(inputs, sentences=read.sentences, findings=read.findings)


def _record(stay: str, t0: datetime, history: ClinicalSnapshot, outcome: Outcome) -> StayRecord:
    totals = [(one.effective, one.total) for one in history.nihss if one.total is not None]
    scores = tuple(((moment - t0).total_seconds() / 3600, total) for moment, total in sorted(totals))
    return StayRecord(stay, t0, outcome, scores)


def _line_count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _generator(stay: str) -> np.random.Generator:
    digest = hashlib.sha256(stay.encode()).digest()
    return np.random.default_rng([MOMENTS_SEED, int.from_bytes(digest[:8], "big")])
