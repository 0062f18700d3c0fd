"""Goals from studies on disk: known worlds give known figures, and a goal that fails is told to fail."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.evaluation.goal_rows import judged
from models.evaluation.goals import Goal
from models.evaluation.rows import Flags, Floats, TestRows
from models.studies.goals_of import measured, of_cohorts, of_ist1, of_joined, of_reader, of_world
from models.studies.hospital import read_hospital
from tests.models.studies.world_on_disk import at_hours, known_risks, known_world, logistic

TRUE, STRUCTURED = (at_hours(risk) for risk in known_risks())
NETWORK, WITHOUT = read_hospital().method, read_hospital().without_reports
FIGURE = {"value": 0.03, "low": 0.01, "high": 0.05, "n": 900, "events": 200}


def shifted(risk: Floats, by: float, times: float = 1.0) -> Floats:
    """The risk with other log-odds."""
    return logistic(times * np.log(risk / (1 - risk)) + by)


def world(folder: Path, name: str, with_reports: Floats, without: Floats) -> Path:
    """A study in which the network gave these answers."""
    return known_world(folder / name, name, {NETWORK: with_reports, WITHOUT: without})


def goals(found) -> dict[str, Goal]:
    """The goals that were measured, by what their name says after the world."""
    return {one.name.rpartition(": ")[2]: one for one in judged(found) if one.n}


def test_a_network_that_knows_the_truth_reaches_its_goals(tmp_path: Path):
    """It loses nothing, recovers all that reports hold, and is calibrated at every hour."""
    held = goals(of_world("a", world(tmp_path, "a", TRUE, STRUCTURED)))
    assert {True} == {one.met for one in held.values()}
    assert 0.0 == held["AUC lost against O_obs"].value
    assert (1.0, 1.0) == (
        held["share of O_obs - O_struct by text"].value,
        held["share of O_obs - O_struct by text"].low,
    )
    assert 7500 == held["AUC lost against O_obs"].n
    assert "5" * 64 == held["AUC lost against O_obs"].config_sha256


def test_a_network_that_reads_nothing_and_exaggerates_misses_them(tmp_path: Path):
    """No share, an AUC lost, log-odds too far out: each goal says no."""
    held = goals(of_world("b", world(tmp_path, "b", shifted(STRUCTURED, 0.0, 2.5), STRUCTURED)))
    assert {False} == {one.met for one in held.values()}
    assert 0.0 == held["share of O_obs - O_struct by text"].value


def test_calibration_names_the_figure_that_is_worst(tmp_path: Path):
    """Log-odds of the truth doubled: the slope is a half, on the rows of one hour, and worse than O:E and ICI."""
    held = goals(of_world("a", world(tmp_path, "a", shifted(TRUE, 0.0, 2.0), STRUCTURED)))
    calibration = held["calibration at 1, 6, 24, 48, 72 h"]
    assert ("slope at 1 h", 1500, False) == (calibration.detail, calibration.n, calibration.met)
    assert calibration.value == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("without", "met"), [(TRUE, True), (STRUCTURED, False)])
def test_where_reports_say_nothing_a_gain_is_a_fault(tmp_path: Path, without: Floats, met: bool):
    """In world D the interval of the gain must include 0: it does where both answer alike, not where reports helped."""
    (gain,) = goals(of_world("d", world(tmp_path, "d", TRUE, without))).values()
    assert met is gain.met


def test_in_another_world_the_loss_is_only_reported(tmp_path: Path):
    """World C has a figure and no verdict."""
    (lost,) = goals(of_world("c", world(tmp_path, "c", STRUCTURED, STRUCTURED))).values()
    assert (None, "reported") == (lost.met, lost.target)
    assert lost.value > 0.05


def test_recalibration_learns_from_whole_admissions_and_is_judged_on_the_others(tmp_path: Path):
    """A shift of the log-odds that is taken back leaves little to blame; without it the goal is missed."""
    path, seen = world(tmp_path, "e", shifted(TRUE, 1.0), STRUCTURED), {}

    def back(rows: TestRows, risks: Floats, learned: Flags) -> Floats:
        seen["learned"], seen["stays"] = learned, np.asarray(rows.stays)
        return shifted(risks, -1.0)

    name = "calibration at 1, 6, 24, 48, 72 h"
    better = goals(of_world("e", path, recalibrate=back))[name]
    worse = goals(of_world("e", path, recalibrate=lambda _rows, risks, _learned: risks))[name]
    assert (True, False) == (better.met, worse.met)
    learned = set(seen["stays"][seen["learned"]])
    assert (750, 750) == (len(learned), len(set(seen["stays"][~seen["learned"]]) - learned))
    assert 750 == better.n
    assert name not in goals(of_world("e", path))  # nothing to recalibrate with: not measured


def test_what_a_study_lacks_is_named(tmp_path: Path):
    """No folder, another world's folder, and a method that was not run each stop with a sentence."""
    with pytest.raises(ValueError, match="no study of a world"):
        of_world("a", tmp_path)
    path = known_world(tmp_path / "a", "a", {NETWORK: TRUE})
    with pytest.raises(ValueError, match="world a, not of b"):
        of_world("b", path)
    with pytest.raises(ValueError, match=f"lacks risks/10000-00/{WITHOUT}"):
        of_world("a", path)


