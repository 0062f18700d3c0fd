"""Which reports are read, and what their text is."""

import base64
from typing import Any

import pytest

from fhir_mappings.reading import read_all
from fhir_mappings.reports import reports_from
from fhir_mappings.snapshot import Issue, Report
from tests.builders import LOINC, Resource, at, report


def mapped(*raws: Resource, live: bool = True) -> tuple[tuple[Report, ...], tuple[Issue, ...]]:
    """The reports of these resources, which must all be readable."""
    resources, unread = read_all(raws, "p1")
    assert () == unread
    return reports_from(resources, live=live)


def codes(*raws: Resource) -> list[str]:
    """What was said of these reports."""
    return [issue.code for issue in mapped(*raws)[1]]


def attached(data: bytes | None, kind: str = "text/plain", **more: Any) -> Resource:
    """A report whose text is an attachment."""
    raw = report("x")
    del raw["conclusion"]
    form = {"contentType": kind} | ({"data": base64.b64encode(data).decode()} if data is not None else {})
    return raw | {"presentedForm": [form | more]}


def uncategorized(code: str, title: str) -> Resource:
    """A report without a category."""
    raw = report("Some text", code=code, title=title)
    del raw["category"]
    return raw


def test_a_conclusion_is_the_text() -> None:
    """With its title, times, source and status."""
    (found,), issues = mapped(report("No hemorrhage.", 1))
    expected = Report("CT head without contrast", "No hemorrhage.", at(1), at(2), "DiagnosticReport/r1", "final")
    assert (expected, ()) == (found, issues)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text/plain", b"FINDINGS: normal"),
        ("text/plain; charset=utf-8", b"FINDINGS: normal"),
        ("text/html", b"<p>FINDINGS: <b>normal</b></p>"),
    ],
)
def test_an_attachment_is_decoded(kind: str, data: bytes) -> None:
    """Plain text and HTML, from base64."""
    assert ["FINDINGS: normal"] == [found.text for found in mapped(attached(data, kind))[0]]


def test_the_conclusion_follows_the_attachment_once() -> None:
    """Where the attachment holds it already, it is not read twice."""
    text = b"FINDINGS: dense vessel.\nIMPRESSION: Infarct."
    both = attached(text) | {"conclusion": "Infarct."}
    other = attached(b"FINDINGS: dense vessel.") | {"conclusion": "Infarct."}
    assert text.decode() == mapped(both)[0][0].text
    assert text.decode() == mapped(other)[0][0].text


def test_the_narrative_is_read_where_nothing_else_has_text() -> None:
    """``text.div``, never beside a conclusion: it repeats it."""
    div = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">M1 occlusion</div>'}
    raw = report("x") | {"text": div}
    assert "x" == mapped(raw)[0][0].text
    del raw["conclusion"]
    assert "M1 occlusion" == mapped(raw)[0][0].text


def test_a_report_without_text_is_unread() -> None:
    """Said, and no empty report."""
    raw = report("x")
    del raw["conclusion"]
    assert ((), ["unread"]) == (mapped(raw)[0], codes(raw))


def test_an_attachment_behind_a_url_is_unread() -> None:
    """Nothing is fetched by the mapping; a conclusion beside it is still read."""
    linked = attached(None, url="https://ehr.example/Binary/1")
    assert () == mapped(linked)[0]
    assert {"unread"} == set(codes(linked))
    found, issues = mapped(linked | {"conclusion": "Infarct."})
    assert (["Infarct."], ["unread"]) == ([one.text for one in found], [issue.code for issue in issues])


def test_a_type_that_is_not_read_is_unread() -> None:
    """Word processor files, for one."""
    assert () == mapped(attached(b"x", "application/msword"))[0]
    assert "unread" in codes(attached(b"x", "application/msword"))


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
