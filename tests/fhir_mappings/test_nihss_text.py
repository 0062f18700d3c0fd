"""NIHSS in the text of reports: what is a score, what is not surely one, and what is charted already."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.nihss_text import scores_in_text, with_text_scores
from fhir_mappings.snapshot import Issue, NihssScore, Report
from tests.builders import at


def report(text: str, hours: float = 1, id_: str = "r1") -> Report:
    """A report with this text."""
    return Report("CT head", text, at(hours), at(hours + 0.5), f"DiagnosticReport/{id_}")


def read(text: str) -> tuple[list[int | None], list[str]]:
    """Totals and issue codes of one text."""
    scores, issues = scores_in_text([report(text)])
    return [one.total for one in scores], [one.code for one in issues]


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("NIHSS 7", 7),
        ("NIHSS: 12", 12),
        ("NIHSS of 9", 9),
        ("NIHSS score 14", 14),
        ("NIHSS score of 14.", 14),
        ("NIH stroke scale 4", 4),
        ("NIH Stroke Scale (NIHSS) total score: 4", 4),
        ("National Institutes of Health Stroke Scale 21", 21),
        ("NIHSS=3", 3),
        ("nihss is 0", 0),
        ("NIHSS (7)", 7),
        ("NIHSS 7/42", 7),
        ("NIHSS 7 points", 7),
        ("NIHSS now 7", 7),
        ("NIHSS - 7", 7),
        ("NIHSS12", 12),
        ("Right-sided weakness, NIHSS 15, suspected left M1 occlusion", 15),
        ("NIHSS 8 - left arm weak", 8),
        ("HISTORY: Aphasia since 10:30. NIHSS 7. 65 year old woman.", 7),
        ("Onset 2 hours ago, NIHSS 12.", 12),
        ("Prior stroke in 2019. NIHSS 7", 7),
        ("NIHSS 7. Call for questions.", 7),
        ("NIHSS 7. NIHSS of 7.", 7),
        ("Prior NIHSS 12, NIHSS 7", 7),
    ],
)
def test_a_score_in_a_text_is_read_and_said(text: str, total: int) -> None:
    """At the report's time, with the words that it was read from the text."""
    scores, issues = scores_in_text([report(text)])
    assert (NihssScore(at(1), at(1.5), total, {}, "DiagnosticReport/r1"),) == scores
    expected = f"NIHSS {total} read from the text of DiagnosticReport/r1"
    assert (Issue("assumed", expected, "DiagnosticReport/r1", "nihss"),) == issues


@pytest.mark.parametrize(
    "text",
    [
        "NIHSS 5 -> 7",
        "NIHSS 5->7",
        "NIHSS 5 to 7",
        "NIHSS 0-1",
        "NIHSS 7 and 9",
        "NIHSS 7, 9",
        "NIHSS on 12 March",
        "NIHSS 12 March",
        "NIHSS 12/3",
        "NIHSS 12.03.2026",
        "NIHSS at 10:30: 6",
        "NIHSS 12:30",
        "NIHSS item 5a 2",
        "NIHSS 5a 2",
        "NIHSS > 6",
        "NIHSS >= 6",
        "NIHSS <5",
        "NIHSS ~7",
        "NIHSS about 7",
        "NIHSS 7+",
        "NIHSS 7.5",
        "NIHSS 43",
        "NIHSS 120",
        "NIHSS -> 7",
        "NIHSS 6 or greater",
        "NIHSS 12 hours after onset",
        "NIHSS 24h",
        "NIHSS 4 point increase",
        "NIHSS 7 points worse",
        "NIHSS improved from 12 to 7",
        "NIHSS 7, now 12",
        "NIHSS 7 (previously 12)",
        "NIHSS 7. NIHSS 9.",
        "NIHSS 7. NIHSS > 6.",
        "Call if NIHSS 7",
        "Eligible for the trial when NIHSS is 6",
        "Prior NIHSS 12",
        "Previous exam: NIHSS 12",
        "On admission, NIHSS 7",
        "NIHSS 7 on admission",
        "Baseline NIHSS 7",
        "NIHSS was 12 three hours ago",
        "NIHSS 12 yesterday",
        "24 h NIHSS 5",
        "post-tPA NIHSS 5",
        "Transferred from outside hospital where NIHSS was 12",
    ],
)
def test_what_is_not_surely_a_score_of_the_moment_is_not_read_and_said(text: str) -> None:
    """Ranges, changes, dates, items, limits, other moments, conditions, several numbers."""
    assert ([], ["unread"]) == read(text)


