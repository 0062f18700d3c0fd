"""NIHSS examinations: totals, panels, single items, and what contradicts."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.codes import nihss_table
from fhir_mappings.nihss import scores_from
from fhir_mappings.reading import is_issue, read
from fhir_mappings.snapshot import Issue, NihssScore
from tests.builders import LOINC, NIHSS_ITEM_CODES, PATIENT_ID, at, nihss, nihss_panel, observation, when

ALL = dict.fromkeys(NIHSS_ITEM_CODES, 0) | {"5a": 3, "6a": 2, "9": 1}
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


def scored(*raws: dict[str, Any], live: bool = True) -> tuple[list[NihssScore], list[Issue]]:
    """Scores and issues of these raw Observations."""
    resources = [read(raw, PATIENT_ID) for raw in raws]
    assert not [one for one in resources if is_issue(one)]
    scores, issues = scores_from(resources, live=live)
    return list(scores), list(issues)


def item(name: str, hours: float = 1, **value: Any) -> dict[str, Any]:
    """One item as an Observation of its own."""
    return {**observation(NIHSS_ITEM_CODES[name], None, hours=hours, id_=f"i{name}"), **value}


def answer(code: str | None = None, ordinal: float | None = None) -> dict[str, Any]:
    """A coded answer."""
    coding: dict[str, Any] = {"system": LOINC} | ({"code": code} if code else {})
    if ordinal is not None:
        coding["extension"] = [{"url": ORDINAL, "valueDecimal": ordinal}]
    return {"valueCodeableConcept": {"coding": [coding]}}


def total(hours: float = 1, **value: Any) -> dict[str, Any]:
    """A total with the value in another form."""
    return {key: one for key, one in nihss(0, hours).items() if key != "valueInteger"} | value


def test_a_charted_total_is_a_score() -> None:
    """Items are not needed for a total."""
    scores, issues = scored(nihss(9, 1, issued=1.5))
    assert [] == issues
    assert NihssScore(at(1), at(1.5), 9, {}, "Observation/nihss-1") == scores[0]


@pytest.mark.parametrize(
    "value",
    [
        {"valueInteger": 12},
        {"valueQuantity": {"value": 12, "unit": "{score}"}},
        {"valueString": " 12 "},
        {"valueCodeableConcept": {"coding": [{"extension": [{"url": ORDINAL, "valueDecimal": 12}]}]}},
    ],
)
def test_a_total_is_read_in_every_form(value: dict[str, Any]) -> None:
    """Integer, quantity, text of digits, and a coded answer with its ordinal value."""
    assert [12] == [one.total for one in scored(total(**value))[0]]


@pytest.mark.parametrize(
    "value",
    [
        {"valueInteger": 43},
        {"valueInteger": -1},
        {"valueQuantity": {"value": 7.5}},
        {"valueQuantity": {"value": 7, "comparator": "<"}},
        {"valueString": "about 12"},
        {"valueString": "12-14"},
        {},
    ],
)
def test_what_is_no_total_is_left_out_and_said(value: dict[str, Any]) -> None:
    """No points outside 0-42, no halves, no guess from a text."""
    scores, issues = scored(total(**value))
    assert ([], ["malformed"]) == (scores, [one.code for one in issues])


def test_a_panel_with_all_items_is_summed() -> None:
    """Without a charted total it is the sum of all fifteen items."""
    scores, issues = scored(nihss_panel(ALL, 1))
    assert ([6], []) == ([one.total for one in scores], issues)
    assert ALL == scores[0].items


def test_a_number_on_the_panel_is_not_a_total() -> None:
    """70182-1 is the panel: a value that stands there is not read as the score."""
    assert [] == scored({**observation("70182-1", None), "valueInteger": 9})[0]


def test_some_items_make_no_total() -> None:
    """Fourteen of fifteen items are items, and no score."""
    some = {name: points for name, points in ALL.items() if name != "11"}
    scores, issues = scored(nihss_panel(some, 1))
    assert ([(None, some)], []) == ([(one.total, one.items) for one in scores], issues)


def test_items_may_be_components_of_the_total() -> None:
    """The way of the TW VGH Stroke IG."""
    scores, issues = scored({**nihss_panel(ALL, 1), **nihss(6, 1), "id": "t"})
    assert [] == issues
    assert [(6, ALL)] == [(one.total, one.items) for one in scores]


@pytest.mark.parametrize("order", [1, -1])
def test_items_charted_apart_at_one_moment_are_one_score(order: int) -> None:
    """Total and items as separate Observations join, in any order."""
    raws = [nihss(6, 1), *(item(name, valueInteger=points) for name, points in ALL.items())]
    scores, issues = scored(*raws[::order])
    assert [] == issues
    assert [(6, ALL, "Observation/i10")] == [(one.total, one.items, one.source) for one in scores]


def test_scores_at_two_moments_are_two_and_oldest_first() -> None:
    """The series is a timeline whatever the server's order."""
    assert [9, 11] == [one.total for one in scored(nihss(11, 5), nihss(9, 1))[0]]


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [
        ("5a", answer("LA18459-0"), 3),
        ("6a", answer("LA18460-8"), 4),
        ("1a", answer("LA-UNKNOWN", 2), 2),
        ("5a", answer("LA18461-6"), None),
        ("5a", answer("LA18461-6", 0), None),
        ("10", answer("LA18477-2"), None),
        ("7", {"valueQuantity": {"value": 1}}, 1),
    ],
)
def test_an_item_is_read_by_its_answer(name: str, value: dict[str, Any], points: int | None) -> None:
    """LOINC answers, ordinal values, numbers; an untestable item is None and never 0."""
    assert [{name: points}] == [one.items for one in scored(item(name, **value))[0]]


