"""The direct path: rows, labels, findings and truth equal to those of the FHIR that is written."""

import csv
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch

from fhir_mappings.features import load_features
from models.notes import Readers
from models.simulation.cohort import draw_charts, simulate
from models.simulation.direct import DirectCohort, direct_cohort
from models.simulation.direct_rows import direct_rows, issued_by, stated_text
from models.simulation.phrasebook import PHRASINGS, Phrasing
from models.simulation.truth import latent_names, latent_row
from models.simulation.world import known_worlds, load_world
from models.training.cohort import read_charts
from models.training.dataset import build_cohort, rows_of
from tests.models.inputs_builder import LetterEncoder, Said
from tests.models.trained import config, reader

FEATURES = load_features()
HOURS = (1.0, 6.0, 24.0, 48.0, 72.0)
WORLD = load_world("a")


_COLUMNS = ("values", "observed", "findings", "joined", "note", "pooled", "has_note", "is_flag", "modalities")


def _said(folder: Path) -> Said:
    """A reader's answer to every third sentence of the cohort: it finds a dense artery in each."""
    rows = [row for chart in read_charts(folder) for stay in rows_of(chart, FEATURES) for row, _ in stay.rows]
    texts = sorted({one.text for row in rows for one in row.sentences})
    return {text: {"hyperdense_artery": "present"} for text in texts[::3]}


def _direct(patients: int, **more: object) -> DirectCohort:
    given = {"hours": HOURS, "readers": Readers()} | more
    return direct_cohort(WORLD, patients, 3, config().design, FEATURES, **given)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("name", known_worlds())
def test_rows_and_labels_are_those_of_the_fhir_path(name: str, tmp_path: Path) -> None:
    """Inputs, targets, outcomes, scores and losses agree in every stay, at landmarks and at random hours."""
    simulate(60, 5, name, tmp_path)
    rng, rows = np.random.default_rng(1), 0
    for chart, raw in zip(draw_charts(load_world(name), 60, 5), read_charts(tmp_path), strict=True):
        hours = (*HOURS, float(rng.uniform(0.25, 120)))
        made = direct_rows(chart, FEATURES, hours)  # its record holds the outcome
        assert rows_of(raw, FEATURES, hours=hours) == (made,)
        rows += len(made.rows)
    assert rows > 120


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_the_table_is_that_of_the_fhir_path(phrasing: Phrasing, tmp_path: Path) -> None:
    """Columns, notes, targets, stays and losses agree, at the moments drawn for training."""
    simulate(12, 3, "a", tmp_path, phrasing=phrasing)
    own, plain = reader(_said(tmp_path)), LetterEncoder()
    read = build_cohort(tmp_path, config().design, FEATURES, Readers(own, plain))
    made = direct_cohort(WORLD, 12, 3, config().design, FEATURES, Readers(own, plain), phrasing=phrasing).cohort
    for name in _COLUMNS:
        assert torch.equal(getattr(read.table, name), getattr(made.table, name)), name
    assert not torch.equal(made.table.findings, made.table.joined)
    for name in ("start", "after", "until", "event"):
        assert torch.equal(getattr(read.table.targets, name), getattr(made.table.targets, name)), name
    assert (read.table.stays, read.stays, read.lost) == (made.table.stays, made.stays, made.lost)


def test_processes_and_first_change_nothing() -> None:
    """Two processes give the rows of one; patients from number 4 on are those of the whole cohort."""
    readers = Readers(reader())
    whole, two, later = (
        _direct(9, readers=readers), _direct(9, readers=readers, processes=2), _direct(6, readers=readers, first=4)
    )  # fmt: skip
    for name in _COLUMNS:
        assert torch.equal(getattr(whole.cohort.table, name), getattr(two.cohort.table, name)), name
    assert whole.truth == two.truth
    assert whole.truth[3:] == later.truth
    assert whole.cohort.stays[-len(later.cohort.stays) :] == later.cohort.stays


def test_progress_is_told_to_the_last_patient() -> None:
    """Every part tells how many patients are done."""
    calls: list[tuple[int, int]] = []
    _direct(5, progress=lambda done, total: calls.append((done, total)))
    assert (5, 5) == calls[-1]


def test_without_text_the_findings_are_what_the_reports_state() -> None:
    """The same rows and numbers, no note, and the stated columns instead of the rules'."""
    read, stated = _direct(60), _direct(60, read_text=False)
    assert torch.equal(read.cohort.table.values, stated.cohort.table.values)
    assert np.array_equal(stated.stated, stated.cohort.table.findings.numpy())
    assert np.array_equal(read.stated, stated.stated)
    differs = float(np.abs(read.stated - read.cohort.table.findings.numpy()).mean())
    assert 0 < differs < 0.1


def test_stated_columns_hold_only_what_was_issued() -> None:
    """Before the first report nothing is stated; afterwards all that the issued reports state."""
    chart = next(chart for chart in draw_charts(WORLD, 20, 3) if len(chart.stay.reports) > 1)
    first = min(report.issued_h for report in chart.stay.reports)
    assert () == issued_by(chart, chart.stay.t0 + timedelta(hours=first - 0.1))
    assert 1 == len(issued_by(chart, chart.stay.t0 + timedelta(hours=first + 0.02)))
    names = {one.name for one in stated_text(chart, range(len(chart.stay.reports))).findings}
    assert {one.finding for report in chart.stay.reports for one in report.stated} == names


def test_without_text_nothing_is_read() -> None:
    """Whoever could read: the network then sees what the reports state, and there is no note."""
    own = reader()
    made = _direct(8, readers=Readers(own, LetterEncoder()), read_text=False).cohort.table
    assert [] == own.asked
    assert torch.equal(made.findings, made.joined)
    assert 0 == float(made.has_note.sum()) == made.note.numel()


def test_each_sentence_is_read_once_for_all_stays() -> None:
    """Stays share sentences: the reader is asked about each text one time."""
    own = reader()
    _direct(30, readers=Readers(own))
    assert len(set(own.asked)) == len(own.asked) > 50


def test_no_row_is_an_error() -> None:
    """Hours that nobody is watched at give no cohort."""
    with pytest.raises(ValueError, match="no row of data"):
        _direct(2, hours=(500.0,))


def test_latent_columns_tell_the_present_and_not_the_future() -> None:
    """Columns have names, and a coming event changes none of them before it begins."""
    chart = next(c for c in draw_charts(WORLD, 60, 3) if c.stay.course.event_h and c.stay.course.event_h > 12)
    names, event_h = latent_names(WORLD), chart.stay.course.event_h or 0.0
    before = dict(zip(names, latent_row(WORLD, chart, event_h - 0.1), strict=True))
    assert chart.stay.person.values["glucose"] == before["glucose"]
    assert chart.stay.course.points_at(event_h - 0.1) == before["points_now"]
    assert len(names) == _direct(4, latent=True).latent.shape[1]


def test_the_truth_is_the_one_that_is_written(tmp_path: Path) -> None:
    """Each row of truth.csv is the truth that the direct path tells."""
    simulate(6, 3, "a", tmp_path)
    rows = list(csv.DictReader((tmp_path / "truth.csv").read_text("utf-8").splitlines()))
    for row, truth in zip(rows, _direct(6).truth, strict=True):
        assert (truth.patient, truth.schedule, str(int(truth.end_event))) == (
            row["patient"], row["schedule"], row["end_event"],
        )  # fmt: skip
        assert dict(truth.stated) == json.loads(row["stated"])
