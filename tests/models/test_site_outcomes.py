"""A site's own recalibration: from a file of outcomes to one more stage on top of the training's."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.calibrate import Calibration, Recalibration
from models.training.site_outcomes import Outcomes, OutcomesError, at_site, read_outcomes, site_stage, stretched

TRAINED = Recalibration((0.0,), (0.0,), (1.0,), "training rows", 10, 5)
CALIBRATION = Calibration((TRAINED,), 25.0, ((1.0, 0.4), (72.0, 0.1)), ((0.0, 0.3), (72.0, 0.08)), {})
SHIFT, SLOPE = 0.7, 0.8


def site(stays: int, seed: int = 0) -> Outcomes:
    """Calls whose hazard is in truth e^SHIFT times the shown one to the power of SLOPE."""
    rng = np.random.default_rng(seed)
    shown = -np.log1p(-rng.uniform(0.02, 0.7, stays))
    ended = rng.random(stays) < -np.expm1(-np.exp(SHIFT) * shown**SLOPE)
    hours = rng.choice([1.0, 72.0], stays)
    return Outcomes(tuple(f"s{one}" for one in range(stays)), hours, -np.expm1(-shown), ended.astype(float))


def written(folder: Path, lines: Sequence[str]) -> Path:
    """A file of outcomes."""
    path = folder / "outcomes.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def enough(*extra: str) -> list[str]:
    """A header, twenty stays with END and twenty without, and more lines."""
    rows = [f"s{one},6,0.3,{one % 2}" for one in range(40)]
    return ["stay,hours,risk,end", *rows, *extra]


def test_level_and_slope_of_a_site_are_found():
    """With many calls the planted shift and slope come back."""
    stage = site_stage(site(40_000))
    assert (SHIFT, SLOPE) == pytest.approx((stage.intercepts[0], stage.slopes[0]), abs=0.06)


def test_few_events_move_the_level_only():
    """Below a hundred stays with END the slope stays 1."""
    few = site(120)
    assert 20 <= few.ended.sum() < 100
    stage = site_stage(few)
    assert (1.0,) == stage.slopes
    assert stage.intercepts[0] > 0


def test_outcomes_that_fall_with_the_risk_are_refused():
    """A negative slope would turn the order of the patients round."""
    given = site(3000)
    with pytest.raises(OutcomesError, match="not come more often where the shown risk was higher"):
        site_stage(replace(given, risks=1 - given.risks))


def test_recalibrated_risks_add_up_to_what_came():
    """Observed to expected is 1 on the calls that were learned from."""
    outcomes = site(5000)
    risks = stretched(outcomes.risks, outcomes.hours, site_stage(outcomes))
    assert outcomes.ended.sum() / risks.sum() == pytest.approx(1.0, abs=0.03)
    assert abs(outcomes.ended.sum() / outcomes.risks.sum() - 1) > 0.2


def test_the_same_calls_stay_flagged():
    """Thresholds move with the risks; the stage stands on top of the training's, and the figures are the site's."""
    outcomes = site(3000)
    found = at_site(CALIBRATION, outcomes)
    before = outcomes.risks >= np.interp(outcomes.hours, *zip(*CALIBRATION.thresholds, strict=True))
    risks = stretched(outcomes.risks, outcomes.hours, found.stages[-1])
    assert TRAINED == found.stages[0]
    assert 100 * before.mean() == pytest.approx(found.figures["flagged_per_100"])
    for hour, threshold in CALIBRATION.thresholds:
        at = outcomes.hours == hour
        assert np.array_equal(outcomes.risks[at] >= threshold, risks[at] >= found.threshold_at(hour) - 1e-12)


def test_the_order_of_horizons_survives():
    """All hazard that is left is stretched by one factor."""
    found = at_site(CALIBRATION, site(3000))
    assert replace(found, stages=()).comparator[0][1] > found.comparator[1][1]


def test_a_good_file_is_read(tmp_path: Path):
    """Numbers as numbers, stays by name; a byte order mark and spaces do no harm."""
    lines = enough(" s41 , 120.5 ,0.25, 1 ")
    lines[0] = "\ufeff" + lines[0]
    found = read_outcomes(written(tmp_path, lines))
    assert ("s41", 120.5, 0.25, 1.0) == (found.stays[-1], found.hours[-1], found.risks[-1], found.ended[-1])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("s50,6,1.3,1", "line 42: risk must lie in 0 to 1, not '1.3'"),
        ("s50,6,,1", "line 42: risk must lie in 0 to 1, not ''"),
        ("s50,6,nan,1", "line 42: risk"),
        ("s50,200,0.3,1", "line 42: hours must lie in 0 to 168"),
        ("s50,6,0.3,2", "line 42: end must lie in 0 to 1"),
        ("s50,6,0.3,0.5", "line 42: end is 1 or 0"),
        (",6,0.3,1", "line 42: stay is empty"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, said: str):
    """The sentence tells file, line and column."""
    with pytest.raises(OutcomesError, match=said):
        read_outcomes(written(tmp_path, enough(line)))


def test_a_missing_column_is_named(tmp_path: Path):
    """The first column that is not there."""
    with pytest.raises(OutcomesError, match="lacks the column 'risk'"):
        read_outcomes(written(tmp_path, ["stay,hours,end", "s1,6,1"]))


@pytest.mark.parametrize(("ends", "said"), [(3, "3 stays with END"), (37, "3 stays without")])
def test_too_few_of_a_kind_fit_nothing(tmp_path: Path, ends: int, said: str):
    """Twenty stays of each kind are needed."""
    rows = [f"s{one},6,0.3,{int(one < ends)}" for one in range(40)]
    with pytest.raises(OutcomesError, match=said):
        read_outcomes(written(tmp_path, ["stay,hours,risk,end", *rows]))
