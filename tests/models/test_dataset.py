"""Rows of data from a cohort's files: through the serving functions, blind to the future."""

from pathlib import Path

import pytest
import torch

from fhir_mappings.features import load_features
from models.notes import Progress, Readers, unread
from models.simulation.cohort import simulate
from models.training.cohort import read_charts
from models.training.dataset import Notes, build_cohort, rows_of
from models.training.labels import Outcome, label_chart
from models.training.stays import Cohort, target_of
from models.training.table import table_of
from tests.models.inputs_builder import LetterEncoder, finding, inputs, sentence
from tests.models.trained import config, reader

PATIENTS = 12


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A very small simulated cohort on disk."""
    folder = tmp_path_factory.mktemp("cohort")
    simulate(PATIENTS, 3, "a", folder)
    return folder


def _built(folder: Path, readers: Readers | None = None, **more: Progress) -> Cohort:
    return build_cohort(folder, config().design, load_features(), readers or Readers(), **more)


def test_a_cohort_becomes_rows(cohort: Path):
    """Rows of most patients, one column a feature, progress said for each patient and up to the last sentence."""
    done: list[tuple[int, int]] = []
    read: list[tuple[int, int]] = []
    rows = _built(
        cohort, Readers(reader()), progress=lambda *at: done.append(at), sentences=lambda *at: read.append(at)
    ).table
    assert (len(rows), len(load_features().specs)) == tuple(rows.values.shape)
    assert PATIENTS / 2 < len(set(rows.stays)) <= PATIENTS
    assert [(number, PATIENTS) for number in range(1, PATIENTS + 1)] == done
    assert read
    assert read[-1][0] == read[-1][1] > 0


def test_the_same_cohort_gives_the_same_rows(cohort: Path):
    """Random moments depend on the stay alone."""
    one, two = (_built(cohort, Readers(reader())).table for _ in range(2))
    assert one.stays == two.stays
    assert one.targets.start.tolist() == two.targets.start.tolist()
    for name in ("values", "findings", "joined", "note"):
        assert torch.equal(getattr(one, name), getattr(two, name)), name


def test_each_sentence_of_a_cohort_is_read_once(cohort: Path):
    """By the reader and by the plain encoder, however many rows and stays share it."""
    own, plain = reader(), LetterEncoder()
    _built(cohort, Readers(own, plain))
    assert len(set(own.asked)) == len(own.asked) > 50
    assert own.asked == plain.asked


def test_without_a_reader_the_network_sees_the_rules(cohort: Path):
    """``joined`` is then ``findings``, and there is no vector to read."""
    rows = _built(cohort).table
    assert torch.equal(rows.findings, rows.joined)
    assert (len(rows), 0) == tuple(rows.note.shape) == tuple(rows.pooled.shape)
    assert 0 == float(rows.has_note.sum())


def test_a_reader_that_says_nothing_leaves_the_rules_findings(cohort: Path):
    """Its vectors are there; the columns stay those of the rules, exactly."""
    rows = _built(cohort, Readers(reader(), LetterEncoder())).table
    assert torch.equal(rows.findings, rows.joined)
    assert torch.allclose(rows.note, rows.pooled)
    assert 0 < float(rows.has_note.mean()) <= 1
    assert (rows.has_note > 0).tolist() == (rows.note.abs().sum(1) > 0).tolist()


def test_a_reader_that_finds_more_moves_the_joined_columns_only(cohort: Path):
    """One sentence read otherwise changes the rows that hold it, in the term it speaks of; the rules' stay."""
    plain = _built(cohort, Readers(reader())).table
    charts = [one for chart in read_charts(cohort) for stay in rows_of(chart, load_features()) for one, _ in stay.rows]
    text = next(
        one.text for row in charts for place, one in enumerate(row.sentences)
        if one.section == "findings" and place not in {found.sentence for found in row.findings}
    )  # fmt: skip
    read = _built(cohort, Readers(reader({text: {"hyperdense_artery": "present"}}))).table
    assert torch.equal(plain.findings, read.findings)
    changed = (plain.joined != read.joined).any(1)
    assert changed.any()
    assert not changed[plain.has_note == 0].any()
    assert bool((read.joined[changed, 0] > plain.joined[changed, 0]).any())


def test_no_row_knows_its_future(cohort: Path):
    """Everything a row holds happened before its moment, and its END lies after it."""
    for chart in read_charts(cohort):
        for row, target in rows_of(chart, load_features())[0].rows:
            assert all(f.effective is None or f.effective <= row.as_of for f in row.features)
            assert all(s.effective <= row.as_of for s in row.sentences)
            assert target.start_h == row.hours <= target.after_h <= target.until_h <= 168


def test_rows_stop_when_the_watch_is_over(cohort: Path):
    """No row of a stay is drawn after its END, competing event or censoring."""
    for chart in read_charts(cohort):
        _, outcome = label_chart(chart)
        assert all(t.start_h < outcome.watched_until_h for _, t in rows_of(chart, load_features())[0].rows)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome("end", "rise", last_clear_h=30, raised_h=36), (24, 30, 36, True)),
        (Outcome("end", "rise", last_clear_h=20, raised_h=36), (24, 24, 36, True)),
        (Outcome("competing", "discharge", competing="discharge", competing_h=50), (24, 24, 168, False)),
        (Outcome("censored", "transfer", censored_h=50), (24, 24, 50, False)),
        (Outcome("event_free", "followed"), (24, 24, 168, False)),
    ],
)
def test_a_label_becomes_the_target_of_the_contract(outcome: Outcome, expected: tuple[float, float, float, bool]):
    """END is enclosed and never before the moment; competing is END-free to 168 h; transfer is censored."""
    target = target_of(outcome, 24)
    assert expected == (target.start_h, target.after_h, target.until_h, target.event)


def test_a_stay_without_label_has_no_target():
    """The reason stands in the message."""
    with pytest.raises(ValueError, match="no baseline"):
        target_of(Outcome("no_label", "no baseline"), 1)


def test_a_note_is_kept_once():
    """Rows with the same sentences and findings share a place; another finding is another note."""
    held, text = Notes(), [sentence("No hemorrhage."), sentence("Dense MCA.")]
    rows = [
        inputs(1, sentences=text), inputs(6, sentences=text), inputs(6),
        inputs(6, sentences=text, findings=[finding("hyperdense_artery", place=1)]),
    ]  # fmt: skip
    assert [0, 0, 1, 2] == [held.place(row) for row in rows]
    assert [tuple(text), (), tuple(text)] == [note.sentences for note in held.all()]


def test_no_rows_is_an_error():
    """A cohort without any labeled stay cannot be trained on."""
    with pytest.raises(ValueError, match="no row of data"):
        table_of([], unread(torch.zeros(0, config().design.term_count)), config().design)
