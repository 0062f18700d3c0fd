"""Labels: one test a row of the table of decisions, and the hours at which a stay is asked for."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.snapshot import NihssScore
from models.training.departures import DepartureKind
from models.training.labels import (
    SENSITIVITY,
    Outcome,
    drawn_hours,
    label_table,
    outcome_of,
    refusal,
    sensitivity_outcomes,
)
from tests import builders as fhir
from tests.models.histories import DAILY, history, left, score, until

ROOT = Path(__file__).parents[2]
PROCEDURES: tuple[DepartureKind, ...] = ("thrombectomy", "craniectomy")


def test_every_row_of_the_table_has_exactly_one_test():
    """Decisions, sensitivity labels, refusals and bad input: ``test_row_<id>`` stands once for each."""
    texts = [path.read_text("utf-8") for path in (ROOT / "tests/models").glob("test_*.py")]
    tested = [name for text in texts for name in re.findall(r"^def test_row_(\w+)\(", text, re.MULTILINE)]
    assert sorted(row for rows in label_table().values() for row in rows) == sorted(tested)


def test_the_page_on_labels_holds_the_tables_of_the_code():
    """Row by row, in the same order, with nothing added."""
    page = (ROOT / "docs/LABELS.md").read_text("utf-8")
    written = [line for line in page.splitlines() if re.match(r"\| `\w+` \|", line)]
    columns = {
        "decision": ("case", "kind", "label", "source"), "sensitivity": ("changed",),
        "refusal": ("case", "reason"), "bad_input": ("case",),
    }  # fmt: skip
    rows = [(row, columns[section]) for section, rows in label_table().items() for row in rows.values()]
    assert [f"| `{row['id']}` | " + " | ".join(row[name] for name in names) + " |" for row, names in rows] == written


def _row(outcome: Outcome) -> tuple[str, str]:
    """The decision and its kind; the kind is the table's."""
    assert label_table()["decision"][outcome.row]["kind"] == outcome.kind
    return outcome.row, outcome.kind


# ---- the decisions ------------------------------------------------------------------------------


def test_row_no_stay() -> None:
    """Without an Encounter there is no arrival to count from."""
    assert ("no_stay", "no_label") == _row(outcome_of(history(stay=None)))


def test_row_no_baseline() -> None:
    """Without a score within 6 h of arrival the rule cannot be applied; its own sentence says so."""
    outcome = outcome_of(history(((7.0, 9), (20.0, 12))))
    assert (("no_baseline", "no_label"), 0.0) == (_row(outcome), outcome.watched_until_h)
    assert "no NIHSS total within 6 h" in outcome.reason
    assert "intubated" in outcome_of(history(nihss=(score(1, 9, not_a_baseline="intubated"), score(9, 9)))).reason


def test_row_rise() -> None:
    """The event lies after the last clear score and not after the raised one; what comes later does not count."""
    outcome = outcome_of(history(((1.0, 9), (13.0, 10), (25.0, 11), (37.0, 14))), left("discharge_alive", 40))
    assert ("rise", "end") == _row(outcome)
    assert (13.0, 25.0, 25.0) == (outcome.last_clear_h, outcome.raised_h, outcome.watched_until_h)


@pytest.mark.parametrize("kind", PROCEDURES)
@pytest.mark.parametrize("before_h", [0, 2, 6])
def test_row_rise_before_procedure(kind: DepartureKind, before_h: float) -> None:
    """A rise in the six hours before the procedure, both ends included, is END."""
    outcome = outcome_of(history(((1.0, 9), (13.0, 9), (24.0, 13))), left(kind, 24 + before_h))
    assert ("rise_before_procedure", "end") == _row(outcome)
    assert (13.0, 24.0, None) == (outcome.last_clear_h, outcome.raised_h, outcome.competing_h)


