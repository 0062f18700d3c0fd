"""The sentence corpus: what it says is what its labels say, nothing is guessed from a noun, nothing is held out."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import get_args

import pytest

from fhir_mappings.inputs import Assertion, Finding, Section, Sentence
from fhir_mappings.text.finding_rules import lexicon
from fhir_mappings.text.findings import read_findings
from fhir_mappings.text.spelling import LEXICON
from fhir_mappings.text.symptoms import symptoms
from models.simulation.half_drafts import SCANS
from models.simulation.phrasebook import half
from models.simulation.sentences import KINDS, LabeledSentence, pairs, sentences
from models.simulation.statements import plan
from models.simulation.wording import READING, near_misses, plain, slots, topics, wholes

COUNT = 60_000
OFTEN = 200
"""How often each finding stands under each of its assertions: enough to learn from (assumption)."""

FEW = 4_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIDE_WORDS = {"left": r"\bleft(?:ward)?\b|\bl\b", "right": r"\bright(?:ward)?\b|\br\b", "both": r"\bboth\b|\bbilateral"}
OF_NOUNS = {"x", "b", "X", "B", "is", "was"}


@cache
def corpus() -> tuple[LabeledSentence, ...]:
    """A corpus of the size that a reader is trained on."""
    return sentences(COUNT, 1)


def rules(text: str, section: Section) -> dict[str, Finding]:
    """What the rules read in a sentence, by finding."""
    return {one.name: one for one in read_findings([Sentence(text, section, "DiagnosticReport/1", NOW)])}


def texts_of(name: str) -> Iterator[str]:
    """Every text of one file of words."""

    def within(node: object) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict | list):
            for one in node.values() if isinstance(node, dict) else node:
                yield from within(one)

    yield from within(tomllib.loads((READING / f"{name}.toml").read_text("utf-8")))


def test_a_corpus_is_made_by_its_seed() -> None:
    """The same seed gives the same sentences, a longer corpus begins with a shorter one, another seed gives others."""
    first = sentences(300, 1)
    assert first == sentences(400, 1)[:300]
    assert first != sentences(300, 2)
    assert 300 == len(first)
    assert () == sentences(0, 1)


def test_the_held_out_half_is_never_opened() -> None:
    """A process that makes a corpus opens files of the training half, and none of the other."""
    script = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, about: opened.append(str(about[0])) if event == 'open' else None)\n"
        "from models.simulation.sentences import sentences; sentences(3000, 1)\n"
        "for half in ('training', 'held_out'): print(any(f'phrases/{half}' in path for path in opened))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert "True\nFalse\n" == run.stdout


def test_it_speaks_of_every_finding_of_the_rules() -> None:
    """No finding of the lexicon is left out, and none is invented."""
    assert {*(rule.name for rule in lexicon()[1]), *symptoms()} == set(topics())


def test_every_finding_stands_often_under_each_of_its_assertions() -> None:
    """Each pair that the conventions know is there often enough to learn from, and no other pair is there."""
    counts = Counter((one.finding, one.assertion) for sentence in corpus() for one in sentence.stated)
    assert set(pairs()) == set(counts)
    assert [] == [pair for pair, count in counts.items() if count < OFTEN]


def test_findings_have_every_assertion_that_makes_sense() -> None:
    """All five but for these: by convention a symptom is not asked about, collaterals and points are not absent."""
    lacking = {topic.name: set(get_args(Assertion)) - set(topic.says) for topic in topics().values()}
    seen = {name: gone for name, gone in lacking.items() if topics()[name].room == "imaging" and gone}
    assert {
        "aspects": {"absent"},
        "collaterals": {"absent"},
        "old_infarct": {"asked"},
        "thrombectomy_declined": {"uncertain", "absent", "historical", "asked"},
    } == seen
    told = {name: gone for name, gone in lacking.items() if topics()[name].room == "history" and gone != {"asked"}}
    assert {"wake_up_onset": {"asked", "historical"}} == told


def test_the_plan_of_the_reports_is_within_the_findings_and_assertions_of_the_corpus() -> None:
    """Whatever a report of the simulation can state, the corpus states as well."""
    stated = {
        (name, one.assertion)
        for scan in SCANS for several in plan().scans[scan].statements.values() for one in several
        for name in (one.finding, *one.also)
    }  # fmt: skip
    assert stated <= set(pairs())


def test_details_are_those_of_the_lexicon() -> None:
    """Sites and grades are words of the lexicon, numbers are within their range, and only what is there has them."""
    sites = {None, *tomllib.loads((LEXICON / "sites.toml").read_text("utf-8"))}
    grades = {rule.name: {None, *rule.grades} for rule in lexicon()[1]}
    highest = {"aspects": 10, "midline_shift": 30, "stenosis": 100}
    for one in (one for sentence in corpus() for one in sentence.stated):
        assert one.site in (sites if one.finding == "occlusion" else {None}), one
        assert one.grade in grades.get(one.finding, {None}), one
        if one.value is not None:
            assert 0 <= one.value <= highest[one.finding], one
            assert one.assertion in ("present", "uncertain", "historical"), one
            assert re.search(rf"(?<!\d){one.value}(?!\d)", one.text), one


def test_a_side_is_told_by_the_sentence() -> None:
    """The side of a label stands in the text, but for a shift away from the other side; a side needs a finding."""
    told = Counter(one.side for one in corpus())
    assert {"left", "right", "both", None} == set(told)
    for one in corpus():
        if one.side is not None:
            away = "from the" in one.text.lower() and "midline_shift" in {each.finding for each in one.stated}
            assert one.stated, one
            assert away or re.search(SIDE_WORDS[one.side], one.text.lower()), one


def test_a_label_carries_its_sentence() -> None:
    """The text of what is stated is the sentence as it was written, and a finding is stated once in it."""
    assert all(each.text == one.text for one in corpus() for each in one.stated)
    assert [] == [one for one in corpus() if len({each.finding for each in one.stated}) < len(one.stated)]


def test_a_noun_does_not_tell_the_assertion() -> None:
    """A guess from a finding's name is wrong in at least one of three sentences; assertions share their nouns."""
    counts = Counter((one.finding, one.assertion) for sentence in corpus() for one in sentence.stated)
    for topic in (one for one in topics().values() if len(one.says) > 1):
        all_of = sum(counts[topic.name, said] for said in topic.says)
        for said in topic.says:
            assert counts[topic.name, said] < all_of * 2 / 3, (topic.name, said)
    shared = {noun.text for topic in topics().values() for noun in topic.nouns.get("present", ())}
    for said in ("uncertain", "absent", "historical", "asked"):
        here = {noun.text for topic in topics().values() for noun in topic.nouns.get(said, ())}
        assert len(shared & here) > len(here) / 2, said


