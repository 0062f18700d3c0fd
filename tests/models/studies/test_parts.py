"""The parts of a study: sets on disk, the network as a method, answers, oracles' models, rows for the statistics."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from models.comparators import COMPARATORS
from models.evaluation.rows import TestRows
from models.simulation.told import Told, read_told
from models.studies.held import HeldSet, kept
from models.studies.network import APART, FittedNetwork, _in, network
from models.studies.oracle_models import best_of, mean_of
from models.studies.oracles import standard_error
from models.studies.scoring import NETWORK, NO_REPORTS, answers, methods, read_answer, thresholds_of, write_answer
from models.studies.test_rows import rows_for_statistics
from models.training.labels import Outcome
from models.training.stays import Cohort, StayRecord
from models.training.table import Table
from tests.models.studies.world_on_disk import ByValues
from tests.models.trained import SMALL, config, table

DESIGN = config().design
T0 = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = replace(SMALL, heads=2, ridges=(100.0,), axes=0)
_COLUMNS = ("values", "observed", "findings", "joined", "note", "pooled", "has_note", "is_flag", "modalities")


def cohort(rows: Table) -> Cohort:
    """The rows with a record for each stay."""
    ended = {stay: Outcome("event_free", "followed to 168 h") for stay in rows.stays}
    held = rows.targets
    for stay, event, until in zip(rows.stays, held.event.tolist(), held.until.tolist(), strict=True):
        if event:
            ended[stay] = Outcome("end", "charted rise", 0.0, until)
    records = [StayRecord(stay, T0, outcome, ((0.5, 9),)) for stay, outcome in ended.items()]
    return Cohort(rows, tuple(records), {"stay without label: no baseline": 3})


def told(rows: Table) -> list[Told]:
    """Every second patient had the true event at hour 30."""
    return [
        Told(stay, "ward" if place % 3 else "protocol", 30.0 if place % 2 else None)
        for place, stay in enumerate(dict.fromkeys(rows.stays))
    ]


def statistics() -> TestRows:
    """Rows for the statistics of a small cohort."""
    rows = table(80, seed=4)
    return rows_for_statistics(cohort(rows), DESIGN, told(rows))


def test_a_true_event_before_the_row_leaves_its_truth_unknown():
    """At hour 72 nobody can still be at risk of an event that happened at hour 30; before, it counts."""
    rows, patients = statistics(), {one.patient: one for one in told(table(80, seed=4))}
    late = [patients[stay].end_event_hours for stay in np.asarray(rows.stays)[rows.hours == 72.0]]
    assert [bool(hour) for hour in late] == np.isnan(rows.event[rows.hours == 72.0]).tolist()
    early = [patients[stay].end_event_hours for stay in np.asarray(rows.stays)[rows.hours == 1.0]]
    assert [1.0 if hour else 0.0 for hour in early] == rows.event[rows.hours == 1.0].tolist()


def test_rows_are_grouped_by_schedule_and_subgroup():
    """Each row is on exactly one schedule and in exactly one level of each family."""
    families: dict[str, np.ndarray] = {}
    rows = statistics()
    for name, flags in rows.groups.items():
        family = name.partition(": ")[0]
        families[family] = families.get(family, 0) + flags.astype(int)
    assert {"schedule", "age", "sex", "diabetes"} < families.keys()
    assert all((count == 1).all() for count in families.values())


def test_a_set_on_disk_is_the_set_that_was_made(tmp_path: Path):
    """Reading gives back every number; a second call makes nothing."""
    rows = table(80, seed=4)
    rows = replace(rows, joined=torch.rand_like(rows.joined))
    made = HeldSet(rows, rows.findings + 1, torch.rand(len(rows), 3), statistics(), {"lost": 2})
    first = kept(tmp_path / "sets" / "x", lambda: made)
    again = kept(tmp_path / "sets" / "x", lambda: pytest.fail("made twice"))
    for read in (first, again):
        assert made.table.stays == read.table.stays
        assert torch.equal(made.table.targets.until, read.table.targets.until)
        for name in _COLUMNS:
            assert torch.equal(getattr(made.table, name), getattr(read.table, name)), name
        stated = read.as_stated()
        assert torch.equal(made.stated, stated.findings)
        assert torch.equal(made.stated, stated.joined)
        assert made.rows.ends == read.rows.ends
        assert all(np.array_equal(made.rows.groups[name], read.rows.groups[name]) for name in made.rows.groups)


def test_disjoint_training_sets_are_cut_from_one():
    """The first ten stays and the ten after them share none; more than there are is refused."""
    rows = table(80, seed=4)
    held = HeldSet(rows, rows.findings, rows.findings, statistics(), {})
    one, two = held.first_stays(0, 10), held.first_stays(10, 10)
    assert (10, 10) == (len(set(one.stays)), len(set(two.stays)))
    assert not set(one.stays) & set(two.stays)
    with pytest.raises(ValueError, match="5 stays where 10"):
        held.first_stays(75, 10)


def test_an_answer_on_disk_keeps_its_thresholds(tmp_path: Path):
    """Risks and the threshold of each row come back; a model without thresholds has none."""
    risks, own = np.array([0.1, 0.25, 0.9]), np.array([0.123456789, 0.2, 0.3])
    write_answer(tmp_path / "a.safetensors", risks, own)
    read = read_answer(tmp_path / "a.safetensors", "m")
    assert read.thresholds is not None
    assert (own.tolist(), risks.tolist()) == (read.thresholds.tolist(), read.risks.tolist())
    write_answer(tmp_path / "a.safetensors", risks, None)
    assert read_answer(tmp_path / "a.safetensors", "m").thresholds is None


@cache
def fitted(*, reports: bool = True) -> FittedNetwork:
    """The network as a method of a study, trained on a small cohort."""
    found = network(QUICK, 25.0, reports=reports)(table(150), DESIGN, 3)
    assert isinstance(found, FittedNetwork)
    return found


def test_the_network_is_one_of_the_methods_that_are_compared():
    """With and without reports first, then all opponents; each answers every row with a probability."""
    assert [NETWORK, NO_REPORTS, *COMPARATORS] == list(methods(QUICK, 25.0))
    rows = table(60, seed=5)
    for reports in (True, False):
        risks = fitted(reports=reports).risks(rows)
        assert (len(rows),) == risks.shape
        assert ((risks > 0) & (risks < 1)).all()


def test_the_network_without_reports_reads_numbers_alone():
    """Other findings and notes leave its risks as they were; those of the other move."""
    rows = table(60, seed=5)
    other = replace(rows, joined=1 - rows.joined, note=-rows.note)
    alone, whole = fitted(reports=False), fitted()
    assert np.array_equal(alone.risks(rows), alone.risks(other))
    assert not np.array_equal(whole.risks(rows), whole.risks(other))


def test_a_studys_seed_decides_the_network():
    """The seed of the method, not that of the settings; the same one repeats it."""
    rows = table(60, seed=5)
    again, other = (network(QUICK, 25.0)(table(150), DESIGN, seed).risks(rows) for seed in (3, 4))
    assert np.array_equal(fitted().risks(rows), again)
    assert not np.array_equal(again, other)


def test_about_two_tenths_of_the_stays_are_set_apart():
    """By stay and seed alone."""
    stays = [f"s{number}" for number in range(5000)]
    apart = [_in(APART, 1)(stay) for stay in stays]
    assert 0.2 == pytest.approx(np.mean(apart), abs=0.02)
    assert apart != [_in(APART, 2)(stay) for stay in stays]


def test_a_network_is_flagged_by_its_own_thresholds_hour_by_hour():
    """Those of its calibration; an opponent by the risk that a quarter of its training rows reach."""
    rows, net = table(60, seed=5), fitted()
    own = thresholds_of(net, table(150), rows)
    expected = [net.calibration.threshold_at(hour) for hour in rows.targets.start.tolist()]
    assert expected == pytest.approx(own.tolist())
    opponent = ByValues(DESIGN.features.index("nihss_baseline"), findings=True)
    held = thresholds_of(opponent, table(150), rows)
    assert 1 == len(set(held.tolist()))
    assert 0.25 == pytest.approx((opponent.risks(table(150)) >= held[0]).mean(), abs=0.01)


def test_answers_that_are_on_disk_are_not_worked_out_again(tmp_path: Path):
    """A method is trained once for all tests; where every answer lies there, not at all."""
    tests, opponent = {"a": table(40, seed=5), "b": table(30, seed=6)}, ByValues(0, findings=True)
    first = answers(("m", lambda *_: opponent), table(60), tests, DESIGN, seed=1, kept=tmp_path)
    again = answers(("m", lambda *_: pytest.fail("trained")), table(60), tests, DESIGN, seed=1, kept=tmp_path)
    assert {"a", "b"} == set(first)
    for name, rows in tests.items():
        assert first[name].risks.tolist() == again[name].risks.tolist() == opponent.risks(rows).tolist()
        assert len(rows) == len(again[name].thresholds)  # type: ignore[arg-type]


def test_real_patients_have_no_truth(tmp_path: Path):
    """A folder without truth.csv tells nothing; one with it tells event and schedule."""
    assert read_told(tmp_path) is None
    (tmp_path / "truth.csv").write_text("patient,schedule,end_event_hours\np1,ward,12.5\np2,protocol,\n", "utf-8")
    assert (Told("p1", "ward", 12.5), Told("p2", "protocol", None)) == read_told(tmp_path)


def test_the_oracle_is_near_the_truth_where_the_truth_is_known():
    """On an interaction with gaps the chosen model's risks are close to the true ones."""
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(20_000, 4)).astype(np.float32)
    true = 1 / (1 + np.exp(-(1.5 * matrix[:, 0] * matrix[:, 1] - 0.5)))
    outcome = (rng.random(len(true)) < true).astype(np.float32)
    chosen = best_of(matrix, outcome, seed=1)
    assert min(chosen.losses.values()) == chosen.losses[" + ".join(chosen.members)]
    assert float(np.abs(chosen.risks(matrix[:2000]) - true[:2000]).mean()) < 0.06


def test_the_mean_of_models_is_on_the_scale_of_log_odds():
    """Half and nine tenths: log-odds 0 and ln 9, mean ln 3."""
    assert pytest.approx(0.75) == mean_of([np.array([0.5]), np.array([0.9])])[0]


def test_the_standard_error_of_an_auc_is_hanley_and_mcneils():
    """Worked by hand for 0.77 with 49 events in 128: Q1 = 0.626016, Q2 = 0.669944, 7.7761 over 49 x 79, so 0.0448."""
    assert pytest.approx(0.0448, abs=1e-4) == standard_error(0.77, 49, 128)