@pytest.mark.parametrize("kind", PROCEDURES)
def test_row_rise_long_before_procedure(kind: DepartureKind) -> None:
    """It competes, and no row is drawn from the rise on; an event before the procedure leaves the rise END."""
    scores = ((1.0, 9), (13.0, 9), (24.0, 13), (29.0, 13))
    outcome = outcome_of(history(scores), left(kind, 30.1))
    assert ("rise_long_before_procedure", "competing") == _row(outcome)
    assert (kind, 30.1, 24.0) == (outcome.competing, pytest.approx(outcome.competing_h), outcome.watched_until_h)
    assert refusal(outcome, 23.9) is None
    assert "outcome precedes as_of" == refusal(outcome, 24.0)
    both = (*left("comfort_care", 26), *left(kind, 31))
    assert ("rise", "end") == _row(outcome_of(history(scores), both))


@pytest.mark.parametrize("kind", PROCEDURES)
def test_row_procedure(kind: DepartureKind) -> None:
    """Without a rise before it the procedure competes; a rise after it is not END."""
    outcome = outcome_of(history(((1.0, 9), (13.0, 9), (24.1, 13))), left(kind, 24))
    assert ("procedure", "competing") == _row(outcome)
    assert (kind, 24.0, None) == (outcome.competing, outcome.competing_h, outcome.charted_h)


def test_row_neurological_death() -> None:
    """END between the last clear score and the death, also across a gap; a rise charted before is END itself."""
    outcome = outcome_of(history(until(60)), left("neurological_death", 60))
    assert (("neurological_death", "end"), 49.0, 60.0) == (_row(outcome), outcome.last_clear_h, outcome.raised_h)
    gap = outcome_of(history(((1.0, 9), (13.0, 9))), left("neurological_death", 60))
    assert (("neurological_death", "end"), 13.0, 60.0) == (_row(gap), gap.last_clear_h, gap.raised_h)
    risen = outcome_of(history(((1.0, 9), (13.0, 12))), left("neurological_death", 20))
    assert (("rise", "end"), 13.0) == (_row(risen), risen.raised_h)


def test_row_other_death() -> None:
    """It competes, also across a gap."""
    for scores in (until(60), ((1.0, 9), (13.0, 9))):
        outcome = outcome_of(history(scores), left("other_death", 60))
        assert (("other_death", "competing"), 60.0) == (_row(outcome), outcome.competing_h)


def test_row_comfort_care() -> None:
    """It competes from then on: the death that it foresaw and a later rise change nothing."""
    scores = (*until(40), (41.0, 20))
    outcome = outcome_of(history(scores), (*left("neurological_death", 60), *left("comfort_care", 40)))
    assert (("comfort_care", "competing"), 40.0) == (_row(outcome), outcome.competing_h)


def test_row_discharge_alive() -> None:
    """A competing event, never plain censoring; one on day 9 leaves the stay free of END."""
    outcome = outcome_of(history(until(60)), left("discharge_alive", 60))
    assert ("discharge_alive", "competing") == _row(outcome)
    assert (60.0, None) == (outcome.competing_h, outcome.censored_h)
    assert "event_free" == outcome_of(history(until=300), left("discharge_alive", 210)).kind


def test_row_transfer() -> None:
    """What happens in another hospital is not charted here."""
    outcome = outcome_of(history(until(60)), left("transfer", 60))
    assert (("transfer", "censored"), 60.0, None) == (_row(outcome), outcome.censored_h, outcome.competing_h)


@pytest.mark.parametrize(
    ("nihss", "kind"),
    [
        ((score(1, 9), score(25.1, 9), score(37, 9)), None),  # later than 24 h after the baseline
        ((score(1, 9), score(26, 13)), None),  # even with a rise
        ((score(1, 9),), "discharge_alive"),
        ((score(1, 9), score(12, 9, untestable_unnamed=True)), None),  # cannot be compared with the baseline
        ((score(1, 9), score(12, 9, not_a_baseline="prehospital")), None),
    ],
)
def test_row_no_follow_up(nihss: tuple[NihssScore, ...], kind: DepartureKind | None) -> None:
    """Censored at the baseline: a prehospital score, or one that cannot be compared, follows nobody up."""
    outcome = outcome_of(history(nihss=nihss), left(kind, 40) if kind else ())
    assert (("no_follow_up", "censored"), 1.0) == (_row(outcome), outcome.censored_h)


