"""Cohorts of a hospital's size: seeded, resumable, and figures that are known where the methods are."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from models.comparators import Comparator
from models.studies.hospital import DOCUMENT, cohorts_of, read_hospital, run_hospital
from models.studies.hospital_figures import hospital_table
from tests.models.studies.world_on_disk import ByValues, held_of, quiet, write_world
from tests.models.trained import config, table

PLAN = read_hospital()
NIHSS = config().design.features.index("nihss_baseline")
SMALL = """
title = "tiny"
stays = 60
source = "small enough for a test"
cohorts = 5
seed = 9
phrasings = ["held-out"]
draws = 100
method = "endwatch network"
without_reports = "endwatch network, no reports"
opponents = ["logistic regression", "gradient boosting", "Concat-Fusion"]
"""


def methods() -> dict[str, Comparator]:
    """The network knows all, as one opponent does; one is noisy anew in each cohort, one sees no findings."""
    true, blind = ByValues(NIHSS, findings=True), ByValues(NIHSS, findings=False)
    return {
        "endwatch network": lambda *_: true,
        "endwatch network, no reports": lambda *_: blind,
        "logistic regression": lambda *_: true,
        "gradient boosting": lambda _train, _design, seed: ByValues(NIHSS, findings=True, noise=1.0, seed=seed),
        "Concat-Fusion": lambda *_: blind,
        "never asked": lambda *_: pytest.fail("trained"),
    }


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A world whose oracles are the network itself, with findings and without."""
    test = table(500, seed=3)
    answers = {
        f"oracles/{kind} on held-out": ByValues(NIHSS, findings=kind == "observed").risks(test)
        for kind in ("observed", "structured")
    }
    sets = {"train": held_of(table(200, seed=4)), "test held-out": held_of(test)}
    return write_world(tmp_path / "study", "a", sets, answers)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Five cohorts of sixty."""
    (tmp_path / "small.toml").write_text(SMALL, "utf-8")
    return tmp_path / "small.toml"


def test_cohorts_are_drawn_by_seed_without_repeats():
    """Each has its size, none is another, and the same seed draws them again."""
    stays = [f"s{number}" for number in range(900) for _ in range(3)]
    cohorts = cohorts_of(stays, PLAN)
    assert cohorts == cohorts_of(stays, PLAN)
    assert {PLAN.stays} == {len(one) for one in cohorts}
    assert PLAN.cohorts == len(set(cohorts))
    assert cohorts != cohorts_of(stays, dataclasses.replace(PLAN, seed=1))
    with pytest.raises(ValueError, match="300 stays where 426"):
        cohorts_of(stays[:900], PLAN)


def test_the_published_size_many_times():
    """Fifty cohorts of 426, held-out phrases among the tests, 500 draws at least."""
    assert (426, 50) == (PLAN.stays, PLAN.cohorts)
    assert "held-out" in PLAN.phrasings
    assert PLAN.draws >= 500


def test_known_methods_give_known_gains(study: Path, settings: Path):
    """Nothing on an equal, something on noise that scatters among cohorts, and all that the oracle gains by text."""
    found = run_hospital("a", study, quiet, known=methods(), config=settings)
    held = found["by_phrasing"]["held-out"]
    gains = held["gains"]
    assert [name for name in methods() if name not in ("endwatch network", "never asked")] == list(gains)
    assert (0.0, 0.0, 0.0, 0.0) == tuple(gains["logistic regression"][name] for name in ("value", "low", "high", "sd"))
    assert gains["gradient boosting"]["low"] > 0 < gains["gradient boosting"]["sd"]
    assert gains["Concat-Fusion"] == gains["endwatch network, no reports"]
    assert (1.0, 1.0) == (held["share_by_text"]["value"], held["share_by_text"]["low"])
    assert 60 / 200 == pytest.approx(held["stays_in_common"], abs=0.1)
    assert found == json.loads((study / DOCUMENT).read_text("utf-8"))


def test_an_interrupted_run_goes_on_and_gives_the_same(study: Path, settings: Path):
    """Only the cohort whose answer is gone is trained again."""
    first = run_hospital("a", study, quiet, known=methods(), config=settings)
    (study / "hospital" / "cohort-03" / "gradient boosting on held-out.safetensors").unlink()
    seen: list[set[str]] = []

    def trees(train, _design, seed):
        seen.append(set(train.stays))
        return ByValues(NIHSS, findings=True, noise=1.0, seed=seed)

    known = {name: lambda *_: pytest.fail("trained again") for name in methods()} | {"gradient boosting": trees}
    assert first == run_hospital("a", study, quiet, known=known, config=settings)
    plan = read_hospital(settings)
    assert [cohorts_of(table(200, seed=4).stays, plan)[2]] == [frozenset(one) for one in seen]


def test_what_does_not_fit_is_refused(study: Path, settings: Path):
    """Other settings in the same folder, another world, a method that nobody knows."""
    run_hospital("a", study, quiet, known=methods(), config=settings)
    with pytest.raises(ValueError, match="of world a, not of b"):
        run_hospital("b", study, quiet, known=methods(), config=settings)
    with pytest.raises(ValueError, match="no method is named 'endwatch network, no reports'"):
        run_hospital("a", study, quiet, known={"endwatch network": methods()["never asked"]}, config=settings)
    settings.write_text(SMALL.replace("seed = 9", "seed = 10"), "utf-8")
    with pytest.raises(ValueError, match="other settings"):
        run_hospital("a", study, quiet, known=methods(), config=settings)


def test_the_table_opens_with_the_simulation_and_shows_gains(study: Path, settings: Path):
    """Statement, one line a method, the oracles, and the share."""
    lines = hospital_table(run_hospital("a", study, quiet, known=methods(), config=settings)).splitlines()
    assert "simulated patients of world A" in lines[0]
    assert "nothing about real patients" in lines[0]
    (equal,) = [line for line in lines if line.startswith("| logistic regression")]
    assert equal.endswith("| +0.000 (+0.000 to +0.000) |")
    assert lines[-1] == "Share of O_obs - O_struct by text: +1.000 (+1.000 to +1.000)"
    assert any(line.startswith("| O_obs") for line in lines)


def test_a_share_without_a_whole_is_told_as_none(study: Path, settings: Path):
    """Oracles that are alike leave nothing to recover: the share is refused, not infinite."""
    same = (study / "oracles" / "observed on held-out.safetensors").read_bytes()
    (study / "oracles" / "structured on held-out.safetensors").write_bytes(same)
    found = run_hospital("a", study, quiet, known=methods(), config=settings)
    assert found["by_phrasing"]["held-out"]["share_by_text"]["value"] is None
    assert "by text: none: it has no value" in hospital_table(found)
    assert np.isfinite(found["by_phrasing"]["held-out"]["gains"]["gradient boosting"]["value"])
