"""Where the text of a report is found, and what of it is read."""

import base64
from typing import Any

import pytest

from fhir_mappings.reading import read_all
from fhir_mappings.report_filed import report_filed
from fhir_mappings.report_text import Held, text_of_filed
from fhir_mappings.snapshot import Report
from tests.builders import PATIENT_ID, Resource, at, observation, report
from tests.documents import pdf_of, rtf_of
from tests.filed import codes, form, forms, mapped, texts

LONG = "FINDINGS: " + "There is no hemorrhage in the left or the right hemisphere. " * 5


def attached(data: bytes | None, kind: str = "text/plain", **more: Any) -> Resource:
    """A report whose text is an attachment."""
    raw = report("x")
    del raw["conclusion"]
    form = {"contentType": kind} | ({"data": base64.b64encode(data).decode()} if data is not None else {})
    return raw | {"presentedForm": [form | more]}


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


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/pdf", pdf_of(("FINDINGS: normal",))),
        ("application/rtf", rtf_of("FINDINGS: normal")),
        ("text/rtf; charset=utf-8", rtf_of("FINDINGS: normal")),
        (None, pdf_of(("FINDINGS: normal",))),
        (None, rtf_of("FINDINGS: normal")),
        (None, b"<div>FINDINGS: normal</div>"),
        (None, b"FINDINGS: normal"),
    ],
)
def test_documents_are_read_whatever_their_type_says(kind: str | None, data: bytes) -> None:
    """PDF and RTF through the worker; a type that is missing is told by the first bytes."""
    assert ["FINDINGS: normal"] == texts(forms(form(data, kind)))


def test_one_text_in_several_formats_is_read_once() -> None:
    """FHIR promises that they say the same; the PDF is not even opened."""
    plain, page = form(LONG.encode(), "text/plain"), form(f"<p>{LONG}</p>".encode(), "text/html")
    assert ([LONG.strip()], ()) == (texts(forms(page, plain)), mapped(forms(page, plain))[1])
    found, issues = mapped(forms(form(b"%PDF- damaged", "application/pdf"), plain))
    assert ([LONG.strip()], ()) == ([one.text for one in found], issues)


def test_a_short_text_does_not_stand_for_the_document() -> None:
    """A "see attachment" says nothing; a document that is not read beside it is said."""
    plain, pdf = form(b"See attachment.", "text/plain"), form(pdf_of(("No bleed.",)), "application/pdf")
    assert ["See attachment.\nNo bleed."] == texts(forms(plain, pdf))
    assert ["unread"] == codes(forms(plain, form(b"%PDF- damaged", "application/pdf")))


def test_why_a_document_is_not_read_is_said() -> None:
    """The kind of failure, and no word of its content."""
    issues = mapped(forms(form(b"%PDF- Jane Doe", "application/pdf")))[1]
    assert "DiagnosticReport/r1: an attachment is not read: its file is damaged or of another type" == issues[0].text


@pytest.mark.parametrize(
    "url", ["Binary/b1", "https://ehr.example/fhir/Binary/b1", "Binary/b1/_history/2", "/Binary/b1"]
)
def test_an_attachment_in_a_binary_is_read(url: str) -> None:
    """Where whoever fetched it handed it over; by its own content type."""
    binary = {"resourceType": "Binary", "id": "b1"} | form(b"<p>No bleed</p>", "text/html")
    raw = forms({"url": url, "contentType": "application/pdf"})
    assert (["No bleed"], []) == (texts(raw, binaries={"Binary/b1": binary}), list(mapped(
        raw, binaries={"Binary/b1": binary})[1]))  # fmt: skip
    assert ["unread", "unread"] == codes(raw)


@pytest.mark.parametrize(
    "binary", [None, {}, "x", {"data": 5}, {"data": "a"}, {"data": "YQ==\u00e9"}, {"data": "AAAA", "contentType": []}]
)
def test_a_binary_that_is_none_is_unread(binary: Any) -> None:
    """It is raw JSON of a server, and nothing in it is sure."""
    found, issues = mapped(forms({"url": "Binary/b1"}), binaries={"Binary/b1": binary})
    assert ((), {"unread"}) == (found, {issue.code for issue in issues})


def test_a_contained_binary_is_read() -> None:
    """By its ``#id``."""
    raw = forms({"url": "#b"})
    raw["contained"] = [{"resourceType": "Binary", "id": "b"} | form(b"No bleed", "text/plain")]
    assert ["No bleed"] == texts(raw)


def test_coded_conclusions_join_the_impression_unless_it_says_them() -> None:
    """By their text, else their display; a word within another statement is not that statement."""
    concepts = [{"text": "Infarct"}, {"coding": [{"display": "Hemorrhage"}]}, {"coding": [{"code": "1"}]}]
    assert ["Infarct. No hemorrhage.\nIMPRESSION: Hemorrhage."] == texts(
        report("Infarct. No hemorrhage.") | {"conclusionCode": concepts}
    )
    bare = report("x") | {"conclusionCode": concepts[:1]}
    del bare["conclusion"]
    assert ["IMPRESSION: Infarct."] == texts(bare)


def test_a_conclusion_is_kept_where_only_its_negation_stands_in_the_attachment() -> None:
    """For "hemorrhage" is not said by "no hemorrhage": both are read, and the contradiction is seen."""
    raw = attached(b"FINDINGS: No hemorrhage.") | {"conclusion": "Hemorrhage."}
    assert ["FINDINGS: No hemorrhage.\nIMPRESSION: Hemorrhage."] == texts(raw)


def test_results_that_are_texts_are_read_under_their_names() -> None:
    """From the chart or contained; a number, or one entered in error, is none."""

    def result(id_: str, name: str, status: str = "final", **value: Any) -> Resource:
        raw = observation("59776-5", None, id_=id_, status=status)
        return raw | {"code": {"text": name}} | value

    raw = report("x")
    del raw["conclusion"]
    links = [
        "#o1",
        "Observation/o2",
        "https://ehr.example/Observation/o3",
        "Observation/o4",
        "Observation/o5",
        "urn:uuid:1",
    ]
    raw |= {
        "contained": [result("o1", "Findings", valueString="Dense vessel.")],
        "result": [{"reference": link} for link in links],
    }
    others = [
        result("o2", "Impression", valueString="Infarct."),
        result("o3", "Hemorrhage", valueCodeableConcept={"text": "Absent"}),
        result("o4", "Findings", "entered-in-error", valueString="Hemorrhage."),
        result("o5", "ASPECTS", valueInteger=8),
    ]
    assert ["Findings: Dense vessel.\nImpression: Infarct.\nHemorrhage: Absent"] == texts(raw, *others)


def test_a_conclusion_in_html_or_rtf_is_read() -> None:
    """Some servers fill strings with markup."""
    assert ["FINDINGS: No bleed.\n\nNormal."] == texts(report("<p><b>FINDINGS:</b> No bleed.</p><p>Normal.</p>"))
    assert ["FINDINGS:\nNo bleed."] == texts(report(rtf_of("FINDINGS:", "No bleed.").decode()))


def test_when_the_time_for_documents_is_spent_the_rest_is_said() -> None:
    """Plain text costs none and is read all the same."""
    (resource,), _ = read_all([forms(form(pdf_of(("Bleed.",))), form(b"No bleed."))], PATIENT_ID)
    text, reasons = text_of_filed(report_filed(resource), Held(until=0))
    assert ("No bleed.", ("an attachment is not read: no time was left for it",)) == (text, reasons)
