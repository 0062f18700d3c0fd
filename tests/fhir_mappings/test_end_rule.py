"""The END rule: baseline, rises, variants, and what stays unknown."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.end_rule import apply_end_rule, motor_rise, motor_score, total_rise
from fhir_mappings.snapshot import NihssScore
from tests.builders import NIHSS_ITEM_CODES, T0, at

Items = dict[str, int | None]
ALL_ZERO: Items = dict.fromkeys(NIHSS_ITEM_CODES, 0)


def score(total: int | None, hours: float, items: Items | None = None, why: str | None = None) -> NihssScore:
    """One examination that many hours after arrival."""
    return NihssScore(at(hours), at(hours), total, items or {}, f"Observation/n{hours:g}", why)


def series(*totals: int) -> list[NihssScore]:
    """Totals at 1, 2, 3 ... hours."""
    return [score(total, hours) for hours, total in enumerate(totals, 1)]


@pytest.mark.parametrize("hours", [-1, 0, 6])
def test_the_first_total_near_arrival_is_the_baseline(hours: float) -> None:
    """Both ends of the window, 1 h before to 6 h after arrival, are inside it."""
    state = apply_end_rule([score(9, hours), score(12, 7)], T0)
    assert (9, True) == (state.baseline and state.baseline.total, state.met)


@pytest.mark.parametrize("hours", [-1.01, 6.01])
def test_a_total_outside_the_window_is_no_baseline(hours: float) -> None:
    """Without a baseline there is no END rule, and the reason is said."""
    state = apply_end_rule([score(9, hours), score(20, 10)], T0)
    assert (None, False, "no NIHSS total within 6 h of arrival") == (state.baseline, state.met, state.no_baseline)


@pytest.mark.parametrize("why", ["prehospital", "sedated", "intubated"])
def test_a_score_that_cannot_be_a_baseline_is_passed_over(why: str) -> None:
    """A later score in the window takes its place; alone it leaves none, and the reason names it."""
    assert 7 == (apply_end_rule([score(3, 0, why=why), score(7, 2)], T0).baseline or score(None, 0)).total
    assert f"the NIHSS within 6 h of arrival was {why}" == apply_end_rule([score(3, 0, why=why)], T0).no_baseline


def test_a_score_without_a_known_total_is_no_baseline() -> None:
    """Total and items that contradict make the score unknown, as a baseline too."""
    assert 8 == (apply_end_rule([score(None, 0), score(8, 1)], T0).baseline or score(None, 0)).total


def test_an_empty_series_has_no_baseline() -> None:
    """No NIHSS at all: no rule, no error."""
    assert apply_end_rule([], T0).no_baseline is not None


@pytest.mark.parametrize(("later", "met"), [(8, False), (9, False), (10, False), (11, True), (13, True)])
def test_end_is_a_rise_of_the_total_by_two(later: int, met: bool) -> None:
    """One point is not enough, two are."""
    assert met is apply_end_rule(series(9, later), T0).met


def test_the_state_tells_the_two_scores_that_enclose_the_event() -> None:
    """Last clear and first raised score, how, and by how much."""
    state = apply_end_rule(series(9, 10, 12), T0)
    assert state.last_clear is not None
    assert state.raised is not None
    assert (10, 12, "total", 3) == (state.last_clear.total, state.raised.total, state.how, state.rise)


def test_the_order_of_the_scores_does_not_matter() -> None:
    """Charts come in any order."""
    assert apply_end_rule(series(9, 10, 12), T0) == apply_end_rule(series(9, 10, 12)[::-1], T0)


def test_one_motor_point_is_end_where_the_total_stays() -> None:
    """Motor items 5a, 5b, 6a, 6b up by one while another item went down."""
    before, after = ALL_ZERO | {"9": 1}, ALL_ZERO | {"5a": 1}
    state = apply_end_rule([score(1, 1, before), score(1, 5, after)], T0)
    assert (True, "motor", 1) == (state.met, state.how, state.rise)


def test_a_rise_of_one_in_another_item_is_no_end() -> None:
    """Language up by one: total by one, motor items by none."""
    assert not apply_end_rule([score(0, 1, ALL_ZERO), score(1, 5, ALL_ZERO | {"9": 1})], T0).met


def test_the_motor_rule_needs_both_item_sets() -> None:
    """Items of one examination only cannot be compared."""
    assert not apply_end_rule([score(1, 1), score(2, 5, ALL_ZERO | {"5a": 2})], T0).met
    assert motor_rise(score(1, 1), score(2, 5, ALL_ZERO | {"5a": 2})) is None


def test_an_untestable_item_makes_its_comparison_unknown() -> None:
    """An arm that could not be tested later: neither rise nor clear, and it is said."""
    before, after = ALL_ZERO, ALL_ZERO | {"5a": None}
    state = apply_end_rule([score(0, 1, before), score(4, 5, after)], T0)
    assert (False, ["untestable"]) == (state.met, [issue.code for issue in state.issues])
    assert state.last_clear == state.baseline
    assert motor_score(score(4, 5, after)) is None


def test_the_same_untestable_item_on_both_sides_compares_the_totals() -> None:
    """Like with like: an amputated leg is in neither total."""
    without_leg = ALL_ZERO | {"6a": None}
    assert 3 == total_rise(score(2, 1, without_leg), score(5, 5, without_leg))


@pytest.mark.parametrize("which", [0, 1])
def test_a_total_whose_untestable_items_are_not_named_compares_with_none(which: int) -> None:
    """A "7+X" against 12, or 7 against "12+X", even against another "+X": not like with like, and said."""
    scores = series(7, 12)
    scores[which] = replace(scores[which], untestable_unnamed=True)
    state = apply_end_rule(scores, T0)
    assert (False, ["untestable"]) == (state.met, [issue.code for issue in state.issues])
    assert not any(state.variants.values())
    assert total_rise(scores[which], scores[which]) is None


def test_motor_items_compare_where_untestable_items_of_the_total_are_not_named() -> None:
    """The four motor items have points, so what was untestable is another one."""
    motor: Items = dict.fromkeys(("5a", "5b", "6a", "6b"), 0)
    raised = replace(score(8, 5, motor | {"5a": 1}), untestable_unnamed=True)
    state = apply_end_rule([score(7, 1, motor), raised], T0)
    assert (True, "motor", 1) == (state.met, state.how, state.rise)


def test_motor_items_without_a_total_give_the_motor_rise() -> None:
    """The four items charted alone."""
    motor: Items = dict.fromkeys(("5a", "5b", "6a", "6b"), 1)
    assert 1 == motor_rise(score(None, 1, motor), score(None, 5, motor | {"6b": 2}))


@pytest.mark.parametrize(("why", "met"), [("prehospital", False), ("sedated", True), (None, True)])
def test_a_score_from_before_arrival_is_no_rise_whenever_it_was_charted(why: str | None, met: bool) -> None:
    """A transfer letter's 14 charted at noon is not a deterioration since the baseline of 9."""
    state = apply_end_rule([score(9, 1), score(14, 4, why=why)], T0)
    assert (met, met) == (state.met, state.variants["four_points"])


