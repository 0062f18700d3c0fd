"""NIHSS in filled-in forms: where the items stand, how they are answered, and what Observations repeat."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.codes import nihss_table
from fhir_mappings.nihss import scores_from
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Issue, NihssScore
from tests.builders import LOINC, NIHSS_ITEM_CODES, PATIENT_ID, at, nihss, nihss_panel, observation, subject, when

ALL = dict.fromkeys(NIHSS_ITEM_CODES, 0) | {"5a": 3, "6a": 2, "9": 1}
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
TOTAL, PANEL = "72089-6", "70182-1"


def form(*items: dict[str, Any], hours: float = 1, id_: str = "f1", status: str = "completed") -> dict[str, Any]:
    """A QuestionnaireResponse."""
    return {
        "resourceType": "QuestionnaireResponse", "id": id_, "status": status, "subject": subject(),
        "authored": when(hours), "item": list(items),
    }  # fmt: skip


def question(link: str, *answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One item with its answers."""
    return {"linkId": link, "answer": list(answers)} | more


def whole(points: dict[str, int], total: int | None = None, **more: Any) -> dict[str, Any]:
    """A form with one item a part of the scale, answered with numbers."""
    items = [question(f"/{NIHSS_ITEM_CODES[name]}", {"valueInteger": one}) for name, one in points.items()]
    return form(*items, *([question(f"/{TOTAL}", {"valueDecimal": total})] if total is not None else []), **more)


def coding(code: str, ordinal: float | None = None, **more: Any) -> dict[str, Any]:
    """A coded answer."""
    extension = [] if ordinal is None else [{"url": ORDINAL, "valueDecimal": ordinal}]
    return {"valueCoding": {"system": LOINC, "code": code, "extension": extension} | more}


def scored(*raws: dict[str, Any]) -> tuple[list[NihssScore], list[Issue]]:
    """Scores and issues of these raw Observations and forms."""
    resources, unread = read_all(raws, PATIENT_ID)
    assert () == unread
    forms = [one for one in resources if one.get_resource_type() == "QuestionnaireResponse"]
    observations = [one for one in resources if one.get_resource_type() == "Observation"]
    scores, issues = scores_from(observations, live=True, forms=forms)
    return list(scores), list(issues)


def test_a_form_is_one_examination() -> None:
    """All its items and its total, at the time it was written."""
    scores, issues = scored(whole(ALL, 6))
    assert ([NihssScore(at(1), at(1), 6, ALL, "QuestionnaireResponse/f1")], []) == (scores, issues)


def test_a_form_without_a_total_is_summed() -> None:
    """Like a panel of Observations."""
    assert [6] == [one.total for one in scored(whole(ALL))[0]]


@pytest.mark.parametrize(
    "place",
    [
        {"linkId": TOTAL},
        {"linkId": f"/{TOTAL}"},
        {"linkId": f"/{PANEL}/{TOTAL}"},
        {"linkId": f"nihss.{TOTAL}"},
        {"linkId": "17", "definition": f"http://loinc.org/{TOTAL}"},
        {"linkId": "17", "definition": f"http://loinc.org|{TOTAL}"},
        {"linkId": "17", "definition": f"http://ehr.test/fhir/StructureDefinition/nihss#{TOTAL}"},
        {"linkId": TOTAL, "definition": f"http://loinc.org/{TOTAL}"},
    ],
)
def test_an_item_is_found_by_its_link_or_definition(place: dict[str, str]) -> None:
    """The code alone, behind a slash, at the end of a path, or in the definition."""
    assert [9] == [one.total for one in scored(form({"answer": [{"valueInteger": 9}], **place}))[0]]


@pytest.mark.parametrize("link", [f"{TOTAL}-help", f"/x{TOTAL}", "172089-6", f"{TOTAL}/1", "total"])
def test_a_link_that_only_resembles_a_code_names_nothing(link: str) -> None:
    """The help text of an item is not the item."""
    assert ([], []) == scored(form(question(link, {"valueInteger": 9})))


def test_items_are_found_at_any_depth() -> None:
    """Within groups, and within the answers of other items."""
    inner = question(f"/{TOTAL}", {"valueInteger": 9})
    assert [9] == [one.total for one in scored(form({"linkId": f"/{PANEL}", "item": [inner]}))[0]]
    assert [9] == [one.total for one in scored(form(question("a", {"valueBoolean": True, "item": [inner]})))[0]]