@pytest.mark.parametrize(
    ("scores", "kind", "censored_h"),
    [
        (((1.0, 9), (20.0, 9), (56.1, 12)), None, 20.0),  # a gap over 36 h, and a rise after it
        (((1.0, 9), (20.0, 9), (50.0, 9)), None, 50.0),  # nothing more until 168 h
        (((1.0, 9), (20.0, 9), (40.0, None), (60.0, 9)), None, 20.0),  # a score without a total is no score
        (((1.0, 9), (13.0, 9)), "discharge_alive", 13.0),
        (((1.0, 9), (13.0, 9)), "comfort_care", 13.0),
        (((1.0, 9), (13.0, 9)), "craniectomy", 13.0),
        (((1.0, 9), (13.0, 9)), "transfer", 13.0),
    ],
)
def test_row_gap(scores: Sequence[tuple[float, int | None]], kind: DepartureKind | None, censored_h: float) -> None:
    """What comes after a gap is not known, be it a rise, the end of the week or a departure."""
    outcome = outcome_of(history(scores), left(kind, 60) if kind else ())
    assert (("gap", "censored"), censored_h) == (_row(outcome), outcome.censored_h)


def test_row_chart_ends() -> None:
    """A stay still open at 70 h is known up to then."""
    outcome = outcome_of(history(until(70), until=70))
    assert (("chart_ends", "censored"), 70.0) == (_row(outcome), outcome.censored_h)


def test_row_event_free() -> None:
    """Followed to 168 h; gaps of just 24 h after the baseline and of just 36 h later are adequate."""
    at_the_limits = ((0.0, 9), (24.0, 9), (60.0, 9), (96.0, 9), (132.0, 9))
    for scores in (DAILY, at_the_limits):
        outcome = outcome_of(history(scores))
        assert (("event_free", "event_free"), 168.0) == (_row(outcome), outcome.watched_until_h)


# ---- sensitivity labels -------------------------------------------------------------------------


def test_the_sensitivity_analyses_are_those_of_the_table() -> None:
    """No more and no fewer."""
    assert list(label_table()["sensitivity"]) == list(SENSITIVITY)


def _end(scores: Sequence[tuple[float, int]], analysis: str) -> tuple[str, float | None, float | None]:
    outcome = sensitivity_outcomes(history((*scores, *DAILY[5:])))[analysis]
    return outcome.kind, outcome.last_clear_h, outcome.raised_h


def test_row_sustained() -> None:
    """A rise counts from its own hour where the next score confirms it; one that passes is none."""
    assert ("end", 20.0, 30.0) == _end(((1, 9), (10, 12), (20, 9), (30, 11), (40, 12)), "sustained")
    assert ("event_free", None, None) == _end(((1, 9), (10, 12), (20, 9), (30, 11), (40, 9)), "sustained")


def test_row_four_points() -> None:
    """Three points are clear, four are END."""
    assert ("end", 20.0, 30.0) == _end(((1, 9), (10, 11), (20, 12), (30, 13)), "four_points")
    assert ("event_free", None, None) == _end(((1, 9), (10, 11), (20, 12), (30, 12)), "four_points")


def test_row_against_lowest() -> None:
    """A patient who improved by four and lost two of them again had END only by this comparison."""
    scores = ((1, 9), (10, 5), (20, 6), (30, 7))
    assert ("end", 20.0, 30.0) == _end(scores, "against_lowest")
    assert "event_free" == outcome_of(history((*scores, *DAILY[5:]))).kind


def test_row_neurological_death_competes() -> None:
    """Without a charted rise it competes; with one the rise is END as ever."""
    died = left("neurological_death", 60)
    outcome = sensitivity_outcomes(history(until(60)), died)["neurological_death_competes"]
    assert ("competing", "neurological_death", 60.0) == (outcome.kind, outcome.competing, outcome.competing_h)
    risen = (*until(50), (52.0, 12))
    assert "end" == sensitivity_outcomes(history(risen), died)["neurological_death_competes"].kind


