"""Curves: equal to their definitions on plain rows, and refused where they would mislead."""

import numpy as np
import pytest

from models.evaluation.curves import calibration_curve, curve_why_not, decision_curve, flag_all_curve
from models.evaluation.incidence import incidence, incidence_hours
from models.evaluation.intervals import draws_of
from models.evaluation.rows import EndKind, TestRows
from models.evaluation.slices import slice_of
from models.evaluation.trajectories import last_totals, trajectory
from tests.models.evaluation.drawn import PLAN, changed, rows_and_models

ROWS, MODELS = rows_and_models(400)
DRAWS = draws_of(ROWS.stays, 40, 1)
AT = slice_of(ROWS, ROWS.at(6))
RISK = MODELS[0].risks[AT.rows]


def rows_ending(ends: list[tuple[EndKind, float]]) -> TestRows:
    """One row a stay at 6 h, with these ends of follow-up."""
    outcomes = {"end": 1.0, "competing": 0.0, "event_free": 0.0, "censored": np.nan}
    outcome = np.array([outcomes[kind] for kind, _ in ends])
    names = tuple(str(number) for number in range(len(ends)))
    raised = np.array([hour if kind == "end" else np.nan for kind, hour in ends])
    series = dict.fromkeys(names, ((0.0, 5.0), (10.0, 6.0), (11.0, 7.0)))
    held = dict(zip(names, ends, strict=True))
    return TestRows(names, np.full(len(ends), 6.0), outcome, raised, None, {}, series, held)


def test_net_benefit_is_its_definition_at_every_threshold():
    """Hits less false flags at the odds of the threshold, over all rows, for 10 to 60 %."""
    found = decision_curve(DRAWS, AT, RISK, PLAN.thresholds)
    assert (0.1, 0.6, 51) == (PLAN.thresholds[0], PLAN.thresholds[-1], len(found))
    for threshold, figure in zip(PLAN.thresholds, found, strict=True):
        flagged = RISK >= threshold
        hits, false = AT.outcome[flagged].sum(), (1 - AT.outcome[flagged]).sum()
        expected = (hits - false * threshold / (1 - threshold)) / AT.n
        assert expected == pytest.approx(figure["value"], abs=1e-6)
        assert figure["low"] <= figure["value"] <= figure["high"]


def test_flagging_everybody_breaks_even_at_the_share_with_end():
    """Its net benefit changes sign where the threshold passes the prevalence."""
    share = AT.outcome.mean()
    below, above = flag_all_curve(DRAWS, AT, (share - 0.01, share + 0.01))
    assert below["value"] > 0 > above["value"]


def test_tenths_hold_all_rows_and_their_shares():
    """Ten groups from the lowest to the highest risk, each with its own rows and END."""
    held = calibration_curve(DRAWS, AT, RISK, fewest=1)
    assert 10 == len(held["tenths"])
    assert AT.n == sum(one["observed"]["n"] for one in held["tenths"]) == sum(held["histogram"]["rows"])
    order = np.argsort(RISK)
    first = held["tenths"][0]["observed"]
    expected = AT.outcome[order][: first["n"]].mean() if "refused" not in first else None
    assert expected == pytest.approx(first["value"], abs=1e-6)
    risks = [one["risk"] for one in held["tenths"]]
    assert sorted(risks) == risks


def test_the_smooth_follows_the_share_with_end():
    """Where risks are twice too high, the smooth lies near half of them, its interval around it."""
    rng = np.random.default_rng(3)
    risk = rng.uniform(0.1, 0.9, 4000)
    outcome = (rng.random(4000) < risk / 2).astype(float)
    names = tuple(str(number) for number in range(4000))
    rows = rows_ending([("end", 9.0) if one else ("event_free", 168.0) for one in outcome])
    held = calibration_curve(draws_of(names, 40, 1), slice_of(rows, rows.at(6)), risk, fewest=10)
    for one in held["smooth"]:
        assert one["risk"] / 2 == pytest.approx(one["observed"]["value"], abs=0.06)
        assert one["observed"]["low"] <= one["observed"]["value"] <= one["observed"]["high"]


