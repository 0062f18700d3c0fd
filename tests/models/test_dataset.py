"""Rows of data from a cohort's files: through the serving functions, blind to the future."""

from pathlib import Path

import pytest

from fhir_mappings.features import load_features
from models.simulation.cohort import simulate
from models.training.cohort import read_charts
from models.training.dataset import Pooling, build_table, rows_of
from models.training.labels import Outcome, label_chart
from models.training.stays import target_of
from models.training.table import table_of
from tests.models.inputs_builder import LetterEncoder, sentence
from tests.models.trained import config

PATIENTS = 12


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A very small simulated cohort on disk."""
    folder = tmp_path_factory.mktemp("cohort")
    simulate(PATIENTS, 3, "a", folder)
    return folder


def test_a_cohort_becomes_rows(cohort: Path):
    """Rows of most patients, one column a feature, progress said for each patient."""
    done: list[tuple[int, int]] = []
    rows = build_table(cohort, config().design, load_features(), LetterEncoder(), lambda *at: done.append(at))
    assert (len(rows), len(load_features().specs)) == tuple(rows.values.shape)
    assert PATIENTS / 2 < len(set(rows.stays)) <= PATIENTS
    assert [(number, PATIENTS) for number in range(1, PATIENTS + 1)] == done


def test_the_same_cohort_gives_the_same_rows(cohort: Path):
    """Random moments depend on the stay alone."""
    one, two = (build_table(cohort, config().design, load_features(), LetterEncoder()) for _ in range(2))
    assert one.stays == two.stays
    assert one.targets.start.tolist() == two.targets.start.tolist()
    assert one.values.tolist() == two.values.tolist()


def test_no_row_knows_its_future(cohort: Path):
    """Everything a row holds happened before its moment, and its END lies after it."""
    for chart in read_charts(cohort):
        for inputs, target in rows_of(chart, load_features())[0].rows:
            assert all(f.effective is None or f.effective <= inputs.as_of for f in inputs.features)
            assert all(s.effective <= inputs.as_of for s in inputs.sentences)
            assert target.start_h == inputs.hours <= target.after_h <= target.until_h <= 168


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


def test_a_note_is_encoded_once():
    """Rows of a stay with the same reports share one pooled embedding."""
    encoder = LetterEncoder()
    pooling, note = Pooling(encoder), (sentence("No hemorrhage."), sentence("No mass effect."))
    first, second = pooling.of(note), pooling.of(note)
    assert first is second
    assert 2 == len(encoder.asked)
    assert pooling.of(()) is None


def test_no_rows_is_an_error():
    """A cohort without any labeled stay cannot be trained on."""
    with pytest.raises(ValueError, match="no row of data"):
        table_of([], [], 8)
