"""NIHSS examinations: totals, panels, single items, and what contradicts."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.codes import nihss_table
from fhir_mappings.nihss import scores_from
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Issue, NihssScore
from tests.builders import LOINC, NIHSS_ITEM_CODES, PATIENT_ID, at, nihss, nihss_panel, observation, when

ALL = dict.fromkeys(NIHSS_ITEM_CODES, 0) | {"5a": 3, "6a": 2, "9": 1}
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
WEIGHT = "http://hl7.org/fhir/StructureDefinition/itemWeight"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def scored(*raws: dict[str, Any], live: bool = True) -> tuple[list[NihssScore], list[Issue]]:
    """Scores and issues of these raw Observations."""
    resources, unread = read_all(raws, PATIENT_ID)
    assert () == unread
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
        {"valueQuantity": {"value": 12.0}},
        {"valueString": "12"},
        {"valueString": " 12 "},
        {"valueString": "12.0"},
        {"valueString": "12/42"},
        {"valueString": "12 points"},
        {"valueCodeableConcept": {"coding": [{"extension": [{"url": ORDINAL, "valueDecimal": 12}]}]}},
        {"valueCodeableConcept": {"coding": [{"code": "a", "extension": [{"url": WEIGHT, "valueInteger": 12}]}]}},
        {"valueCodeableConcept": {"text": "12", "extension": [{"url": ORDINAL, "valueDecimal": 12}]}},
        {"valueCodeableConcept": {"text": "12"}},
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
        {"valueString": "12/40"},
        {"valueString": "7.5"},
        {"valueString": "43"},
        {"valueString": "7+"},
        {"valueString": "12 - moderate"},
        {"valueQuantity": {"unit": "{score}"}},
        {"valueCodeableConcept": {"coding": [{"system": LOINC, "code": "LA18459-0"}]}},
        {"valueCodeableConcept": {"text": "12", "coding": [{"extension": [{"url": ORDINAL, "valueInteger": 11}]}]}},
        {"valueBoolean": True},
        {"dataAbsentReason": {"coding": [{"system": ABSENT, "code": "not-performed"}]}},
        {"valueInteger": 9, "dataAbsentReason": {"coding": [{"system": ABSENT, "code": "error"}]}},
        {},
    ],
)
def test_what_is_no_total_is_left_out_and_said(value: dict[str, Any]) -> None:
    """No points outside 0-42, no halves, no guess from a text, no item's answer, no contradiction within."""
    scores, issues = scored(total(**value))
    assert ([], ["malformed"]) == (scores, [one.code for one in issues])


def test_a_panel_with_all_items_is_summed() -> None:
    """Without a charted total it is the sum of all fifteen items."""
    scores, issues = scored(nihss_panel(ALL, 1))
    assert ([6], []) == ([one.total for one in scores], issues)
    assert ALL == scores[0].items


def test_a_number_on_the_panel_is_taken_as_the_total_and_said() -> None:
    """70182-1 is the panel: a value of its own can only be the total, which is an assumption."""
    scores, issues = scored({**observation("70182-1", None), "valueInteger": 9})
    assert ([9], ["assumed"]) == ([one.total for one in scores], [one.code for one in issues])


def test_a_panel_whose_own_value_contradicts_its_items_is_unknown() -> None:
    """The panel's value is a total like any other."""
    scores, issues = scored({**nihss_panel(ALL, 1), "valueInteger": 9})
    assert ([None], ["assumed", "contradictory"]) == ([one.total for one in scores], [one.code for one in issues])


def panel_of(members: list[str], hours: float = 1, id_: str = "panel") -> dict[str, Any]:
    """A panel that refers to its members."""
    return {**observation("70182-1", None, hours=hours, id_=id_), "hasMember": [{"reference": one} for one in members]}


