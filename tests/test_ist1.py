"""The benchmark on real patients: what it may read, what counts as the outcome, how it splits and what it says.

The data set itself is not part of the project; without it invented rows of the same columns are used.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.ist1_features import ALLOCATION, FEATURES, PREDICTORS, read_features
from benchmarks.ist1_methods import (
    METHODS,
    Plan,
    hospital_folds,
    logistic_regression,
    splits,
    table_of_patients,
    targets_of_days,
    tuned,
)
from benchmarks.ist1_patients import (
    DEATH_CAUSE,
    DEATH_DAY,
    EXCLUSIONS,
    HOSPITAL,
    RECURRENCES,
    Patients,
    read_patients,
)
from benchmarks.ist1_run import Found, benchmark, read_plan
from benchmarks.ist1_statistics import STATISTICS, calibration_slope, figures
from models.net import EDGES_H
from models.training.measured import measured_net

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data" / "ist1" / "IST.csv"
needs_data = pytest.mark.skipif(not REAL.exists(), reason="../shared/data/ist1 is absent: the data set is not shipped")
LEAKS = ("DGORM", "EXPD14")
METRICS = {"auc", "auprc", "brier", "calibration_slope"}
Chart = dict[str, str]


def chart(**written: str) -> Chart:
    """One patient as text, fully alert, without an event."""
    flags = ("RSLEEP", "RATRIAL", "RCT", "RVISINF", *(f"RDEF{place}" for place in range(1, 9)))
    known = dict.fromkeys((*flags, *EXCLUSIONS, *RECURRENCES, "RXASP", "RXHEP", "DGORM"), "N")
    empty = dict.fromkeys((DEATH_CAUSE, DEATH_DAY, *RECURRENCES.values()), "")
    numbers = {HOSPITAL: "1", "RDELAY": "10", "AGE": "70", "RSBP": "160", "EXPD14": "0.1"}
    return {**known, **empty, **numbers, "RCONSC": "F", "SEX": "M", "STYPE": "PACS", **written}


def invented(rows: int = 480, hospitals: int = 24, seed: int = 5) -> pd.DataFrame:
    """Patients of several hospitals, in whom drowsiness and age bring events."""
    rng = np.random.default_rng(seed)
    made = []
    for place in range(rows):
        drowsy, age = rng.random() < 0.3, int(rng.integers(40, 95))
        event = rng.random() < 1 / (1 + np.exp(2.2 - 1.5 * drowsy - 0.04 * (age - 70)))
        died = {DEATH_CAUSE: "1", DEATH_DAY: str(rng.integers(0, 8))} if event else {}
        seen = {"RCONSC": "D" if drowsy else "F", "AGE": str(age), "RSBP": str(rng.integers(100, 220))}
        more = {
            "RDEF5": rng.choice(["N", "Y", "C"]),
            "RATRIAL": rng.choice(["N", "Y", ""]),
            "SEX": rng.choice(["M", "F"]),
        }
        made.append(chart(**{HOSPITAL: str(place % hospitals)}, **seen, **more, **died))
    return pd.DataFrame(made)


def written(folder: Path, rows: pd.DataFrame, name: str = "rows.csv") -> Path:
    """The rows as a CSV file."""
    rows.to_csv(folder / name, index=False)
    return folder / name


def halves(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows split by hospital."""
    second = rows[HOSPITAL].astype(int) % 2 == 1
    return rows[~second], rows[second]


def changed(folder: Path, old: str, new: str) -> Path:
    """The committed feature list with one text replaced."""
    text = FEATURES.read_text("utf-8")
    assert old in text
    (folder / "changed.toml").write_text(text.replace(old, new, 1), "utf-8")
    return folder / "changed.toml"


def quick() -> Plan:
    """The committed plan with few draws, steps and grid points."""
    grid: Mapping[str, Mapping[str, list[object]]] = {
        "endwatch": {"shape": ["linear"]},
        "logistic_regression": {"C": [0.1]},
        "gradient_boosting": {"max_iter": [20], "max_leaf_nodes": [3]},
    }
    plan = read_plan()
    quickly = {"heads": 1, "folds": 2, "ridges": (100.0,), "bends": (4.0,)}
    fixed = {**plan.fixed, "endwatch": quickly}
    return replace(plan, grid=grid, fixed=fixed, draws=6, outer_folds=3, inner_folds=2)


def patients_of(folder: Path, rows: pd.DataFrame) -> Patients:
    """The rows as the benchmark reads them."""
    return read_patients(written(folder, rows), read_features())