def test_an_untestable_item_is_said_and_leaves_no_sum() -> None:
    """Fourteen points and one "untestable" are no total, charted totals stay."""
    raws = [nihss_panel({k: v for k, v in ALL.items() if k != "5b"}, 1), item("5b", **answer("LA18461-6"))]
    scores, issues = scored(*raws)
    assert ([None], ["untestable"]) == ([one.total for one in scores], [one.code for one in issues])
    assert [6] == [one.total for one in scored(*raws, nihss(6, 1))[0]]


def test_an_unknown_answer_is_left_out_and_said() -> None:
    """An answer code without points is never 0, nor is an extension of another kind."""
    raw = item("8", **answer("LA-UNKNOWN"))
    raw["valueCodeableConcept"]["coding"][0]["extension"] = [{"url": "urn:other", "valueDecimal": 2}]
    scores, issues = scored(raw)
    assert ([], ["malformed"]) == (scores, [one.code for one in issues])


def test_an_item_beyond_its_range_is_left_out_and_said() -> None:
    """Item 1b has at most 2 points."""
    scores, issues = scored(item("1b", valueInteger=3))
    assert ([], ["malformed"]) == (scores, [one.code for one in issues])


@pytest.mark.parametrize(
    "raws",
    [
        [nihss(9, 1), nihss_panel(ALL, 1)],
        [nihss(9, 1), {**nihss(10, 1), "id": "other"}],
        [nihss(2, 1), nihss_panel({"5a": 3}, 1)],
        [nihss(30, 1), nihss_panel({name: 0 for name in ALL if name != "11"}, 1)],
        [nihss(6, 1), item("5a", valueInteger=3), {**item("5a", valueInteger=2), "id": "other"}],
    ],
)
def test_what_contradicts_makes_the_total_unknown_in_any_order(raws: list[dict[str, Any]]) -> None:
    """Total against items, total against total, partial items beyond the total, an item charted twice."""
    for order in itertools.permutations(raws):
        scores, issues = scored(*order)
        assert ([None], ["contradictory"]) == ([one.total for one in scores], [one.code for one in issues])


def test_an_item_charted_twice_with_two_values_is_absent() -> None:
    """Neither of the two is the truth."""
    raws = [item("5a", valueInteger=3), {**item("5a", **answer("LA18461-6")), "id": "other"}, item("9", valueInteger=1)]
    assert [{"9": 1}] == [one.items for one in scored(*raws)[0]]


@given(st.fixed_dictionaries({name: st.integers(0, one.most) for name, one in nihss_table().items.items()}))
@settings(max_examples=40)
def test_the_sum_of_all_items_is_the_total_and_never_contradicts_itself(items: dict[str, int]) -> None:
    """Any full examination: summed, or charted beside its items."""
    points = sum(items.values())
    for raws in ([nihss_panel(items, 1)], [nihss_panel(items, 1), nihss(points, 1)]):
        scores, issues = scored(*raws)
        assert ([points], []) == ([one.total for one in scores], issues)


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("Scored by paramedic on scene", "prehospital"),
        ("EMS score", "prehospital"),
        ("From the referring hospital", "prehospital"),
        ("Under propofol sedation", "sedated"),
        ("Patient intubated", "intubated"),
        ("Language not examined while sedated", "sedated"),
        ("Not sedated, not intubated", None),
        ("No longer under sedation: before intubation", None),
        ("Unsedated, extubated", None),
        ("Brought in by ambulance", None),
        ("Problems with vision", None),
    ],
)
def test_a_note_says_why_a_score_is_no_baseline(note: str, why: str | None) -> None:
    """Ambulance, sedation, intubation; a negation or the way of arrival says nothing."""
    assert [why] == [one.not_a_baseline for one in scored({**nihss(9, 1), "note": [{"text": note}]})[0]]


@pytest.mark.parametrize("member", ["method", "interpretation"])
def test_method_and_interpretation_say_so_too(member: str) -> None:
    """A concept's text or display counts like a note."""
    concept = {"coding": [{"display": "Sedated patient"}]}
    raw = {**nihss(9, 1), member: [concept] if member == "interpretation" else concept}
    assert ["sedated"] == [one.not_a_baseline for one in scored(raw)[0]]


@pytest.mark.parametrize(
    ("change", "found", "said"),
    [
        ({"status": "entered-in-error"}, 0, ["not-final"]),
        ({"status": "cancelled"}, 0, ["not-final"]),
        ({"status": "preliminary"}, 1, ["not-final"]),
        ({"effectiveDateTime": None}, 0, ["malformed"]),
        ({"effectiveDateTime": None, "issued": when(2)}, 1, ["assumed"]),
        ({"effectiveDateTime": "2026-03-02"}, 1, ["assumed"]),
    ],
)
def test_status_and_time_decide_whether_a_score_counts(change: dict[str, Any], found: int, said: list[str]) -> None:
    """A withdrawn or timeless score is left out; an early one and a doubtful time are said."""
    scores, issues = scored({**nihss(9, 1), **change})
    assert (found, said) == (len(scores), [one.code for one in issues])


def test_other_observations_are_passed_over() -> None:
    """A glucose is no examination, and no issue."""
    assert ([], []) == scored(observation("2345-7", 100, "mg/dL"), observation("72089-6", None, system="urn:local"))


def test_a_score_is_available_when_its_last_part_was() -> None:
    """Items issued later complete the examination later."""
    late = {**nihss_panel(ALL, 1), "issued": when(3)}
    assert [at(3)] == [one.available for one in scored(nihss(6, 1, issued=2), late)[0]]