@pytest.mark.parametrize("kind", PROCEDURES)
def test_row_any_rise_before_procedure(kind: DepartureKind) -> None:
    """However long before the procedure; a rise after it is still none."""
    analysis = "any_rise_before_procedure"
    early = sensitivity_outcomes(history(((1.0, 9), (13.0, 12))), left(kind, 40))[analysis]
    assert ("end", 1.0, 13.0) == (early.kind, early.last_clear_h, early.raised_h)
    assert "competing" == sensitivity_outcomes(history(((1.0, 9), (13.0, 12))), left(kind, 12))[analysis].kind


@given(points=st.lists(st.integers(0, 20), min_size=1, max_size=14))
def test_a_variant_is_never_end_where_the_charted_series_does_not_meet_it(points: list[int]) -> None:
    """The labels of the variants and the END rule's own variants agree on every series without a gap."""
    scores = [(1.0 + 12 * place, value) for place, value in enumerate(points)]
    charted = history(scores, until=scores[-1][0])
    variants = {
        name: outcome_of(charted, (), SENSITIVITY[name]) for name in ("sustained", "four_points", "against_lowest")
    }
    state = outcome_of(charted).end_state
    assert state is not None
    assert dict(state.variants) == {name: outcome.kind == "end" for name, outcome in variants.items()}


# ---- the hours ----------------------------------------------------------------------------------


def _hours(outcome: Outcome, seed: int = 1) -> list[float]:
    return [hour for hour in drawn_hours(np.random.default_rng(seed)) if refusal(outcome, hour) is None]


def test_a_stay_free_of_end_is_predicted_at_every_landmark_and_at_random_times() -> None:
    """1, 3, 6, 12, 24, 48, 72 and 96 h, and three times drawn; the same generator draws the same."""
    hours = _hours(outcome_of(history()))
    assert {1, 3, 6, 12, 24, 48, 72, 96} <= set(hours)
    assert 11 == len(hours)
    assert hours == _hours(outcome_of(history()))


@given(
    hour=st.floats(0.5, 168), seed=st.integers(0, 50), ending=st.sampled_from(["raised_h", "competing_h", "censored_h"])
)
def test_no_moment_lies_at_or_after_the_end_of_the_watch(hour: float, seed: int, ending: str) -> None:
    """Rows exist only while no END is charted, nothing has competed and the follow-up goes on."""
    kinds = {"raised_h": "end", "competing_h": "competing", "censored_h": "censored"}
    outcome = replace(Outcome("event_free", "test"), kind=kinds[ending], **{ending: hour})
    drawn = _hours(outcome, seed)
    assert all(0 < moment < hour for moment in drawn)
    assert drawn == sorted(set(drawn))
    assert {mark for mark in (1, 3, 6, 12, 24, 48, 72, 96) if mark < hour - 1e-6} <= set(drawn)


@pytest.mark.parametrize(
    ("outcome", "row"),
    [
        (outcome_of(history(((1.0, 9), (13.0, 12)))), "outcome_precedes"),
        (outcome_of(history(until(13)), left("neurological_death", 13)), "outcome_precedes"),
        (outcome_of(history(until(13)), left("discharge_alive", 13)), "competing_precedes"),
        (outcome_of(history(until(13)), left("transfer", 13)), "beyond_follow_up"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.row,
)
def test_a_refused_hour_says_what_came_before_it(outcome: Outcome, row: str) -> None:
    """At the hour itself and after it, not a moment before."""
    assert refusal(outcome, 12.99) is None
    assert {label_table()["refusal"][row]["reason"]} == {refusal(outcome, 13.0), refusal(outcome, 48.0)}


def test_without_a_label_there_is_no_hour() -> None:
    """A stay without baseline gives no row."""
    assert [] == _hours(Outcome("no_label", "no baseline"))


def test_departures_at_arrival_count() -> None:
    """A thrombectomy at the very hour of arrival leaves no time to be watched."""
    assert 0.0 == outcome_of(history(), left("thrombectomy", 0)).watched_until_h
    assert "event_free" == outcome_of(history(), left("thrombectomy", -1)).kind
    assert fhir.T0 == history().stay.t0  # type: ignore[union-attr]