def test_a_ranking_or_too_few_events_have_no_curve():
    """The reason is that of the model, or that of the rows."""
    assert curve_why_not(AT, MODELS[0], 10) is None
    assert curve_why_not(AT, MODELS[2], 10) == "its output is a ranking, no probability"
    few = slice_of(ROWS, ROWS.groups["rare: yes"] & ROWS.at(6))
    assert "fewer than 10" in (curve_why_not(few, MODELS[0], 10) or "")


def test_incidence_without_censoring_is_the_share_by_then():
    """With nobody censored the incidence of each kind is how many had it by that hour."""
    ends: list[tuple[EndKind, float]] = [("end", 20.0)] * 3 + [("competing", 40.0)] * 2 + [("event_free", 168.0)] * 5
    rows = rows_ending(ends)
    found = incidence(rows, rows.at(6), np.array([6.0, 19.0, 20.0, 39.0, 40.0, 168.0]), fewest=1)
    assert [0, 0, 0.3, 0.3, 0.3, 0.3] == pytest.approx([one["value"] for one in found["end"]])
    assert [0, 0, 0, 0, 0.2, 0.2] == pytest.approx([one["value"] for one in found["competing"]])


def test_who_left_is_not_censored():
    """Of 10, 4 leave alive at 10 h and 3 of the other 6 have END: 30 %, where plain censoring would say 50 %."""
    ends: list[tuple[EndKind, float]] = [("competing", 10.0)] * 4 + [("end", 20.0)] * 3 + [("event_free", 168.0)] * 3
    rows = rows_ending(ends)
    assert 0.3 == pytest.approx(incidence(rows, rows.at(6), np.array([168.0]), fewest=1)["end"][0]["value"])


def test_the_censored_leave_the_risk_set():
    """Of 10, 4 are lost at 10 h and 3 of the 6 still followed have END: 50 %; with no competing event there is none."""
    ends: list[tuple[EndKind, float]] = [("censored", 10.0)] * 4 + [("end", 20.0)] * 3 + [("event_free", 168.0)] * 3
    rows = rows_ending(ends)
    found = incidence(rows, rows.at(6), np.array([168.0]), fewest=1)
    assert (0.5, 0.0) == pytest.approx((found["end"][0]["value"], found["competing"][0]["value"]))


def test_incidence_on_few_events_is_refused():
    """Nine END are too few, and both curves say so."""
    rows = rows_ending([("end", 20.0)] * 9 + [("event_free", 168.0)] * 40)
    found = incidence(rows, rows.at(6), incidence_hours(6, 168), fewest=10)
    assert {"only 9 admissions with END: fewer than 10"} == {one["refused"] for one in found.values()}


def test_the_hours_of_the_curves_end_at_the_horizon():
    """From the landmark to 168 h, the last hour once."""
    hours = incidence_hours(6, 168).tolist()
    assert (6, 168, len(hours)) == (hours[0], hours[-1], len(set(hours)))


def test_a_window_takes_the_last_score_in_it():
    """The later of two scores counts; a window without a score has none; the order of a series does not matter."""
    rows = rows_ending([("end", 20.0), ("event_free", 168.0)])
    totals = last_totals(rows, (6.0, 12.0, 24.0))
    assert [[5, 7], [5, 7]] == totals[:, :2].tolist()
    assert np.isnan(totals[:, 2]).all()
    turned = changed(rows, series={stay: series[::-1] for stay, series in rows.series.items()})
    assert totals[:, :2].tolist() == last_totals(turned, (6.0, 12.0, 24.0))[:, :2].tolist()


def test_a_mean_is_of_those_scored():
    """The mean of the kept rows' totals, with how many and how many with END; refused for a few."""
    totals, ended, at = last_totals(ROWS, PLAN.windows_h), ROWS.outcome == 1, ROWS.at(6)
    found = trajectory(DRAWS, totals, at, ended, windows_h=PLAN.windows_h, fewest=10)
    for window, one in enumerate(found):
        scored = at & ~np.isnan(totals[:, window])
        if not scored.any():
            assert "fewer than 10" in one["nihss"]["refused"]
            continue
        assert totals[scored, window].mean() == pytest.approx(one["nihss"]["value"], abs=1e-6)
        assert (scored.sum(), (scored & ended).sum()) == (one["nihss"]["n"], one["nihss"]["events"])
    assert {True, False} == {one["nihss"]["value"] is None for one in found}