@pytest.mark.parametrize(
    "answer",
    [
        {"valueDecimal": 2},
        {"valueDecimal": 2.0},
        {"valueInteger": 2},
        {"valueString": "2"},
        {"valueString": "2 - Some effort against gravity"},
        {"valueQuantity": {"value": 2, "unit": "{score}"}},
        coding("LA18458-2"),
        coding("LA18458-2", 2),
        coding("other", 2),
        coding("other", display="2 - Some effort against gravity"),
    ],
)
def test_an_answer_is_read_in_every_form(answer: dict[str, Any]) -> None:
    """Numbers, texts, quantities, and codes by themselves, by their ordinal value or by their wording."""
    scores, issues = scored(form(question(f"/{NIHSS_ITEM_CODES['5a']}", answer)))
    assert ([{"5a": 2}], []) == ([one.items for one in scores], issues)


@pytest.mark.parametrize("answer", [coding("LA18461-6"), {"valueString": "UN"}])
def test_an_untestable_answer_is_not_zero(answer: dict[str, Any]) -> None:
    """None, and said."""
    scores, issues = scored(form(question(f"/{NIHSS_ITEM_CODES['5a']}", answer)))
    assert ([{"5a": None}], ["untestable"]) == ([one.items for one in scores], [one.code for one in issues])


@pytest.mark.parametrize(
    "answers",
    [
        [{"valueDecimal": 2.5}],
        [{"valueInteger": 5}],
        [coding("other")],
        [coding("LA18458-2", 3)],
        [{"valueBoolean": True}],
        [],
    ],
)
def test_a_form_without_a_readable_answer_is_no_score_and_said(answers: list[dict[str, Any]]) -> None:
    """The form is on the scale, so that its silence is a fault to name."""
    scores, issues = scored(form(question(f"/{NIHSS_ITEM_CODES['5a']}", *answers)))
    assert ([], {"malformed"}) == (scores, {one.code for one in issues})


def test_two_answers_to_one_item_contradict() -> None:
    """As an item charted twice."""
    raw = form(question(f"/{NIHSS_ITEM_CODES['5a']}", {"valueInteger": 1}, {"valueInteger": 2}))
    scores, issues = scored(raw)
    assert ([(None, {})], ["contradictory"]) == (
        [(one.total, one.items) for one in scores],
        [one.code for one in issues],
    )


def test_an_item_with_two_names_is_left_out_and_said() -> None:
    """Its link says left arm, its definition right arm."""
    two = question(NIHSS_ITEM_CODES["5a"], {"valueInteger": 3}, definition=f"http://loinc.org/{NIHSS_ITEM_CODES['5b']}")
    scores, issues = scored(form(two, question(TOTAL, {"valueInteger": 9})))
    assert ([(9, {})], ["malformed"]) == ([(one.total, one.items) for one in scores], [one.code for one in issues])


def test_a_form_on_other_things_is_passed_over() -> None:
    """Depression, delirium: no score and no word, whatever the status."""
    other = form(question("/44250-9", {"valueDecimal": 2}), status="entered-in-error")
    assert ([], []) == scored(other, form(id_="empty"))


@pytest.mark.parametrize(
    ("change", "found", "said"),
    [
        ({"status": "amended"}, 1, []),
        ({"status": "in-progress"}, 1, ["not-final"]),
        ({"status": "entered-in-error"}, 0, ["not-final"]),
        ({"status": "stopped"}, 0, ["not-final"]),
        ({"authored": None}, 0, ["malformed"]),
        ({"authored": "2026-03-02"}, 1, ["assumed"]),
    ],
)
def test_status_and_time_decide_whether_a_form_counts(change: dict[str, Any], found: int, said: list[str]) -> None:
    """Withdrawn, stopped and timeless forms are left out; an unfinished one and a bare date are said."""
    scores, issues = scored(whole(ALL, 6) | change)
    assert (found, said) == (len(scores), [one.code for one in issues])


@pytest.mark.parametrize(
    ("link", "text", "why"),
    [
        ("c", "Comments", "intubated"),
        ("/comment", None, "intubated"),
        ("diagnosis", "Medical history", None),
    ],
)
def test_a_remark_in_a_form_may_say_that_it_is_no_baseline(link: str, text: str | None, why: str | None) -> None:
    """The answer to a question for comments counts, one on other things does not."""
    remark = question(link, {"valueString": "Patient intubated"}) | ({"text": text} if text else {})
    assert [why] == [one.not_a_baseline for one in scored(form(question(TOTAL, {"valueInteger": 9}), remark))[0]]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("hours", [1, 1.1])
def test_a_form_and_observations_with_the_same_numbers_are_one_examination(order: int, hours: float) -> None:
    """At the same moment or within minutes of each other: never two scores of which one confirms the other."""
    raws = [nihss(6, 1), nihss_panel(ALL, 1), whole(ALL, 6, hours=hours)]
    scores, issues = scored(*raws[::order])
    assert ([NihssScore(at(1), at(1), 6, ALL, "Observation/nihss-1")], []) == (scores, issues)