@pytest.mark.parametrize(
    "text", ["", "No hemorrhage.", "NIHSS not performed", "ASPECTS 9", "NIHSS\n1. No hemorrhage.", "NIHSSX 7"]
)
def test_a_text_without_a_score_is_passed_over(text: str) -> None:
    """No number near the name: nothing to read and nothing to say."""
    assert ([], []) == read(text)


def test_a_score_of_the_testable_items_is_marked() -> None:
    """As in a charted total."""
    scores, _ = scores_in_text([report("NIHSS 7+X")])
    assert [(7, True)] == [(one.total, one.untestable_unnamed) for one in scores]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("baseline NIHSS was 12 at outside hospital", "prehospital"),
        ("NIHSS 12 per ambulance", "prehospital"),
        ("Intubated, NIHSS 12", "intubated"),
        ("Not sedated, NIHSS 12", None),
        ("Transferred from outside hospital, NIHSS 12", None),
    ],
)
def test_the_sentence_says_why_a_score_is_no_baseline(text: str, why: str | None) -> None:
    """The words that a charted score's note is read for."""
    assert [(12, why)] == [(one.total, one.not_a_baseline) for one in scores_in_text([report(text)])[0]]


def test_a_text_in_another_language_is_not_read() -> None:
    """Its negations and times are not known."""
    text = "Patient mit Hemiparese rechts, bei Aufnahme NIHSS 12, kein Nachweis einer Blutung im CT"
    assert [] == read(text)[0]


def test_reports_within_an_hour_tell_of_one_examination() -> None:
    """CT and CT angiogram with the same line: one score, so that none confirms the other."""
    reports = [report("NIHSS 9", 1.2, "cta"), report("NIHSS 9", 1, "ct"), report("NIHSS 9", 5, "mr")]
    for order in (reports, reports[::-1]):
        scores, issues = scores_in_text(order)
        assert [at(1), at(5)] == [one.effective for one in scores]
        assert ["assumed", "assumed"] == [one.code for one in issues]


def test_reports_within_an_hour_that_differ_give_none() -> None:
    """Neither of the two is the truth."""
    scores, issues = scores_in_text([report("NIHSS 9", 1, "ct"), report("NIHSS 7", 1.2, "cta")])
    assert ((), ["contradictory"]) == (scores, [one.code for one in issues])


def charted(total: int | None, hours: float) -> NihssScore:
    """A score in an Observation."""
    return NihssScore(at(hours), at(hours), total, {}, f"Observation/n{hours:g}")


def written(total: int, hours: float) -> NihssScore:
    """A score in a text."""
    return replace(charted(total, hours), source="DiagnosticReport/r1")


@pytest.mark.parametrize(
    ("total", "hours", "code"),
    [(9, 1, "assumed"), (9, 2, "assumed"), (None, 1.5, "assumed"), (7, 1.5, "contradictory"), (7, 0, "contradictory")],
)
def test_a_charted_score_within_an_hour_wins(total: int | None, hours: float, code: str) -> None:
    """Of the same number or another: the text is not used, and the card says so."""
    scores, issues = with_text_scores([charted(total, hours)], [written(9, 1)])
    assert ((charted(total, hours),), [code]) == (scores, [one.code for one in issues])


def test_a_text_far_from_charted_scores_is_used_in_its_place() -> None:
    """The series stays oldest first."""
    scores, issues = with_text_scores([charted(9, 3.1), charted(9, 0.9)], [written(11, 2)])
    assert ([9, 11, 9], ()) == ([one.total for one in scores], issues)
    assert ((), ()) == with_text_scores([], [])


@given(st.text(alphabet="NIHSnihs 0123456789:=+-/>,.()XofUN\n", max_size=40), st.text(max_size=20))
def test_no_text_raises_or_gives_a_score_out_of_range(text: str, other: str) -> None:
    """Any characters around the name."""
    scores, _ = scores_in_text([report(f"{other} NIHSS {text}")])
    assert all(one.total is not None and 0 <= one.total <= 42 for one in scores)


@given(st.integers(0, 42))
def test_every_total_is_read(total: int) -> None:
    """The plain sentence, for each possible score."""
    assert ([total], ["assumed"]) == read(f"NIHSS {total}.")