def test_a_contradictory_score_is_neither_a_rise_nor_clear() -> None:
    """Its total is None; the next score decides."""
    state = apply_end_rule([score(9, 1), score(None, 2), score(12, 3)], T0)
    assert state.last_clear is not None
    assert (True, 9, ["contradictory"]) == (state.met, state.last_clear.total, [one.code for one in state.issues])


def test_a_rise_at_168_hours_counts_and_later_ones_do_not() -> None:
    """The horizon ends seven days after arrival."""
    assert apply_end_rule([score(9, 1), score(12, 168)], T0).met
    assert not apply_end_rule([score(9, 1), score(12, 168.1)], T0).met


def test_confirmed_means_that_the_next_known_score_meets_the_rule_too() -> None:
    """An unknown score between does not decide."""
    assert apply_end_rule(series(9, 12, 11), T0).confirmed
    assert not apply_end_rule(series(9, 12, 9), T0).confirmed
    assert not apply_end_rule(series(9, 12), T0).confirmed
    assert apply_end_rule([*series(9, 12), score(None, 3), score(12, 4)], T0).confirmed


@pytest.mark.parametrize(
    ("totals", "variants"),
    [
        ((9, 9), set()),
        ((9, 11, 9), {"against_lowest"}),
        ((9, 11, 11), {"against_lowest", "sustained"}),
        ((9, 13, 9), {"against_lowest", "four_points"}),
        ((9, 5, 7), {"against_lowest"}),
    ],
)
def test_the_variants_have_their_own_answers(totals: tuple[int, ...], variants: set[str]) -> None:
    """Sustained on the next score; four points; against the lowest earlier score."""
    answers = apply_end_rule(series(*totals), T0).variants
    assert {"sustained", "four_points", "against_lowest"} == set(answers)
    assert variants == {name for name, met in answers.items() if met}


def test_a_rise_against_a_better_score_alone_is_not_the_primary_rule() -> None:
    """9, 5, 7: up by two from the lowest, never above the baseline."""
    assert not apply_end_rule(series(9, 5, 7), T0).met


@given(st.lists(st.integers(0, 42), min_size=1, max_size=12))
def test_end_is_met_exactly_where_a_later_total_is_two_above_the_first(totals: list[int]) -> None:
    """The rule against its definition in one line, on any series of totals."""
    scores = [score(total, hours) for hours, total in enumerate(totals)]
    assert any(total >= totals[0] + 2 for total in totals[1:]) is apply_end_rule(scores, T0).met


@given(st.lists(st.integers(0, 42), min_size=2, max_size=12), st.integers(-10_000, 10_000))
def test_the_rule_does_not_depend_on_the_date(totals: list[int], days: int) -> None:
    """Shifting arrival and scores together changes nothing but the times."""
    shift = timedelta(days=days)
    scores = [score(total, hours) for hours, total in enumerate(totals)]
    moved = [NihssScore(one.effective + shift, one.available, one.total, {}, one.source) for one in scores]
    here, there = apply_end_rule(scores, T0), apply_end_rule(moved, T0 + shift)
    assert (here.met, here.rise, here.variants) == (there.met, there.rise, there.variants)