def test_some_sentences_state_nothing() -> None:
    """In every section; and each finding has near misses with its own words."""
    empty = Counter(one.section for one in corpus() if not one.stated)
    assert set(plain()) <= set(empty)
    assert COUNT / 10 < sum(empty.values()) < COUNT / 3
    assert set(topics()) == set(near_misses())
    stems = {rule.name: rule.stems for rule in lexicon()[1]}
    for name, said in near_misses().items():
        if name in stems:
            assert any(stem in text.lower() for text in said for stem in stems[name]), name


def test_the_rules_read_nothing_present_in_what_states_nothing() -> None:
    """Normal anatomy, numbers and courtesies mean no finding to the rules either."""
    filled = [(section, re.sub(r"\{\w+\}", "7", text)) for section, several in plain().items() for text in several]
    present = [
        text for section, text in filled for one in rules(text, section).values() if one.assertion == "present"
    ]  # fmt: skip
    assert [] == present
    assert "occlusion" in rules("The left MCA is occluded.", "findings")


def test_the_rules_most_often_read_a_label_as_it_is() -> None:
    """Of each finding and assertion, the commonest reading by the rules is the label.

    A frame or noun with a wrong label would be read otherwise throughout. No share is asked for: the corpus is meant
    to say what the rules do not know, so that a share would be a number of our own; that nothing else is read more
    often holds for every set of labels that is right where the rules are right more often than not.
    """
    read: dict[tuple[str, str], Counter[str]] = {}
    for sentence in corpus()[:FEW]:
        found = rules(sentence.text, sentence.section)
        for one in sentence.stated:
            said = found[one.finding].assertion if one.finding in found else "none"
            read.setdefault((one.finding, one.assertion), Counter())[said] += 1
    assert set(pairs()) == set(read)
    wrong = {pair: counts for pair, counts in read.items() if counts.most_common(1)[0][0] != pair[1]}
    assert {} == wrong


def test_requests_ask_and_reports_do_not() -> None:
    """Outside the history line nothing is asked, as the rules have it."""
    assert {"history"} == {one.section for one in corpus() if any(each.assertion == "asked" for each in one.stated)}


@pytest.mark.parametrize("name", ["nouns", "words", "frames", "whole", "asides", "plain"])
def test_every_slot_of_the_words_is_known(name: str) -> None:
    """A brace names a side, a number, a noun phrase of a frame or a row of the table of slots."""
    known = {"side", "other", "n", *slots(), *OF_NOUNS, *(f"{one}{place}" for one in OF_NOUNS for place in range(3))}
    used = {slot for text in texts_of(name) for slot in re.findall(r"\{(\w*)\}", text)}
    assert used <= known
    assert used or name == "words"


def test_no_slot_is_left_open() -> None:
    """A sentence has no brace, no doubled word and no space too many at its end."""
    for one in corpus():
        assert "{" not in one.text, one
        assert one.text == one.text.strip(), one
        assert not re.search(r"\b([a-z]{4,}) \1\b", one.text), one


def test_every_kind_of_sentence_is_drawn() -> None:
    """No kind of drawing has no weight, and typed words, capitals and British spelling are all there."""
    assert all(weight > 0 for weight in KINDS.values())
    texts = [one.text for one in corpus()]
    assert any(text.isupper() for text in texts)
    assert any("haemorrhage" in text for text in texts)
    assert any("hemorrhage" in text for text in texts)
    known = {word for text in texts[:FEW] for word in text.lower().split()}
    assert len(known) > len(half("training").british)


def test_words_of_their_own_are_of_known_findings() -> None:
    """Whole sentences belong to a finding under an assertion that it can have."""
    assert set(wholes()) <= set(pairs())
