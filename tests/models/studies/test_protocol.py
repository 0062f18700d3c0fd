"""The paper's protocol: who is included, what is trained on, and that the spread is of deviations."""

import dataclasses

import numpy as np
import pytest
import torch

from models.studies.protocol import included, one_cohort, read_protocol, run_protocol, spread
from models.training.table import Table
from tests.models.trained import config, table

DESIGN = config().design
PROTOCOL = dataclasses.replace(read_protocol(), patients=60, cohorts=2, landmark_h=24.0)


class ByNihss:
    """A method that needs no training: the baseline NIHSS, squeezed between 0 and 1."""

    def risks(self, rows: Table) -> np.ndarray:
        """A rising function of the NIHSS column."""
        return torch.sigmoid(rows.values[:, DESIGN.features.index("nihss_baseline")] / 10).double().numpy()


def pool() -> Table:
    """Rows of which some have an occlusion and complete data."""
    rows = table(900, seed=3)
    findings = rows.findings.clone()
    findings[:, [term.id for term in DESIGN.terms].index("occlusion")] = (torch.arange(len(rows)) % 3 > 0).float()
    return dataclasses.replace(rows, findings=findings)


def test_only_rows_as_published_are_included():
    """Every included row is at admission, has an occlusion, the complete variables and a known outcome."""
    kept = included(pool(), DESIGN, PROTOCOL)
    assert 100 < len(kept) < len(pool())
    assert {24.0} == set(kept.targets.start.tolist())
    assert (kept.findings[:, [term.id for term in DESIGN.terms].index("occlusion")] > 0).all()
    assert all((kept.observed[:, DESIGN.features.index(name)] > 0).all() for name in PROTOCOL.complete)
    assert not np.isnan(kept.outcomes()).any()


def test_a_cohort_is_split_by_outcome_and_scored_beyond_itself():
    """Each split gives one row a method, with an AUC in training, in the test part and outside the cohort."""
    rows = included(pool(), DESIGN, PROTOCOL)
    found = list(one_cohort(rows, DESIGN, {"by NIHSS": lambda *_: ByNihss()}, PROTOCOL, 1))
    assert ["80/20", "70/30"] == [one["split"] for one in found]
    assert all(0.5 < one["beyond"] < 1 for one in found)
    assert found[0]["beyond"] == found[1]["beyond"]  # the same cohort, so the same rows outside it


def test_an_interrupted_run_goes_on_and_gives_the_same(tmp_path):
    """A cohort whose file is there is not run again; the table is that of an uninterrupted run."""
    methods = {"by NIHSS": lambda *_: ByNihss()}
    small = dataclasses.replace(PROTOCOL)
    first = run_protocol(pool(), DESIGN, methods, tmp_path / "one", protocol=small)
    (tmp_path / "one" / "cohort-02.json").unlink()
    assert first == run_protocol(pool(), DESIGN, methods, tmp_path / "one", protocol=small)


def test_a_pool_that_is_too_small_is_refused(tmp_path):
    """Cohorts drawn from a pool of their own size would all be the same."""
    with pytest.raises(ValueError, match="are needed"):
        run_protocol(pool(), DESIGN, {}, tmp_path, protocol=dataclasses.replace(PROTOCOL, patients=5000))


def test_the_spread_is_about_the_methods_own_mean():
    """Adding a constant to every AUC of a method changes nothing in the table."""
    rows = [
        {"cohort": k, "split": "80/20", "method": "m", "train": 0.9, "test": 0.6 + k / 100, "beyond": 0.65}
        for k in range(10)
    ]
    raised = [one | {which: one[which] + 0.1 for which in ("train", "test", "beyond")} for one in rows]
    (one,), (two,) = spread(rows), spread(raised)
    assert pytest.approx({k: v for k, v in one.items() if isinstance(v, float)}) == {
        k: v for k, v in two.items() if isinstance(v, float)
    }
    assert pytest.approx(np.std([k / 100 for k in range(10)], ddof=1)) == one["sd"]
    assert pytest.approx(0.9 - 0.645) == one["train_test_gap"]