def test_cohorts_reader_and_real_patients_come_from_their_documents(tmp_path: Path):
    """Each figure reaches its own goal: bounds where bounds are asked, the lowest finding, the grave ones alone."""
    gains = {"logistic regression": FIGURE, "gradient boosting": FIGURE | {"low": 0.0}, "Concat-Fusion": FIGURE}
    phrases = {"held-out": {"test_set_sha256": "t", "gains": gains | {WITHOUT: FIGURE}, "share_by_text": FIGURE}}
    (tmp_path / "hospital.json").write_text(json.dumps({"config_sha256": "c", "by_phrasing": phrases}), "utf-8")
    areas = {name: FIGURE | {"value": value} for name, value in
             {"occlusion": 0.98, "hemorrhage": 0.96, "stenosis": 0.94, "old_infarct": 0.99}.items()}  # fmt: skip
    paired = {f"endwatch_minus_{name}": {"value": 0.0, "low": low, "high": 0.01}
              for name, low in {"logistic_regression": -0.004, "gradient_boosting": -0.02}.items()}  # fmt: skip
    about = {"grouped_cv": {"n": 13335, "events": 869}, "features_sha256": "f", "train_sha256": "d"}
    (tmp_path / "ist1.json").write_text(json.dumps({"about": about, "grouped_cv": {"paired": paired}}), "utf-8")
    found = of_cohorts("a", tmp_path) | of_reader(areas, ("c", "t")) | of_joined(FIGURE, ("c", "t"))
    held = goals(found | of_ist1(tmp_path / "ist1.json"))
    assert {
        "AUC less ridge's": True, "AUC less gradient boosting's": False, "AUC less Concat-Fusion's": False,
        "share of O_obs - O_struct by text": False, "AUC of present among mentions, lowest finding": False,
        "the same, hemorrhage and occlusion": False, "hand-written sentences": True,
        "AUC less logistic regression's": True,
    }.items() <= {name: one.met for name, one in held.items()}.items()  # fmt: skip
    assert "stenosis" == held["AUC of present among mentions, lowest finding"].detail
    assert "hemorrhage" == held["the same, hemorrhage and occlusion"].detail
    assert (13335, "d") == (
        held["AUC less logistic regression's"].n,
        held["AUC less logistic regression's"].test_set_sha256,
    )
    assert {} == of_cohorts("a", tmp_path / "elsewhere")


def test_all_goals_come_in_order_from_the_worlds_that_are_there(tmp_path: Path):
    """Two worlds' figures stand beside what was not measured."""
    folders = {name: world(tmp_path, name, TRUE, STRUCTURED) for name in ("a", "c")}
    every = measured(folders, of_joined(FIGURE, ("c", "t")))
    assert ["World A", "World C"] == sorted({one.name[:7] for one in every if one.n and one.name.startswith("World")})
    assert any(one.detail == "not measured" for one in every)
