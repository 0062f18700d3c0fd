"""Which version of each report stands at a moment, and in which order."""

from typing import Any

import pytest

from fhir_mappings.reading import read_all
from fhir_mappings.report_order import Version, newest_final_first, standing_at
from fhir_mappings.reports import filed_from
from tests.builders import LOINC, PATIENT_ID, Resource, report
from tests.filed import codes, document, form, mapped, texts

ACCESSION = {"identifier": [{"system": "urn:ris", "value": "A1"}]}
STUDY = {"imagingStudy": [{"reference": "ImagingStudy/s1"}]}
ORDER = {"basedOn": [{"reference": "ServiceRequest/o1"}]}


def early(text: str = "No bleed.", issued: float = 2, **more: Any) -> Resource:
    """A preliminary report."""
    return report(text, 1, "early", issued, "preliminary", **more)


def final(text: str = "Bleed.", issued: float = 5, hours: float = 1, id_: str = "final", **more: Any) -> Resource:
    """A final report of the same examination."""
    return report(text, hours, id_, issued, **more)


def versions(*raws: Resource) -> tuple[Version, ...]:
    """All that were filed."""
    return filed_from(read_all(raws, PATIENT_ID)[0], live=False)[0]


@pytest.mark.parametrize("shared", [ACCESSION, STUDY, ORDER, {}])
def test_a_final_report_supersedes_the_preliminary_one_of_its_study(shared: Resource) -> None:
    """By a number, a study, an order, or by code and time; and it is said."""
    found, issues = mapped(early() | shared, final() | shared)
    assert ["Bleed."] == [one.text for one in found]
    assert ["DiagnosticReport/early left out: superseded by DiagnosticReport/final"] == [one.text for one in issues]


@pytest.mark.parametrize(("hour", "text"), [(3, ["No bleed."]), (5, ["Bleed."])])
def test_a_preliminary_report_stands_until_the_final_one_is_there(hour: float, text: list[str]) -> None:
    """At three o'clock nobody knew the final one, which is issued at five."""
    filed = versions(early() | ACCESSION, final() | ACCESSION)
    moment = next(one.report.effective for one in filed).replace(hour=8 + int(hour))
    standing, issues = standing_at(filed, moment)
    assert text == [one.text for one in standing]
    assert ["not-final"] == [one.code for one in issues]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (early(), final(hours=3)),
        (early() | ORDER, final(hours=9) | ORDER),
        (early() | ACCESSION, final(code="30593-8", title="CTA head") | ACCESSION),
        (early(code="18748-4", title="CT head"), final(code="18748-4", title="CTA head")),
        (early(code="18748-4", title="Imaging"), final(code="18748-4", title="Imaging")),
        (early() | {"effectiveDateTime": "2026-03-02"}, final() | {"effectiveDateTime": "2026-03-02"}),
    ],
)
def test_reports_that_may_be_of_two_examinations_both_stand(first: Resource, second: Resource) -> None:
    """Another time or code, an order for a series, an accession number of two examinations, a date alone."""
    assert {"No bleed.", "Bleed."} == set(texts(first, second))


@pytest.mark.parametrize("status", ["amended", "corrected"])
def test_a_revised_report_supersedes_the_final_one(status: str) -> None:
    """Even where it only takes something back."""
    revised = report("No bleed.", 1, "revised", 6, status)
    assert ["No bleed."] == texts(final("No bleed. Midline shift."), revised)
    assert ["not-final"] == codes(final("No bleed. Midline shift."), revised)


def test_of_two_with_one_number_the_later_counts() -> None:
    """And where neither is later, both stand."""
    assert ["New."] == texts(final("Old.") | ACCESSION, final("New.", 6, id_="other") | ACCESSION)
    assert {"Old.", "New."} == set(texts(final("Old.") | ACCESSION, final("New.", id_="other") | ACCESSION))


def test_a_report_reached_twice_is_read_once_in_silence() -> None:
    """One text under two ids, by time or number; or one that says a part of the other."""
    whole = "FINDINGS: Clot.\nIMPRESSION: Bleed."
    assert (["Bleed."], []) == (texts(final(), final(id_="b")), codes(final(), final(id_="b")))
    for shared in (ACCESSION, {}):
        for issued in (4, 6):
            pair = final(whole) | shared, final("Bleed.", issued, id_="b") | shared
            assert ([whole], []) == (texts(*pair), codes(*pair))


def test_a_revision_may_take_something_back() -> None:
    """The later of two is no part of the earlier one."""
    first, second = (report(text, 1, text[-3:-1], at_, "corrected") | ACCESSION for text, at_ in (
        ("Clot. Bleed.", 5), ("Clot.", 6)))  # fmt: skip
    assert ["Clot."] == texts(first, second)


def test_one_text_on_two_days_is_two_reports() -> None:
    """A template says the same of every normal scan."""
    assert ["Normal.", "Normal."] == texts(final("Normal."), final("Normal.", 30, 25, id_="b"))


