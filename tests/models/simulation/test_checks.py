"""The comparison of a simulated cohort with the sources of its world."""

from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
import pytest

from models.simulation.checks import Check, cohort_checks, main, nihss_and_age, standard_error
from models.simulation.judged import SCHEDULES, judged_stays, rule_table
from models.simulation.population import draw_people
from models.simulation.world import load_world

WORLD = load_world("a")


def _said(checks: list[Check]) -> list[str]:
    return [f"{one.row} {one.statistic}: {one.found:.4g}, not {one.expected:.4g}" for one in checks if not one.met]


def test_ten_thousand_patients_of_world_a_match_every_sourced_row() -> None:
    """Within 3 standard errors of the source's n plus 2 %; every target of the config is among the checks."""
    checks = cohort_checks(WORLD, 10_000, 1, charted=2000)
    assert [] == _said(checks)
    assert {target.row for target in WORLD.targets} == {check.row for check in checks}


@pytest.mark.parametrize("name", ["b", "c", "d", "e"])
def test_the_other_worlds_match_their_sourced_rows(name: str) -> None:
    """Margins, prevalence and timing, as in A."""
    assert [] == _said(cohort_checks(load_world(name), 3000, 2, charted=1500))


def test_a_margin_that_is_off_its_source_is_said() -> None:
    """A median moved by a fifth, and a share of events that brings too much END, do not pass."""
    moved = tuple(replace(v, center=v.center * 1.2) if v.name == "wbc" else v for v in WORLD.variables)
    world = replace(WORLD, variables=moved, settings={**WORLD.settings, "event_share": 0.5})
    said = {(check.row, check.statistic) for check in cohort_checks(world, 1500, 1) if not check.met}
    assert {("variable wbc", "median"), ("target end_rule", "proportion")} <= said
    assert ("variable age", "mean") not in said


def test_an_effect_that_is_off_its_source_is_said() -> None:
    """Odds ratios are found again by refitting to the true events."""
    moved = tuple(replace(e, log_odds=-0.3) if e.on == "hyperdense_artery" else e for e in WORLD.effects)
    said = {check.row for check in cohort_checks(replace(WORLD, effects=moved), 6000, 1, charted=300) if not check.met}
    assert "effect hyperdense_artery" in said


def test_standard_errors_are_those_of_the_source() -> None:
    """By hand: mean and SD of 400, a proportion of 100; a quartile as simulated from a log-normal."""
    assert pytest.approx(0.5) == standard_error({"mean": 50, "sd": 10}, "mean", 400)
    assert pytest.approx(10 / sqrt(800)) == standard_error({"mean": 50, "sd": 10}, "sd", 400)
    assert pytest.approx(0.05) == standard_error({"proportion": 0.5}, "proportion", 100)
    quartiles = {"median": 6.0, "q1": 6 * exp(-0.5 * 0.67449), "q3": 6 * exp(0.5 * 0.67449)}
    drawn = np.random.default_rng(1).lognormal(log(6), 0.5, size=(4000, 400))
    simulated = float(np.std(np.quantile(drawn, 0.75, axis=1)))
    assert simulated == pytest.approx(standard_error(quartiles, "q3", 400), rel=0.06)


def test_a_limit_is_met_from_below() -> None:
    """False rises may be fewer, not more; other figures may be off in both directions."""
    limit = Check("target false_rises", "at_most", 0.1, 0.05, 0.002, "")
    assert limit.met
    assert not replace(limit, found=0.101).met
    assert not Check("variable x", "mean", 0.1, 0.05, 0.002, "").met


def test_the_table_counts_each_stay_with_a_baseline_once() -> None:
    """The rows of the schedules add up to the last; the rule finds more where scores are taken more often."""
    stays = judged_stays(WORLD, draw_people(WORLD, 3000, 4), 4)
    *rows, everyone = rule_table(WORLD, stays)
    assert list(SCHEDULES) == [row.schedule for row in rows]
    for count in ("stays", "events", "end_rule", "early", "late"):
        assert getattr(everyone, count) == sum(getattr(row, count) for row in rows)
    assert everyone.stays == int(stays.known.sum()) < 3000
    assert everyone.end_rule == everyone.early + everyone.late
    assert rows[0].sensitivity > rows[2].sensitivity


def test_only_the_first_stays_are_charted_where_asked() -> None:
    """The truth of every stay is there, the charted rule of the first ones only."""
    stays = judged_stays(WORLD, draw_people(WORLD, 300, 4), 4, charted=100)
    assert not stays.known[100:].any()
    assert stays.event[100:].any()
    assert np.array_equal(stays.event, judged_stays(WORLD, draw_people(WORLD, 300, 4), 4).event)


def test_nihss_and_age_can_be_plotted() -> None:
    """One value a patient, NIHSS in whole points."""
    nihss, age = nihss_and_age(WORLD, 500, 1)
    assert (500, 500) == (len(nihss), len(age))
    assert np.array_equal(nihss, np.round(nihss))
    assert 40 < np.median(age) < 90


def test_the_command_prints_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows against their sources, the rule by schedule, and the count of assumptions."""
    main(["a", "--patients", "400", "--seed", "3"])
    said = capsys.readouterr().out
    assert "| variable age | mean | 66.8 |" in said
    assert "| protocol |" in said
    assert f"{len(WORLD.assumptions)} rows with an assumption" in said