def run(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The benchmark as a command."""
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A small run with a held-out half, made by splitting hospitals."""
    folder = tmp_path_factory.mktemp("ist1")
    one, two = halves(invented())
    return benchmark(written(folder, one, "one.csv"), written(folder, two, "two.csv"), quick())


# ---- what may be read


def test_the_committed_list_has_exactly_the_allowed_predictors():
    """The feature list names what was known at randomization, in full and nothing else."""
    assert list(PREDICTORS) == [predictor.name for predictor in read_features().predictors]
    assert [*PREDICTORS, *ALLOCATION] == [one.name for one in read_features(allocation=True).predictors]


@pytest.mark.parametrize(
    "column", [*LEAKS, "DSTER", "DHAEMD", "ONDRUG", "EXPD6", "RASP3", "RHEP24", "HOSPNUM", "RXASP"]
)
def test_any_other_column_asked_for_as_predictor_stops_the_run(tmp_path: Path, column: str):
    """A column that leaks, or one that is merely not listed, is refused by name, and nothing is written."""
    asked = f'[[predictor]]\nname = "{column}"\nlevels = ["N", "Y"]\nsource = "dictionary"\n\n[[product]]'
    features = changed(tmp_path, "[[product]]", asked)
    with pytest.raises(ValueError, match=f"^{column} is not an allowed predictor"):
        benchmark(written(tmp_path, invented()), None, quick(), features)


def test_the_command_with_a_leaking_column_fails_and_writes_nothing(tmp_path: Path):
    """The command ends with status 2, names the column and leaves no results behind."""
    features = changed(tmp_path, 'name = "RSBP"', 'name = "EXPD14"')
    out, train = tmp_path / "results.json", written(tmp_path, invented())
    ended = run("-m", "benchmarks.ist1", "--train", train, "--out", out, "--features", features)
    assert (2, True) == (ended.returncode, ended.stderr.startswith("EXPD14 is not an allowed predictor"))
    assert not out.exists()


def test_an_outcome_column_cannot_replace_the_allocation(tmp_path: Path):
    """The list of the sensitivity analysis is guarded as well."""
    with pytest.raises(ValueError, match="DGORM is not an allowed predictor"):
        read_features(changed(tmp_path, 'name = "RXASP"', 'name = "DGORM"'), allocation=True)


def test_a_list_without_a_predictor_or_with_one_twice_is_refused(tmp_path: Path):
    """Exactly the listed columns: not one less, none twice."""
    with pytest.raises(ValueError, match="lacks STYPE"):
        read_features(changed(tmp_path, 'name = "STYPE"', 'name = "SEX"'))
    twice = '[[predictor]]\nname = "SEX"\nlevels = ["M", "F"]\nsource = "x"\n\n[[product]]'
    with pytest.raises(ValueError, match="twice"):
        read_features(changed(tmp_path, "[[product]]", twice))


def test_columns_that_leak_change_nothing_even_where_the_file_has_them(tmp_path: Path):
    """The file's other columns are never read: without them the patients are the same."""
    rows = invented(60)
    bare = rows.drop(columns=[*LEAKS, *ALLOCATION])
    with_leaks, without = patients_of(tmp_path, rows), patients_of(tmp_path, bare)
    np.testing.assert_array_equal(with_leaks.values, without.values)


def test_a_file_that_lacks_columns_is_refused_and_they_are_named(tmp_path: Path):
    """Predictors, outcome and hospital are all needed."""
    with pytest.raises(ValueError, match=r"rows\.csv lacks the columns HOSPNUM, DRSHD, STYPE"):
        patients_of(tmp_path, invented(20).drop(columns=["STYPE", "DRSHD", "HOSPNUM"]))


@pytest.mark.parametrize(("column", "value"), [("RCONSC", "X"), ("AGE", "old"), ("RXHEP", "Q")])
def test_a_value_that_is_not_understood_is_refused_by_column_and_text(tmp_path: Path, column: str, value: str):
    """No level is guessed and no text becomes a missing number."""
    with pytest.raises(ValueError, match=f"{column}: '{value}'"):
        read_patients(written(tmp_path, pd.DataFrame([chart(**{column: value})])), read_features(allocation=True))


# ---- columns


def column(folder: Path, name: str, values: Chart) -> float:
    """One column's number of one patient."""
    patients = read_patients(written(folder, pd.DataFrame([chart(**values)])), read_features(allocation=True))
    return float(patients.values[0, [one.name for one in patients.columns].index(name)])


@pytest.mark.parametrize(
    ("expected", "name", "values"),
    [
        (12.0, "AGE", {"AGE": "82"}),
        (2.0, "AGE>80", {"AGE": "82"}),
        (0.0, "AGE>80", {"AGE": "79"}),
        (1.0, "RCONSC=D", {"RCONSC": "D"}),
        (0.0, "RCONSC=D", {"RCONSC": "U"}),
        (12.0, "AGE*RCONSC=D", {"AGE": "82", "RCONSC": "D"}),
        (0.0, "AGE*RCONSC=D", {"AGE": "82"}),
        (1.0, "RXHEP=M", {"RXHEP": "H"}),
    ],
)
def test_values_become_numbers_as_the_list_says(tmp_path: Path, expected: float, name: str, values: Chart):
    """Numbers count from their center, knots from the knot, levels are 0/1, the pilot's H is M."""
    assert expected == column(tmp_path, name, values)


@pytest.mark.parametrize(("name", "values"), [("RDEF5=Y", {"RDEF5": "C"}), ("RATRIAL=Y", {"RATRIAL": ""})])
def test_what_could_not_be_assessed_is_unobserved(tmp_path: Path, name: str, values: Chart):
    """Neither present nor absent: the network's own indicator speaks for it."""
    assert np.isnan(column(tmp_path, name, values))
    patients = patients_of(tmp_path, pd.DataFrame([chart(**values)]))
    table, place = table_of_patients(patients), [one.name for one in patients.columns].index(name)
    assert (0.0, 0.0) == (float(table.observed[0, place]), float(table.values[0, place]))


def test_each_shape_adds_to_the_one_before(tmp_path: Path):
    """Linear columns are part of knots, and these of products."""
    patients = patients_of(tmp_path, invented(20))
    names = [[one.name for one in patients.shaped(shape).columns] for shape in ("linear", "knots", "products")]
    assert "AGE>80" not in names[0]
    assert set(names[0]) < set(names[1]) < set(names[2])


# ---- outcome


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        (3.0, {"DDEADC": "1", "DDEADD": "3"}),
        (7.0, {"DDEADC": "2", "DDEADD": "7"}),
        (0.0, {"DDEADC": "3", "DDEADD": "0"}),
        (None, {"DDEADC": "1", "DDEADD": "8"}),
        (None, {"DDEADC": "4", "DDEADD": "3"}),
        (None, {"DDEADC": "0", "DDEADD": "3"}),
        (2.0, {"DRSISC": "Y", "DRSISCD": "2"}),
        (2.0, {"DRSH": "Y", "DRSHD": "2"}),
        (2.0, {"DRSUNK": "Y", "DRSUNKD": "2"}),
        (None, {"DRSISC": "U", "DRSISCD": "2"}),
        (None, {"DRSISC": "Y", "DRSISCD": "9"}),
        (None, {"DRSISC": "Y"}),
        (1.0, {"DRSISC": "Y", "DRSISCD": "1", "DDEADC": "2", "DDEADD": "6"}),
        (6.0, {"DRSISC": "Y", "DDEADC": "2", "DDEADD": "6"}),
    ],
)
def test_severe_early_worsening_row_by_row(tmp_path: Path, expected: float | None, values: Chart):
    """Death of the stroke, fatal recurrence or any recurrence through day 7, the first dated one counts."""
    patients = patients_of(tmp_path, pd.DataFrame([chart(**values)]))
    assert (expected is not None) == bool(patients.event[0])
    assert expected is None or expected == patients.day[0]