@pytest.mark.parametrize("form", ["Observation/{}", "https://ehr.test/r4/Observation/{}", "Observation/{}/_history/2"])
def test_members_of_a_panel_are_of_its_examination(form: str) -> None:
    """Items charted minutes apart, and one without a time, are one score at the panel's time: none lost or doubled."""
    raws = [item(name, hours=1 + place / 60, valueInteger=points) for place, (name, points) in enumerate(ALL.items())]
    del raws[3]["effectiveDateTime"]
    raws[4] |= {"issued": when(9)}
    for order in (raws, raws[::-1]):
        scores, issues = scored(panel_of([form.format(raw["id"]) for raw in raws]), *order)
        assert [(6, ALL, at(1))] == [(one.total, one.items, one.effective) for one in scores]
        assert ["assumed"] == [one.code for one in issues]


def test_a_member_from_another_examination_keeps_its_time() -> None:
    """A panel that refers to an item of yesterday does not move it, nor does a withdrawn panel."""
    old = item("5a", hours=-20, valueInteger=3)
    scores, _ = scored(panel_of(["Observation/i5a"]) | {"valueInteger": 9}, old)
    assert [({"5a": 3}, None), ({}, 9)] == [(one.items, one.total) for one in scores]
    withdrawn = panel_of(["Observation/i5a"], hours=-19.5) | {"status": "entered-in-error"}
    assert [at(-20)] == [one.effective for one in scored(withdrawn, old)[0]]


def test_members_that_are_not_in_the_chart_are_said_where_they_leave_the_total_unknown() -> None:
    """A panel names an item that no query returned."""
    parts = panel_of(["Observation/i5a", "Observation/lost"])
    scores, issues = scored(parts, item("5a", valueInteger=3))
    assert ([None], ["incomplete"]) == ([one.total for one in scores], [one.code for one in issues])
    assert [] == scored(parts, item("5a", valueInteger=3), nihss(5, 1))[1]


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
        ("2", answer("LA6626-1"), 0),
        ("5a", {"valueCodeableConcept": {"text": "2 - Some effort against gravity"}}, 2),
        ("5a", {"valueCodeableConcept": {"coding": [{"display": "2: Some effort against gravity"}]}}, 2),
        ("5a", {"valueCodeableConcept": {"coding": [{"code": "LA18458-2", "display": "2 = Some effort"}]}}, 2),
        ("5a", {"valueString": "4 - No movement"}, 4),
        ("5a", {"valueString": "3/4"}, 3),
        ("5a", {"valueString": "UN"}, None),
        ("5a", {"valueString": "x"}, None),
        ("5a", {"valueString": "UN - Amputation or joint fusion, explain:"}, None),
        ("5a", {"valueString": "Untestable (fracture)"}, None),
        ("10", {"valueString": "not testable"}, None),
        ("10", {"valueCodeableConcept": {"text": "Not testable"}}, None),
        ("10", {"dataAbsentReason": {"text": "Untestable"}}, None),
        ("10", {"dataAbsentReason": answer("LA18477-2")["valueCodeableConcept"]}, None),
    ],
)
def test_an_item_is_read_by_its_answer(name: str, value: dict[str, Any], points: int | None) -> None:
    """LOINC answers, ordinal values, numbers, wordings; an untestable item is None and never 0."""
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("1b", {"valueInteger": 3}),
        ("5a", {"valueInteger": 9}),
        ("5a", {"valueString": "5"}),
        ("5a", {"valueString": "2-3"}),
        ("5a", {"valueString": "3/42"}),
        ("5a", {"valueString": "2 seconds"}),
        ("5a", {"valueString": "X-ray pending"}),
        ("5a", {"valueString": "3+X"}),
        ("5a", {"valueCodeableConcept": {"text": "90 degrees"}}),
        ("5a", answer("LA18465-7")),
        ("5a", answer("LA18459-0", 2)),
        ("5a", {"valueCodeableConcept": {"coding": [{"code": "LA18459-0", "display": "2 - Some effort"}]}}),
        ("5a", {"valueCodeableConcept": {"coding": [{"code": "LA18459-0"}, {"code": "LA18461-6"}]}}),
        ("1a", answer("LA18461-6")),
        ("9", {"valueString": "UN"}),
        ("9", {"dataAbsentReason": {"text": "untestable"}}),
    ],
)
def test_what_is_no_answer_of_an_item_is_left_out_and_said(name: str, value: dict[str, Any]) -> None:
    """Nothing is clipped or guessed; an item that has no "untestable" cannot be it; contradictions are not resolved."""
    scores, issues = scored(item(name, **value))
    assert ([], ["malformed"]) == (scores, [one.code for one in issues])


