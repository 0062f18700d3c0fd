"""Whatever a report holds, it gives texts and issues."""

import base64
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.reading import read_all
from fhir_mappings.report_order import standing_at
from fhir_mappings.reports import filed_from
from tests.builders import PATIENT_ID, Resource, subject
from tests.filed import KINDS


def some(required: dict[str, Any] | None = None, **optional: Any) -> Any:
    """Objects with these members, the optional ones now and then."""
    return st.fixed_dictionaries(required or {}, optional=optional)


def few(strategy: Any, least: int = 0) -> Any:
    """Short lists."""
    return st.lists(strategy, min_size=least, max_size=2)


_BYTES = st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())
_TEXTS = st.text(max_size=30) | st.sampled_from(["ADDENDUM: x", "{\\rtf1 x}", "<p>No bleed", "No bleed.", "\\.br\\"])
_NAMES = st.sampled_from(["CT head", "CTA head", "Addendum CT head", "Brain"])
_CONCEPTS = some(text=_TEXTS, coding=few(some(code=_TEXTS, display=_TEXTS)))
_LINKS = few(some(reference=st.sampled_from(["#o", "Observation/o1", "Binary/b", "//", "DiagnosticReport/r1"])))
_ATTACHMENTS = few(
    some(
        contentType=st.sampled_from(["text/plain", "text/html", "image/png", "x; charset=zlib"]),
        data=_BYTES,
        url=st.sampled_from(["Binary/b", "#o", "x", "https://a/Binary/b/_history/1"]),
        title=_TEXTS,
    ),
    least=1,
)
_TIMES = st.sampled_from(["2026-03-02T08:00:00Z", "2026-03-02", "2026", "9999-12-31", "2026-03-02T09:00:00+01:00"])
_ISSUED = st.sampled_from(["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"])
_NUMBERS = few(some(system=st.just("urn:a"), value=st.sampled_from(["1", " ", "2"])))
_CATEGORY = st.just([{"coding": [{"code": "RAD"}]}])
_REPORTS = some(
    {
        "resourceType": st.just("DiagnosticReport"),
        "id": st.sampled_from(["r1", "r2", "r3"]),
        "status": st.sampled_from(["final", "preliminary", "corrected", "appended", "x"]),
        "code": some({"text": _NAMES}, coding=few(some(code=st.just("30799-1")))),
        "category": _CATEGORY,
    },
    conclusion=_TEXTS,
    conclusionCode=few(_CONCEPTS),
    presentedForm=_ATTACHMENTS,
    result=_LINKS,
    contained=st.just([{"resourceType": "Observation", "id": "o", "status": "final", "code": {}, "valueString": "x"}]),
    basedOn=_LINKS,
    imagingStudy=_LINKS,
    identifier=_NUMBERS,
    effectiveDateTime=_TIMES,
    issued=_ISSUED,
    text=some({"status": st.just("generated"), "div": _TEXTS.map("<div>{}</div>".format)}),
)
_DOCUMENTS = some(
    {
        "resourceType": st.just("DocumentReference"),
        "id": st.sampled_from(["d1", "d2"]),
        "status": st.sampled_from(["current", "superseded", "x"]),
        "content": _ATTACHMENTS.map(lambda found: [{"attachment": one} for one in found]),
    },
    category=_CATEGORY,
    type=_CONCEPTS,
    description=_NAMES,
    docStatus=st.sampled_from(["final", "preliminary", "y"]),
    date=_ISSUED,
    identifier=_NUMBERS,
    context=some(period=some(start=_TIMES), related=_LINKS),
    relatesTo=few(
        some(
            {
                "code": st.sampled_from(["replaces", "appends", "z"]),
                "target": some(reference=st.sampled_from(["DocumentReference/d1", "DocumentReference/d2", "x"])),
            }
        )
    ),
)
_BINARIES = st.dictionaries(
    st.just("Binary/b"),
    st.none() | st.integers() | some(data=st.none() | _TEXTS | _BYTES, contentType=st.none() | st.integers() | _TEXTS),
    max_size=1,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_REPORTS, max_size=4), st.lists(_DOCUMENTS, max_size=3), _BINARIES)
def test_any_report_gives_texts_and_issues(
    reports: list[Resource], documents: list[Resource], binaries: dict[str, Any]
) -> None:
    """Nothing is raised; texts are no blanks, each report stands once, and every issue names its resource."""
    resources, _ = read_all([raw | {"subject": subject()} for raw in (*reports, *documents)], PATIENT_ID)
    of = {kind: [one for one in resources if one.get_resource_type() == kind] for kind in KINDS}
    versions, issues = filed_from(
        of["DiagnosticReport"], live=False, documents=of["DocumentReference"], binaries=binaries
    )
    standing, more = standing_at(versions)
    assert all(one.text.strip() and one.effective <= one.available for one in standing)
    assert len(standing) == len({one.source for one in standing})
    assert bool(versions) == bool(standing)
    assert all(one.source and one.text.startswith(one.source) and len(one.text) < 200 for one in (*issues, *more))