def test_other_early_deaths_are_event_free_and_known(tmp_path: Path):
    """Pneumonia on day 3 competes; on day 9, or after the outcome, it does not."""
    rows = [
        chart(DDEADC="4", DDEADD="3"),
        chart(DDEADC="4", DDEADD="9"),
        chart(DDEADC="4", DDEADD="6", DRSISC="Y", DRSISCD="1"),
    ]
    patients = patients_of(tmp_path, pd.DataFrame(rows))
    assert [True, False, False] == patients.other_death.tolist()
    assert [False, False, True] == patients.event.tolist()


def test_hemorrhage_and_no_stroke_are_taken_out(tmp_path: Path):
    """Only a clear yes takes a patient out; unknown and empty stay in."""
    rows = [chart(DDIAGHA="Y"), chart(DNOSTRK="Y"), chart(DDIAGHA="U"), chart(DNOSTRK="")]
    assert 2 == len(patients_of(tmp_path, pd.DataFrame(rows)))


def test_days_are_intervals_of_hours():
    """A difference of dates leaves two days open; nothing is later than the horizon."""
    targets = targets_of_days(np.array([0.0, 3.0, 7.0, np.nan]))
    assert [0.0, 48.0, 144.0, 0.0] == targets.after.tolist()
    assert [24.0, 96.0, 168.0, EDGES_H[-1]] == targets.until.tolist()
    assert [True, True, True, False] == targets.event.tolist()