@pytest.mark.parametrize("code", ["not-performed", "unknown", "error", "not-applicable"])
def test_an_item_marked_absent_is_absent_and_said(code: str) -> None:
    """A reason for absence is neither 0 nor "untestable", and the other items make no total."""
    absent = item("5b", dataAbsentReason={"coding": [{"system": ABSENT, "code": code}]})
    some = {name: points for name, points in ALL.items() if name != "5b"}
    scores, issues = scored(nihss_panel(some, 1), absent)
    assert [(None, some)] == [(one.total, one.items) for one in scores]
    assert [f"NIHSS item 5b left out (Observation/i5b): marked absent ({code})"] == [one.text for one in issues]


def test_parts_left_out_for_one_reason_are_said_once() -> None:
    """Fifteen items marked absent are one line of a card."""
    raw = nihss_panel(ALL, 1)
    for part in raw["component"]:
        del part["valueInteger"]
        part["dataAbsentReason"] = {"coding": [{"system": ABSENT, "code": "unknown"}]}
    scores, issues = scored(raw)
    assert ([], ["malformed"]) == (scores, [one.code for one in issues])


@pytest.mark.parametrize("text", ["7+X", "7 + UN", "7+un"])
def test_a_total_of_the_testable_items_is_kept_and_said(text: str) -> None:
    """The points are known; that items are untestable too, and not which."""
    scores, issues = scored(total(valueString=text))
    assert [(7, True, {})] == [(one.total, one.untestable_unnamed, one.items) for one in scores]
    assert [("untestable", "NIHSS 7+X (Observation/nihss-1): untestable items not named")] == [
        (one.code, one.text) for one in issues
    ]


def test_items_may_name_what_a_total_calls_untestable() -> None:
    """With all fifteen charted, the X has its name; its points are exactly those of the others."""
    rest = nihss_panel({name: points for name, points in ALL.items() if name != "5b"}, 1)
    raws = [rest, item("5b", **answer("LA18461-6"))]
    scores, issues = scored(*raws, total(valueString="6+X"))
    assert [(6, False, None)] == [(one.total, one.untestable_unnamed, one.items["5b"]) for one in scores]
    assert ["untestable"] == [one.code for one in issues]
    assert [None] == [one.total for one in scored(*raws, total(valueString="7+X"))[0]]
    assert [True] == [one.untestable_unnamed for one in scored(raws[1], total(valueString="6+X"))[0]]


def test_a_total_with_untestable_items_contradicts_items_that_all_have_points() -> None:
    """Something was untestable, says one; nothing was, says the other."""
    scores, issues = scored(nihss_panel(ALL, 1), total(valueString="6+X"))
    assert ([None], ["contradictory"]) == ([one.total for one in scores], [one.code for one in issues])


@pytest.mark.parametrize("text", ["UN", "untestable", "Not testable", "X"])
def test_an_untestable_total_is_no_score_and_said(text: str) -> None:
    """Not 0; items beside it still make their sum."""
    scores, issues = scored(total(valueString=text))
    assert ([], ["untestable"]) == (scores, [one.code for one in issues])
    assert [6] == [one.total for one in scored(nihss_panel(ALL, 1), total(valueString=text))[0]]


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


def test_a_value_in_words_may_say_that_a_score_is_no_baseline() -> None:
    """The words "UN - intubated" tell of the patient; the wording of the answer itself does not."""
    said = [one.not_a_baseline for one in scored(nihss(9, 1), item("10", valueString="UN - intubated"))[0]]
    assert ["intubated"] == said
    wording = item("10", valueString="UN - Intubated or other physical barrier")
    assert [None] == [one.not_a_baseline for one in scored(nihss(9, 1), wording)[0]]


