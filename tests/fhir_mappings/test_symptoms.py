"""Symptoms read from history lines and notes: present, absent, uncertain, historical, and on which side."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.inputs import Finding
from fhir_mappings.text.symptom_assertion import statements_of, symptom_lexicon
from fhir_mappings.text.symptoms import read_symptoms, symptoms

HERE = Path(__file__).parent
PHRASES = tomllib.loads((HERE / "symptom_phrases.toml").read_text("utf-8"))
TEXTS = [line.split(" | ", maxsplit=1) for line in (HERE / "symptom_texts.txt").read_text("utf-8").splitlines()]
MOMENT = datetime(2026, 3, 2, tzinfo=UTC)


def read(text: str) -> dict[str, Finding]:
    """The symptoms of a text by their names."""
    return {one.name: one for one in read_symptoms(text, 0)}


def said(text: str, name: str) -> str:
    """How a text says a symptom, or ``none``."""
    found = read(text).get(name)
    return found.assertion if found else "none"


@pytest.mark.parametrize("assertion", ["present", "absent", "uncertain", "historical", "none"])
@pytest.mark.parametrize("name", symptoms())
def test_a_symptom_is_read_in_many_phrasings(name: str, assertion: str):
    """Lay words, abbreviations, British and American English; what looks alike and is none is not present."""
    allowed = {"none", "absent"} if assertion == "none" else {assertion}
    assert [] == [(text, said(text, name)) for text in PHRASES[name][assertion] if said(text, name) not in allowed]


@pytest.mark.parametrize(("expected", "text"), TEXTS)
def test_each_symptom_of_a_text_is_read_by_its_own_words(expected: str, text: str):
    """What is said of one symptom is not said of its neighbors in the list."""
    for name, assertion in (one.split("=") for one in expected.split()):
        allowed = {"none", "absent"} if assertion == "none" else {assertion}
        assert said(text, name) in allowed, name


@pytest.mark.parametrize(
    ("text", "name", "side"),
    [
        ("LUE drift, NIHSS 3", "limb_weakness", "left"),
        ("R HH since this morning", "visual_disturbance", "right"),
        ("Weakness of the right arm, left facial droop", "limb_weakness", "right"),
        ("Weakness of the right arm, left facial droop", "facial_droop", "left"),
        ("RIGHT GAZE PREFERENCE, LEFT HEMIPLEGIA", "limb_weakness", "left"),
        ("quadriparesis", "limb_weakness", "both"),
        ("blurred vision in both eyes", "visual_disturbance", "both"),
        ("glucose 5.1 mmol/l, hemiparesis", "limb_weakness", None),
        ("veering to the left", "unsteadiness", None),
        ("slurred speech, right arm weak", "speech_disturbance", None),
    ],
)
def test_the_side_is_the_one_named_nearest(text: str, name: str, side: str | None):
    """In words, letters or in an abbreviation of a limb; none of symptoms that have no side."""
    assert side == read(text)[name].side


def test_every_mention_holds_a_stem_of_its_symptom():
    """Otherwise the quick look at the text would hide it: each phrase that is read has one."""
    rows = {row["name"]: row["stems"] for row in symptom_lexicon()["finding"]}
    for name, by in PHRASES.items():
        for text in by["present"]:
            plain = " ".join(one.text for one in statements_of(text))
            assert any(stem in plain for stem in rows[name]), text


def test_the_lexicon_spells_out_every_word_it_uses():
    """A ``<word>`` that is not defined would never match."""
    used = set(
        re.findall(
            r"(?<!\?)<([a-z]+)>", (HERE.parents[1] / "fhir_mappings/text/lexicon/en/symptoms.toml").read_text("utf-8")
        )
    )
    assert used - {"word"} <= set(symptom_lexicon()["words"])


def test_an_abbreviation_ends_no_statement():
    """And a semicolon, a dash, a question mark and a full stop do."""
    assert 1 == len(statements_of("Seen by Dr. Smith approx. 2 hrs. after"))
    assert 5 == len(statements_of("weak arm; all well - no droop. wake-up stroke? alone at home"))


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_exception(text: str):
    """Text of reports is untrusted; each symptom is found at most once."""
    names = [one.name for one in read_symptoms(text, 3)]
    assert len(set(names)) == len(names)