# ---- folds and methods


def test_no_hospital_is_in_two_folds_and_the_seed_decides(tmp_path: Path):
    """Whole hospitals, the same ones again with the same seed, others with another."""
    patients = patients_of(tmp_path, invented())
    fold = hospital_folds(patients, 5, 2011)
    for train, test in splits(fold):
        assert not set(patients.hospitals[train]) & set(patients.hospitals[test])
    assert (fold == hospital_folds(patients, 5, 2011)).all()
    assert (fold != hospital_folds(patients, 5, 2012)).any()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_what_was_put_in(tmp_path: Path, method: str):
    """Drowsiness and age bring events: new patients are ranked well above chance, with probabilities."""
    train, test = patients_of(tmp_path, invented(900)), patients_of(tmp_path, invented(900, seed=6))
    setting = quick().settings(method)[0]
    risks = METHODS[method](train, setting, 1)(test)
    assert roc_auc_score(test.event, risks) > 0.65
    assert risks.mean() == pytest.approx(test.event.mean(), abs=0.06)


@pytest.mark.parametrize("method", METHODS)
def test_risks_depend_on_training_patients_alone(tmp_path: Path, method: str):
    """Scaling and imputation are learned in training: a patient's risk is the same in any company."""
    train, test = patients_of(tmp_path, invented(240)), patients_of(tmp_path, invented(240, seed=6))
    risks = METHODS[method](train, quick().settings(method)[0], 1)
    first = np.arange(len(test)) < 10
    np.testing.assert_allclose(risks(test)[:10], risks(test.where(first)), atol=1e-6)


def test_tuning_takes_the_setting_with_the_lowest_inner_loss(tmp_path: Path):
    """A ridge so strong that every patient has the same risk loses against a mild one."""
    grid = {**quick().grid, "logistic_regression": {"C": [1e-9, 0.1]}}
    chosen = tuned("logistic_regression", patients_of(tmp_path, invented()), replace(quick(), grid=grid))
    assert 0.1 == chosen["C"]


def test_a_network_without_text_and_findings_has_no_part_for_them(tmp_path: Path):
    """The structured branch is the same network class with nothing to read."""
    table = table_of_patients(patients_of(tmp_path, invented(40)))
    shape = measured_net(table, axes=4, heads=5, hidden=16).shape
    assert (0, 0, 0, 0) == (shape.findings, shape.modalities, shape.axes, shape.embedding)


# ---- statistics


def test_a_weight_counts_like_a_repeated_patient():
    """Every statistic of weights equals that of rows written as often as their weight."""
    rng = np.random.default_rng(3)
    risk = rng.uniform(0.05, 0.9, 200)
    outcome = (rng.random(200) < risk).astype(float)
    weight = rng.integers(1, 4, 200)
    again = np.repeat(np.arange(200), weight)
    for statistic in STATISTICS.values():
        repeated = statistic(outcome[again], risk[again], np.ones(len(again)))
        assert repeated == pytest.approx(statistic(outcome, risk, weight.astype(float)), abs=1e-9)


def test_the_calibration_slope_of_doubled_log_odds_is_half():
    """Risks that are too extreme by a factor of two on the log-odds."""
    rng = np.random.default_rng(4)
    line = rng.normal(-1, 1, 4000)
    outcome = (rng.random(4000) < 1 / (1 + np.exp(-line))).astype(float)
    true, extreme = 1 / (1 + np.exp(-line)), 1 / (1 + np.exp(-2 * line))
    slopes = [calibration_slope(outcome, risk, np.ones(4000)) for risk in (true, extreme)]
    assert slopes[0] / 2 == pytest.approx(slopes[1], abs=1e-6)


def test_intervals_are_wider_when_a_hospital_is_one_patient_many_times(tmp_path: Path):
    """Whole hospitals are drawn: copies of a patient inside a hospital add no certainty."""
    alone = invented(100, hospitals=100)
    copied = pd.concat([alone] * 5, ignore_index=True)
    widths = []
    for rows, hospitals in ((alone, alone[HOSPITAL]), (copied, copied[HOSPITAL]), (copied, copied.index.astype(str))):
        patients = patients_of(tmp_path, rows.assign(**{HOSPITAL: list(hospitals)}))
        risks = {"age": 1 / (1 + np.exp(-patients.values[:, 7] / 20))}
        found = figures(patients, risks, draws=60, seed=1)["age"]
        widths.append(found["auc"]["high"] - found["auc"]["low"])  # type: ignore[index]
    assert widths[0] == pytest.approx(widths[1], rel=1e-9)
    assert widths[2] < 0.7 * widths[1]