def test_a_form_adds_its_items_to_a_charted_total() -> None:
    """The total as an Observation, the items only in the form."""
    assert [(6, ALL)] == [(one.total, one.items) for one in scored(nihss(6, 1), whole(ALL))[0]]


def test_a_form_with_the_same_numbers_later_is_another_examination() -> None:
    """A quarter of an hour apart a check was repeated."""
    assert [at(1), at(1.25)] == [one.effective for one in scored(nihss(6, 1), whole(ALL, 6, hours=1.25))[0]]


def test_a_form_with_other_numbers_is_another_examination_or_a_contradiction() -> None:
    """Minutes apart: two scores. At one moment: the total is unknown."""
    assert [6, 8] == [
        one.total for one in scored(nihss(6, 1), form(question(TOTAL, {"valueInteger": 8}), hours=1.1))[0]
    ]
    scores, issues = scored(nihss(6, 1), form(question(TOTAL, {"valueInteger": 8})))
    assert ([None], ["contradictory"]) == ([one.total for one in scores], [one.code for one in issues])


@pytest.mark.parametrize("member", ["derivedFrom", "hasMember"])
def test_observations_that_name_a_form_are_its_examination(member: str) -> None:
    """Extracted from the form half an hour later, at the Observations' time."""
    link = {member: [{"reference": "QuestionnaireResponse/f1"}]}
    scores, issues = scored({**nihss(6, 1.5), **link}, whole(ALL))
    assert ([(6, ALL, at(1.5))], []) == ([(one.total, one.items, one.effective) for one in scores], issues)


def test_no_member_that_is_a_form_is_missed() -> None:
    """A panel may refer to the form alone."""
    panel = {**observation(PANEL, None, hours=1), "hasMember": [{"reference": "QuestionnaireResponse/f1"}]}
    assert ([6], []) == ([one.total for one in scored(panel, whole(ALL))[0]], scored(panel, whole(ALL))[1])


ANSWERS = st.one_of(
    st.fixed_dictionaries({"valueInteger": st.integers(-2, 50)}),
    st.fixed_dictionaries({"valueDecimal": st.floats(-2, 1e20).map(lambda number: round(number, 2))}),
    st.fixed_dictionaries({"valueString": st.text(max_size=8) | st.sampled_from(["UN", "7+X", "3 - No effort"])}),
    st.sampled_from([coding(code, 1) for code in (*nihss_table().answers, *nihss_table().untestable)]),
    st.fixed_dictionaries({"valueBoolean": st.booleans()}),
)
LINKS = st.sampled_from([TOTAL, PANEL, *NIHSS_ITEM_CODES.values()]).map("/{}".format) | st.text(min_size=1, max_size=6)
QUESTIONS = st.recursive(
    st.builds(lambda link, answers: question(link, *answers), LINKS, st.lists(ANSWERS, max_size=2)),
    lambda inner: st.builds(lambda link, items: {"linkId": link, "item": items}, LINKS, st.lists(inner, max_size=4)),
    max_leaves=12,
)


@given(st.lists(QUESTIONS, max_size=6), st.sampled_from(["completed", "in-progress", "stopped"]), st.integers(0, 2))
@settings(max_examples=200, deadline=None)
def test_any_form_gives_points_in_range_or_an_issue(items: list[dict[str, Any]], status: str, hours: int) -> None:
    """Nothing raises, and nothing is beyond its range, alone or beside an Observation."""
    raws = [form(*items, hours=hours, status=status), nihss(6, 1)]
    resources, _ = read_all(raws, PATIENT_ID)
    forms = [one for one in resources if one.get_resource_type() == "QuestionnaireResponse"]
    scores, _ = scores_from([one for one in resources if one not in forms], live=True, forms=forms)
    table = nihss_table()
    assert all(score.total is None or 0 <= score.total <= table.most for score in scores)
    assert all(0 <= (points or 0) <= table.items[name].most for score in scores for name, points in score.items.items())


@given(st.fixed_dictionaries({name: st.integers(0, one.most) for name, one in nihss_table().items.items()}))
@settings(max_examples=40, deadline=None)
def test_a_form_means_the_same_as_observations(points: dict[str, int]) -> None:
    """Whatever the numbers: form, panel, or both are one score with the sum of the items."""
    expected = [(sum(points.values()), points)]
    for raws in ([whole(points)], [nihss_panel(points, 1)], [nihss_panel(points, 1), whole(points)]):
        assert expected == [(one.total, one.items) for one in scored(*raws)[0]]
