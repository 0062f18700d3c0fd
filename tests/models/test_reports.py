"""Reports: what they state is drawn first and is the same in either phrasing; wording and typos come after."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models.simulation.details import Subject
from models.simulation.layout import layout
from models.simulation.phrasebook import PHRASINGS, Phrasing, half
from models.simulation.planning import plan_reports
from models.simulation.reports import Stated, WrittenReport
from models.simulation.statements import plan
from models.simulation.typos import misspell
from models.simulation.world import World, load_world
from tests.models.simulated_subjects import subjects, written

WORLD = load_world("a")
SUBJECTS = list(subjects(WORLD, 400))
EAGER = replace(WORLD, settings={**WORLD.settings, "hedged_share": 0.5})


def _reports(phrasing: Phrasing, world: World = WORLD, count: int = 400) -> list[WrittenReport]:
    return [report for subject in SUBJECTS[:count] for report in written(world, subject, phrasing)]


def _with(**settings: float) -> World:
    return replace(WORLD, settings={**WORLD.settings, **settings})


def _only(style: str, **settings: float) -> World:
    """A site that lays out every report in one style."""
    return _with(**{f"style_{one.id}": float(one.id == style) for one in layout().styles}, **settings)


def _meaning(stated: Sequence[Stated]) -> list[tuple[object, ...]]:
    return [(one.finding, one.assertion, one.site, one.grade, one.value) for one in stated]


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_what_a_report_states_stands_in_its_text(phrasing: Phrasing):
    """Letter by letter, typos included, with no brace left unfilled."""
    reports = _reports(phrasing)
    assert {"ct", "cta", "mri"} == {report.modality for report in reports}
    assert [] == [report.text for report in reports if re.search(r"[{}]", report.text)]
    assert [] == [one.text for report in reports for one in report.stated if one.text not in report.text]
    assert {"present", "absent", "uncertain", "asked"} == {one.assertion for r in reports for one in r.stated}


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_statements_are_kept_in_the_order_of_the_text(phrasing: Phrasing):
    """History first, findings next, the impression last: each sentence is found at or after the one before."""
    for report in _reports(phrasing, count=150):
        at = 0
        for one in report.stated:
            assert one.text in report.text[at:], (one, report.text)
            at = report.text.index(one.text, at)


def test_both_halves_state_the_same_and_word_it_differently():
    """The same patient and seed: the same statements, hours, style and titles, hardly a sentence in common."""
    pairs = list(zip(_reports("training"), _reports("held-out"), strict=True))
    for trained, held_out in pairs:
        assert _meaning(trained.stated) == _meaning(held_out.stated)
        assert replace(trained, text="", stated=()) == replace(held_out, text="", stated=())
    same = [a.text for t, h in pairs for a, b in zip(t.stated, h.stated, strict=True) if a.text == b.text]
    assert [] == same


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_the_same_generator_writes_the_same_reports_and_is_not_advanced(phrasing: Phrasing):
    """Reports depend on the patient and the seed only, and nothing drawn later depends on them."""
    assert _reports(phrasing, count=50) == _reports(phrasing, count=50)
    rng, untouched = np.random.default_rng(3), np.random.default_rng(3)
    plan_reports(WORLD, SUBJECTS[0], rng.spawn(1)[0])
    assert untouched.random() == rng.random()


def test_the_plan_says_what_the_reports_state():
    """The plan alone, without words, holds every statement of the reports."""
    for subject in SUBJECTS[:100]:
        drawn = np.random.default_rng([5, subject.person.number]).spawn(3)[0]
        planned = plan_reports(WORLD, subject, drawn)
        for one, report in zip(planned, written(WORLD, subject), strict=True):
            names = {(name, s.assertion, s.site, s.grade) for s in one.statements() for name in (s.finding, *s.also)}
            assert names == {(s.finding, s.assertion, s.site, s.grade) for s in report.stated}


def test_reports_state_what_is_true():
    """No report affirms what the patient does not have, nor denies what is there."""
    for subject in SUBJECTS:
        person, details = subject.person, subject.details
        for one in (one for report in written(WORLD, subject) for one in report.stated if one.assertion != "asked"):
            said_so = one.assertion in ("present", "uncertain")
            if one.finding in plan().scans["ct"].mention and one.finding not in ("aspects", "mca_infarct"):
                assert said_so is person.has(one.finding)
            if one.finding == "occlusion":
                assert said_so is (details.site is not None)
                assert one.site in (None, details.site)
            assert one.value in (None, details.value_of(one.finding))
            if one.finding == "collaterals":
                assert (one.grade == "poor") is person.has("poor_collaterals")


def _told(phrasing: Phrasing, people: Sequence[Subject]) -> set[tuple[object, ...]]:
    """Everything that the reports of these patients state, numbers aside."""
    found = set()
    for report in (report for subject in people for report in written(EAGER, subject, phrasing)):
        found |= {(report.modality, *row[:4], row[4] is not None) for row in _meaning(report.stated)}
    return found


def test_every_finding_state_site_and_grade_is_reached_in_both_halves():
    """Nothing that the plan can state is out of reach of the patients."""
    expected = {
        (scan, name, one.assertion, one.site, one.grade, one.value)
        for scan, each in plan().scans.items() if scan != "history"
        for several in each.statements.values() for one in several for name in (one.finding, *one.also)
    }  # fmt: skip
    asked = {(s, f, "asked", None, None, False) for s in ("ct", "cta", "mri") for f in ("occlusion", "hemorrhage")}
    people = list(subjects(EAGER, 5000, seed=8))
    for phrasing in PHRASINGS:
        assert set() == (expected | asked) - _told(phrasing, people)


def test_a_share_of_the_words_is_misspelt():
    """As many slips as the setting says, among the words that can slip; none where it is zero."""
    rates = {}
    for share in (0.0, 0.05):
        clean, typed = (_reports("training", _only("inline", typo_share=s), 300) for s in (0.0, share))
        pairs = [(a, b) for c, t in zip(clean, typed, strict=True) for a, b in _word_pairs(c, t)]
        assert [] == [(a, b) for a, b in pairs if a != b and not _can_slip(a)]
        eligible = [a != b for a, b in pairs if _can_slip(a)]
        rates[share] = sum(eligible) / len(eligible)
    assert 0.0 == rates[0.0]
    assert 0.05 == pytest.approx(rates[0.05], rel=0.15)


def _word_pairs(clean: WrittenReport, typed: WrittenReport) -> list[tuple[str, str]]:
    """The words of the statements, as meant and as typed."""
    texts = {(a.text, b.text) for a, b in zip(clean.stated, typed.stated, strict=True)}
    return [pair for a, b in texts for pair in zip(a.split(), b.split(), strict=True)]


def _can_slip(word: str) -> bool:
    bare = word.rstrip(".,;:)?")
    kept = half("training").negations | layout().sides
    return bool(re.fullmatch(r"[A-Za-z][a-z]{3,}", bare)) and bare.lower() not in kept


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_no_typo_touches_a_number_a_side_or_a_negation(phrasing: Phrasing):
    """Even where every word is misspelt, these are not, nor do others turn into them."""
    kept = half(phrasing).negations | layout().sides
    clean, typed = (_reports(phrasing, _with(typo_share=share), 200) for share in (0.0, 1.0))
    for before, after in zip(clean, typed, strict=True):
        for meant, slipped in _word_pairs(before, after):
            if re.search(r"\d", meant) or meant.strip(".,;:)?").lower() in kept:
                assert meant == slipped
            assert meant == slipped or slipped.strip(".,;:)?").lower() not in kept


@pytest.mark.parametrize("word", ["noted", "hemorrhage", "Ischemic,", "territory."])
def test_a_typo_is_a_swap_a_drop_or_a_double(word: str):
    """One letter moved, lost or repeated, never the first; what follows the word stays."""
    slips = {misspell(word, frozenset(), np.random.default_rng(seed)) for seed in range(60)}
    bare = re.sub(r"\W", "", word)
    assert {len(bare) - 1, len(bare), len(bare) + 1} == {len(re.sub(r"\W", "", slip)) for slip in slips}
    assert {(word[0], word[len(bare) :])} == {(slip[0], re.sub(r"\w", "", slip)) for slip in slips}


@pytest.mark.parametrize("token", ["M1", "MCA", "no", "the", "gray-white", "5/5", "80%", "{side}"])
def test_short_words_abbreviations_and_numbers_are_never_misspelt(token: str):
    """Too short, in capitals, or not only letters."""
    assert {token} == {misspell(token, frozenset(), np.random.default_rng(seed)) for seed in range(20)}


def test_a_slip_never_makes_a_protected_word():
    """``note`` without its last letter would deny what it affirms."""
    assert {"not"} & {misspell("nott", frozenset(), np.random.default_rng(seed)) for seed in range(60)}
    assert set() == {"not"} & {misspell("nott", frozenset({"not"}), np.random.default_rng(seed)) for seed in range(60)}


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_some_sentences_deny_several_findings(phrasing: Phrasing):
    """A list states each of its findings with the same sentence, and no such list stands in a template."""
    lists = [n for report in _reports(phrasing) for n in Counter(s.text for s in report.stated).values() if n > 2]
    assert len(lists) > 20
    together = _only("structured", listed_share=1.0, no_history_share=1.0)
    for report in _reports(phrasing, together, 100):
        assert all(1 == len({s.finding for s in report.stated if s.text == one.text}) for one in report.stated)


def test_layouts_differ_in_headings_case_and_lines():
    """One style has no headings, one only capitals, one a line for each finding."""
    bare, capitals, structured = (_reports("training", _only(s), 60) for s in ("bare", "capitals", "structured"))
    assert [] == [
        r.text for r in bare if re.search(r"(findings|impression|conclusion|technique|history):", r.text, re.IGNORECASE)
    ]
    assert all(report.text == report.text.upper() for report in capitals)
    assert all("\n- " in report.text for report in structured)
    assert any(re.search(r"^- Hemorrhage: (None|Absent)\.$", report.text, re.MULTILINE) for report in structured)


def test_british_reports_are_british_throughout():
    """A site that writes British spelling has no American word left in what its reports state."""
    texts = " ".join(
        s.text for r in _reports("training", _with(british_share=1.0, typo_share=0.0), 200) for s in r.stated
    )
    assert "haemorrhage" in texts.lower()
    assert None is re.search(r"hemorrhag(?<!haemorrhag)|ischemi|gray", texts.lower())


def test_some_reports_have_no_history_and_some_ask():
    """The history line is left out, or asks a question, in about the shares of the plan."""
    ct = [report for report in _reports("training", _only("numbered")) if report.modality == "ct"]
    lines = [report for report in ct if "CLINICAL HISTORY" in report.text]
    asking = [report for report in lines if any(one.assertion == "asked" for one in report.stated)]
    assert 1 - plan().settings["no_history_share"] == pytest.approx(len(lines) / len(ct), abs=0.08)
    assert plan().settings["asked_share"] == pytest.approx(len(asking) / len(lines), abs=0.1)


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_eighty_takes_its_article(phrasing: Phrasing):
    """A number drawn for a patient agrees with the article before it."""
    assert [] == [r.text for r in _reports(phrasing) if re.search(r"\ba 8|\ban [1-79]", r.text, re.IGNORECASE)]


def test_the_reports_of_a_stay_take_little_time():
    """Frames are prepared once: far less than a millisecond of CPU a stay, on a slow machine as well."""
    for phrasing in PHRASINGS:
        _reports(phrasing)
        start = time.process_time()
        _reports(phrasing)
        assert (time.process_time() - start) / len(SUBJECTS) < 0.002