def test_the_paired_difference_of_a_method_with_itself_is_zero(tmp_path: Path):
    """Draws are shared, so that equal risks differ in none of them."""
    patients = patients_of(tmp_path, invented(200))
    risks = logistic_regression(patients, {"C": 0.1}, 1)(patients)
    found = figures(patients, {"one": risks, "two": risks}, draws=20, seed=1)
    assert {"one_minus_two": {"value": 0.0, "low": 0.0, "high": 0.0}} == found["paired"]


# ---- the run


@pytest.mark.parametrize("part", ["grouped_cv", "held_out"])
def test_results_hold_every_figure_with_its_interval(results: Found, part: str):
    """Three methods with four figures each, two paired differences, each value inside a sane interval."""
    assert {*METHODS, "paired"} == set(results[part])
    assert all(METRICS == set(results[part][method]) for method in METHODS)
    assert {"endwatch_minus_logistic_regression", "endwatch_minus_gradient_boosting"} == set(results[part]["paired"])
    every = [one for group in results[part].values() for one in group.values()]
    assert all({"value", "low", "high"} == set(one) and one["low"] <= one["high"] for one in every)


def test_the_paired_value_is_the_difference_of_the_shown_ones(results: Found):
    """What is subtracted is what stands beside it."""
    part = results["grouped_cv"]
    shown = part["endwatch"]["auc"]["value"] - part["gradient_boosting"]["auc"]["value"]
    assert shown == pytest.approx(part["paired"]["endwatch_minus_gradient_boosting"]["value"], abs=2e-6)


def test_results_say_what_they_are(results: Found):
    """Outcome by its own name, licence, limits, counts and both sensitivity analyses; END nowhere."""
    about = results["about"]
    assert "severe early worsening" == about["outcome"]
    assert "ODC-By" in about["license"]
    assert any("other causes" in limit for limit in about["limits"])
    assert (240, 12) == (about["held_out"]["n"], about["held_out"]["hospitals"])
    assert {"other_early_deaths_left_out", "with_treatment_allocation"} == set(about["sensitivity"])
    assert not re.search(r"\bEND\b", json.dumps(results))


def test_without_a_held_out_file_there_is_no_such_part(tmp_path: Path):
    """The part is there only when it was asked for, and a second run gives the same figures."""
    train = written(tmp_path, invented(240))
    one, two = benchmark(train, None, quick()), benchmark(train, None, quick())
    assert {"grouped_cv", "about"} == set(one)
    assert one == two


def test_a_hospital_in_both_files_is_refused(tmp_path: Path):
    """A held-out hospital must be new."""
    one, two = halves(invented())
    both = pd.concat([two, one[one[HOSPITAL] == "4"]])
    with pytest.raises(ValueError, match="1 hospitals are in both files, the first is 4"):
        benchmark(written(tmp_path, one, "one.csv"), written(tmp_path, both, "two.csv"), quick())


def _all_free(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{DEATH_CAUSE: ""})


def _one_hospital(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{HOSPITAL: "1"})


@pytest.mark.parametrize(("spoil", "said"), [(_all_free, "0 of 120 patients"), (_one_hospital, "1 hospitals")])
def test_a_file_that_can_teach_nothing_is_refused(
    tmp_path: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame], said: str
):
    """One class or too few hospitals: the reason is said."""
    with pytest.raises(ValueError, match=said):
        benchmark(written(tmp_path, spoil(invented(120))), None, quick())


def test_the_script_runs_from_any_folder(tmp_path: Path):
    """``python benchmarks/ist1.py`` finds the project by itself."""
    ended = run(ROOT / "benchmarks" / "ist1.py", "--help", cwd=tmp_path)
    assert (0, True) == (ended.returncode, "--held-out" in ended.stdout)


# ---- real rows


@needs_data
def test_the_real_file_has_the_documented_patients_and_events():
    """Counts of the data set's own description: 13,335 patients after exclusion, 869 with the outcome."""
    patients = read_patients(REAL, read_features())
    assert (13_335, 869) == (len(patients), int(patients.event.sum()))


@needs_data
def test_a_sample_of_real_hospitals_runs_through(tmp_path: Path):
    """Sixty real hospitals, half of them held out: every figure comes out."""
    rows = pd.read_csv(REAL, dtype=str)
    some = rows[rows[HOSPITAL].isin(sorted(rows[HOSPITAL].unique())[:60])]
    one, two = halves(some)
    found = benchmark(written(tmp_path, one, "one.csv"), written(tmp_path, two, "two.csv"), quick())
    assert found["held_out"]["endwatch"]["auc"]["value"] > 0.5