def test_what_says_nothing_new_delays_nothing() -> None:
    """The same total charted again, issued later, is one score from the first on."""
    again = {**nihss(6, 1, issued=5), "id": "again"}
    for order in ([nihss(6, 1), again], [again, nihss(6, 1)]):
        assert [(6, at(1))] == [(one.total, one.available) for one in scored(*order)[0]]


def test_a_score_is_available_when_its_last_part_was() -> None:
    """Items issued later complete the examination later."""
    late = {**nihss_panel(ALL, 1), "issued": when(3)}
    assert [at(3)] == [one.available for one in scored(nihss(6, 1, issued=2), late)[0]]


TEXTS = st.one_of(
    st.text(max_size=12), st.from_regex(r"[0-9]{1,3} ?[-+/.=:] ?([0-9]{1,2}|X|UN|No effort)", fullmatch=True),
    st.sampled_from(["UN", "x", "untestable", "12", "4 - No movement", "7+X", "12/42"]),
)  # fmt: skip
NUMBERS = st.integers(-3, 60) | st.floats(-5, 1e30).map(lambda number: round(number, 3))
EXTENSIONS = st.fixed_dictionaries(
    {"url": st.sampled_from([ORDINAL, WEIGHT, "urn:other"])},
    optional={"valueDecimal": NUMBERS},
)
CODINGS = st.fixed_dictionaries(
    {"code": st.sampled_from([*nihss_table().answers, *nihss_table().untestable, "LA-UNKNOWN"])},
    optional={"system": st.just(LOINC), "display": TEXTS, "extension": st.lists(EXTENSIONS, max_size=2)},
)
CONCEPTS = st.fixed_dictionaries({"coding": st.lists(CODINGS, max_size=3)}, optional={"text": TEXTS})
VALUES = st.one_of(
    st.fixed_dictionaries({"valueInteger": st.integers(-3, 60)}),
    st.fixed_dictionaries({"valueQuantity": st.fixed_dictionaries({"value": NUMBERS}, optional={"unit": TEXTS})}),
    st.fixed_dictionaries({"valueString": TEXTS}),
    st.fixed_dictionaries({"valueCodeableConcept": CONCEPTS}),
    st.fixed_dictionaries({"dataAbsentReason": CONCEPTS}),
    st.fixed_dictionaries({"valueBoolean": st.booleans()}),
    st.just({}),
)
CODES = st.sampled_from(["72089-6", "70182-1", *NIHSS_ITEM_CODES.values()])


@st.composite
def observations(draw: st.DrawFn) -> dict[str, Any]:
    """Any Observation of the scale, with any value and any components."""
    raw = observation(draw(CODES), None, hours=draw(st.integers(0, 2)), id_=f"o{draw(st.integers(0, 10**6))}")
    parts = draw(st.lists(st.tuples(CODES, VALUES), max_size=3))
    raw["component"] = [{"code": {"coding": [{"system": LOINC, "code": code}]}, **value} for code, value in parts]
    if draw(st.booleans()):
        raw["hasMember"] = [{"reference": f"Observation/{draw(st.sampled_from(['o1', 'o2']))}"}]
    return {**raw, **draw(VALUES)}


@given(st.lists(observations(), max_size=5, unique_by=lambda raw: raw["id"]), st.randoms())
@settings(max_examples=300, deadline=None)
def test_any_value_gives_points_in_range_or_an_issue_in_any_order(raws: list[dict[str, Any]], random: Any) -> None:
    """Nothing raises, nothing is beyond its range, and the order of the chart does not matter."""
    resources = list(read_all(raws, PATIENT_ID)[0])
    scores, issues = scores_from(resources, live=True)
    table = nihss_table()
    charted = [(table.items[name], points) for score in scores for name, points in score.items.items()]
    assert all(score.total is None or 0 <= score.total <= table.most for score in scores)
    assert all(item.can_be_untestable if points is None else 0 <= points <= item.most for item, points in charted)
    random.shuffle(resources)
    again, said = scores_from(resources, live=True)
    assert (scores, set(issues)) == (again, set(said))
