"""Which reports and documents are read."""

import pytest

from fhir_mappings.snapshot import Report
from tests.builders import LOINC, Resource, at, report
from tests.filed import codes, document, mapped, texts


def uncategorized(code: str, title: str) -> Resource:
    """A report without a category."""
    raw = report("Some text", code=code, title=title)
    del raw["category"]
    return raw


@pytest.mark.parametrize("status", ["final", "amended", "corrected", "appended"])
def test_finished_reports_are_read_in_silence(status: str) -> None:
    """And the status travels with them."""
    (found,), issues = mapped(report("x", status=status))
    assert (status, ()) == (found.status, issues)


@pytest.mark.parametrize("status", ["preliminary", "partial"])
def test_an_early_report_is_read_and_said(status: str) -> None:
    """It may still change."""
    found, issues = mapped(report("x", status=status))
    assert (1, ["not-final"]) == (len(found), [issue.code for issue in issues])


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "registered", "unknown"])
def test_other_reports_are_left_out_and_said(status: str) -> None:
    """Nothing of them is read."""
    found, issues = mapped(report("x", status=status))
    assert ((), ["not-final"]) == (found, [issue.code for issue in issues])


@pytest.mark.parametrize(
    ("code", "title"),
    [("30799-1", "CT head"), ("1-8", "MRI brain w/o"), ("1-8", "CTA Head and Neck"), ("24590-2", "x")],
)
def test_a_report_without_a_category_is_imaging_by_code_or_title(code: str, title: str) -> None:
    """Many reports carry no category."""
    assert 1 == len(mapped(uncategorized(code, title))[0])


def test_a_report_of_an_unknown_kind_is_left_out_and_said() -> None:
    """An echocardiogram's "no thrombus" is no statement about the brain."""
    raw = uncategorized("58410-2", "CBC panel")
    assert ((), ["unread"]) == (mapped(raw)[0], codes(raw))


@pytest.mark.parametrize("category", ["LAB", "HM", "MB", "laboratory"])
def test_a_laboratory_report_is_not_read_as_imaging(category: str) -> None:
    """Whatever its title says, and in silence: it is no fault."""
    raw = report("x", title="CT/NG PCR") | {"category": [{"coding": [{"code": category}]}]}
    assert ((), ()) == mapped(raw)


@pytest.mark.parametrize("category", ["LP29684-5", "RAD", "CT", "NMR"])
def test_an_imaging_category_is_enough(category: str) -> None:
    """LOINC, and HL7 v2-0074."""
    raw = report("x", code="1-8", title="x") | {"category": [{"coding": [{"system": LOINC, "code": category}]}]}
    assert 1 == len(mapped(raw)[0])


def test_reports_are_ordered_by_time() -> None:
    """Oldest first, however they arrived."""
    found, _ = mapped(report("b", 5, "r2"), report("a", 1, "r1"))
    assert ["a", "b"] == [one.text for one in found]


def test_a_report_without_issued_is_seen_after_its_lag_in_replay() -> None:
    """And at its effective time in a live call."""
    raw = report("x", 1)
    del raw["issued"]
    assert at(1) == mapped(raw)[0][0].available
    assert at(1) < mapped(raw, live=False)[0][0].available


def test_a_document_is_read_where_no_report_has_a_text() -> None:
    """With its times; beside a report it is not, as it holds the same."""
    raw = document(b"No bleed.", hours=1, filed=3)
    (found,), issues = mapped(raw)
    expected = Report("CT head report", "No bleed.", at(1), at(3), "DocumentReference/d1", "final")
    assert (expected, ()) == (found, issues)
    assert ["Infarct."] == texts(raw, report("Infarct."))
    assert ["No bleed."] == texts(raw, report("Infarct.", status="cancelled"))


def test_a_report_of_an_earlier_stay_does_not_hide_a_document_of_this_one() -> None:
    """Only texts since the start of the stay count."""
    assert ["Old.", "New."] == texts(report("Old.", -900), document(b"New."), since=at(-1))


@pytest.mark.parametrize(("type_", "title"), [("Discharge summary", "Letter"), ("Progress note", None)])
def test_documents_of_other_kinds_are_passed_over(type_: str, title: str | None) -> None:
    """In silence: a chart is full of them."""
    assert ((), ()) == mapped(document(b"No bleed.", type_=type_, title=title))


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"status": "superseded"}, False),
        ({"status": "entered-in-error"}, False),
        ({"docStatus": "entered-in-error"}, False),
        ({"docStatus": "preliminary"}, True),
    ],
)
def test_documents_follow_their_status(change: Resource, read: bool) -> None:
    """Of the reference and of the document; each is said."""
    found, issues = mapped(document(b"No bleed.") | change)
    assert (read, ["not-final"]) == (bool(found), [issue.code for issue in issues])


def test_a_document_without_a_time_of_its_own_has_that_of_its_filing() -> None:
    """And the card says so; without any time it is left out."""
    raw = document(b"No bleed.", filed=3)
    del raw["context"]
    (found,), issues = mapped(raw)
    assert (at(3), ["assumed"]) == (found.effective, [issue.code for issue in issues])
    del raw["date"]
    assert ((), ["malformed"]) == (mapped(raw)[0], codes(raw))


def test_a_report_with_a_date_alone_is_read_and_said() -> None:
    """It may be hours later than the first moment of its day."""
    raw = report("x", 1) | {"effectiveDateTime": "2026-03-02"}
    assert (["x"], ["assumed"]) == (texts(raw), codes(raw))