def test_one_text_of_two_examinations_within_the_hour_is_read_once_where_it_is_long() -> None:
    """A report of both is filed under each; but a CT and an MR may both be "normal"."""
    both = "There is no hemorrhage in the left or in the right hemisphere. " * 4
    assert [both.strip()] == texts(final(both), final(both, id_="b", code="24590-2", title="MR brain"))
    assert ["Normal.", "Normal."] == texts(
        final("Normal."), final("Normal.", id_="b", code="24590-2", title="MR brain")
    )


def test_an_addendum_stands_below_its_report() -> None:
    """By its status, its title or its first words; several in order of time; the source is the report's."""
    second = report("ADDENDUM 2: Now bleed.", 1, "a2", 8) | ACCESSION
    first = report("Addendum: Seen by phone.", 1, "a1", 7, "appended") | ACCESSION
    (found,), issues = mapped(second, final("No bleed.") | ACCESSION, first)
    assert "No bleed.\n\nADDENDUM:\nSeen by phone.\n\nADDENDUM:\nNow bleed." == found.text
    assert ("DiagnosticReport/final", "appended", ()) == (found.source, found.status, issues)


def test_an_addendum_that_repeats_its_report_takes_its_place() -> None:
    """Many systems send the whole text again."""
    whole = "ADDENDUM: Now bleed.\nFINDINGS: No clot.\nIMPRESSION: Normal."
    assert [whole] == texts(
        final("FINDINGS: No clot.\nIMPRESSION: Normal.") | ACCESSION, report(whole, 1, "a", 7, "appended") | ACCESSION
    )


def test_an_addendum_without_its_report_stands_alone() -> None:
    """Of another study, or of none that is here."""
    addendum = report("ADDENDUM: Now bleed.", 30, "a", 31)
    assert ["ADDENDUM: Now bleed."] == texts(addendum)
    assert ["No bleed.", "ADDENDUM: Now bleed."] == texts(final("No bleed."), addendum)


def test_an_addendum_prefers_the_report_of_its_examination() -> None:
    """Where an accession number covers two."""
    angiography = final("No clot.", id_="cta", hours=1.2, code="30593-8", title="CTA head") | ACCESSION
    addendum = report("ADDENDUM: Now bleed.", 1, "a", 7) | ACCESSION
    assert ["No bleed.\n\nADDENDUM:\nNow bleed.", "No clot."] == texts(
        angiography, final("No bleed.") | ACCESSION, addendum
    )


def related(id_: str, text: bytes, code: str, other: str) -> Resource:
    """A document that replaces or appends to another one."""
    return document(text, id_=id_) | {"relatesTo": [{"code": code, "target": {"reference": other}}]}


def test_documents_say_which_they_replace_and_add_to() -> None:
    """By their links."""
    old = document(b"No bleed.", hours=2, id_="d0")
    assert ["Bleed."] == texts(old, related("d1", b"Bleed.", "replaces", "DocumentReference/d0"))
    late = related("d1", b"Bleed.", "appends", "DocumentReference/d0") | {"context": {}, "date": "2026-03-03T08:00:00Z"}
    assert ["No bleed.\n\nADDENDUM:\nBleed."] == texts(old, late)


def test_documents_that_replace_each_other_leave_one() -> None:
    """A fault of the server does not lose both."""
    first = related("d1", b"Bleed.", "replaces", "DocumentReference/d2")
    second = related("d2", b"No bleed.", "replaces", "DocumentReference/d1")
    assert 1 <= len(texts(first, second))


def test_a_document_and_its_copy_are_read_once() -> None:
    """The same text, filed twice within the hour."""
    assert ["Bleed."] == texts(document(b"Bleed."), document(b"BLEED", hours=1.5, id_="d2"))


def test_the_newest_final_report_comes_first_where_order_matters() -> None:
    """What may still change comes last, however new it is."""
    found, _ = mapped(early("c", code="1-8"), final("a", id_="a"), final("b", 9, 8, id_="b"))
    assert ["a", "c", "b"] == [one.text for one in found]
    assert ["b", "a", "c"] == [one.text for one in newest_final_first(found)]


def test_an_early_report_that_stands_is_said_and_one_that_does_not_is_said_once() -> None:
    """Not both that it is preliminary and that it was left out."""
    assert ["DiagnosticReport/early is preliminary"] == [one.text for one in mapped(early())[1]]
    assert 1 == len(codes(early(), final()))


def test_a_preliminary_report_with_the_text_of_the_final_one_is_superseded() -> None:
    """The final one stands; a report in another resource with its code in another system is told by its name."""
    assert ["DiagnosticReport/final"] == [one.source for one in mapped(early("Bleed."), final("Bleed."))[0]]
    local = final() | {"code": {"text": "CT head without contrast", "coding": [{"system": "urn:l", "code": "x"}]}}
    both = early() | {"code": {"text": "CT head without contrast", "coding": [
        {"system": LOINC, "code": "30799-1"}, {"system": "urn:l", "code": "x"}]}}  # fmt: skip
    assert ["Bleed."] == texts(both, local)


def test_a_form_shared_by_report_and_document_is_read_once() -> None:
    """The document is only read where no report has a text."""
    raw = report("x") | {"presentedForm": [form(b"Bleed.", "text/plain")]}
    del raw["conclusion"]
    assert ["Bleed."] == texts(raw, document(b"Bleed."))
