"""Reports and documents for tests, and what is read of them."""

import base64
from typing import Any

from fhir_mappings.reading import read_all
from fhir_mappings.report_order import standing_at
from fhir_mappings.reports import filed_from
from fhir_mappings.snapshot import Issue, Report
from tests.builders import PATIENT_ID, Resource, report, subject, when

KINDS = ("DiagnosticReport", "Observation", "DocumentReference")


def mapped(*raws: Resource, live: bool = True, **more: Any) -> tuple[tuple[Report, ...], tuple[Issue, ...]]:
    """The reports of these resources, with the Observations and documents among them; all must be readable."""
    resources, unread = read_all(raws, PATIENT_ID)
    assert () == unread
    reports, observations, documents = ([one for one in resources if one.get_resource_type() == kind] for kind in KINDS)
    versions, issues = filed_from(reports, live=live, observations=observations, documents=documents, **more)
    standing, superseded = standing_at(versions)
    return standing, (*issues, *superseded)


def texts(*raws: Resource, **more: Any) -> list[str]:
    """The texts that were read."""
    return [one.text for one in mapped(*raws, **more)[0]]


def forms(*attachments: Resource) -> Resource:
    """A report whose text stands in these attachments."""
    raw = report("x") | {"presentedForm": list(attachments)}
    del raw["conclusion"]
    return raw


def document(
    data: bytes, hours: float = 1, filed: float = 2, type_: str = "Radiology note",
    title: str | None = "CT head report", id_: str = "d1",
) -> Resource:  # fmt: skip
    """A DocumentReference to a plain text."""
    raw = {
        "resourceType": "DocumentReference", "id": id_, "status": "current", "subject": subject(),
        "type": {"text": type_}, "date": when(filed), "context": {"period": {"start": when(hours)}},
        "content": [{"attachment": form(data, "text/plain") | ({"title": title} if title else {})}],
    }  # fmt: skip
    return raw | ({"description": title} if title else {})


def form(data: bytes, kind: str | None = None) -> Resource:
    """An attachment with its data."""
    return {"data": base64.b64encode(data).decode()} | ({"contentType": kind} if kind else {})


def codes(*raws: Resource) -> list[str]:
    """What was said of these reports."""
    return [issue.code for issue in mapped(*raws)[1]]
