"""Present, uncertain, absent, historical or asked: what each trigger phrase does, and how far it reaches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.inputs import Assertion, Section
from fhir_mappings.text.assertion import assertion_of
from fhir_mappings.text.clauses import Clause, clauses

MENTION = "hemorrhage"


def said(text: str, section: Section = "findings") -> Assertion:
    """How a sentence asserts its one mention of hemorrhage, within the clause that holds it."""
    clause = next(one for one in clauses(text) if MENTION in one.text)
    place = clause.text.index(MENTION)
    return assertion_of(clause, place, place + len(MENTION), section=section)


@pytest.mark.parametrize(
    "text",
    [
        "hemorrhage in the thalamus",
        "acute hemorrhage",
        "likely hemorrhage",
        "probable hemorrhage",
        "consistent with hemorrhage",
        "compatible with hemorrhage",
        "in keeping with hemorrhage",
        "known hemorrhage, unchanged on this scan",
        "the hemorrhage is smaller",
        "resolving hemorrhage",
        "no change in the hemorrhage",
        "no increase in the hemorrhage",
        "residual hemorrhage",
        "the hemorrhage is not new",
        "no infarct, left thalamic hemorrhage",
        "there is no infarct and there is a hemorrhage",
        "no significant change of the hemorrhage",
        "not only edema with hemorrhage",
    ],
)
def test_what_is_stated_or_likely_is_present(text: str):
    """Likely, known, unchanged or resolving on this scan; and phrases that only look like negations."""
    assert "present" == said(text)


@pytest.mark.parametrize(
    "text",
    [
        "no hemorrhage",
        "no definite hemorrhage",
        "no obvious hemorrhage",
        "no convincing hemorrhage",
        "no significant hemorrhage",
        "no evidence of hemorrhage",
        "without hemorrhage",
        "absence of hemorrhage",
        "negative for hemorrhage",
        "negligible hemorrhage",
        "hemorrhage is not seen",
        "hemorrhage not identified",
        "hemorrhage has been excluded",
        "hemorrhage: none",
        "no edema, mass or hemorrhage",
        "neither edema nor hemorrhage",
        "no edema, left or right hemorrhage",
        "no infarct, mass, hemorrhage",
    ],
)
def test_what_is_negated_is_absent(text: str):
    """Before and behind the mention, and through a list."""
    assert "absent" == said(text)


@pytest.mark.parametrize(
    "text",
    [
        "suspected hemorrhage",
        "suspicious for hemorrhage",
        "concerning for hemorrhage",
        "worrisome for hemorrhage",
        "possible hemorrhage",
        "cannot exclude hemorrhage",
        "hemorrhage cannot be excluded",
        "hemorrhage is not excluded",
        "may represent hemorrhage",
        "?hemorrhage",
    ],
)
def test_what_is_hedged_is_uncertain(text: str):
    """A hedge that contains "exclude" or "not" is no negation."""
    assert "uncertain" == said(text)


@pytest.mark.parametrize(
    "text",
    [
        "history of hemorrhage",
        "previous hemorrhage",
        "prior hemorrhage",
        "hemorrhage on the prior study",
        "hemorrhage, now resolved",
        "resolved hemorrhage",
        "hemorrhage in 2019",
        "hemorrhage 5 years ago",
    ],
)
def test_what_is_past_is_historical(text: str):
    """Of another time, or over."""
    assert "historical" == said(text)


@pytest.mark.parametrize(
    "text",
    [
        "no hemorrhage on the prior study",
        "prior ct: no hemorrhage",
        "no previous hemorrhage",
        "no history of hemorrhage",
    ],
)
def test_a_negative_of_the_past_is_absent(text: str):
    """A prior study's negative is a negative."""
    assert "absent" == said(text)


@pytest.mark.xfail(strict=True, reason="the negation is carried over the comma: read as absent")
def test_a_past_thing_later_in_a_negated_list_stays_past():
    """A comma does not carry the negation over to what the sentence affirms."""
    assert "historical" == said("no diabetes, previous hemorrhage")


@pytest.mark.parametrize("text", ["?hemorrhage", "r/o hemorrhage", "rule out hemorrhage", "query hemorrhage"])
def test_a_question_is_asked_in_the_history_and_uncertain_elsewhere(text: str):
    """The request's own question is no finding; a reader's is a doubt."""
    assert "asked" == said(text, "history")
    assert "uncertain" == said(text, "impression")


@pytest.mark.parametrize("word", ["but", "however", "although", "except", "whereas", ";"])
def test_a_negation_ends_with_its_clause(word: str):
    """What follows "but" is not negated by what precedes it, nor the other way round."""
    assert "present" == said(f"no edema {word} hemorrhage in the thalamus")
    assert "absent" == said(f"acute infarct {word} no hemorrhage")


@given(st.text(alphabet="abn ;,?but", max_size=80))
def test_clauses_lie_in_order_within_the_sentence(text: str):
    """Nothing is invented and nothing stands twice."""
    place = 0
    for clause in clauses(text):
        assert clause.text.strip()
        place = text.index(clause.text, place) + len(clause.text)
    assert place <= len(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_every_mention_has_one_of_five_assertions(before: str, after: str):
    """Text of reports is untrusted; ``asked`` is said in the history only."""
    text = f"{before}{MENTION}{after}".lower()
    place = text.index(MENTION)
    answer = assertion_of(Clause(text), place, place + len(MENTION), section="findings")
    assert answer in ("present", "uncertain", "absent", "historical")
