"""What the resources of a chart refer to, read in one more round: attachments, drugs, earlier Encounters, results."""

from collections.abc import Sequence

from cds_service.fhir_client.ask import Answer, ask
from cds_service.fhir_client.client import FhirClient
from fhir_mappings.chart import RawChart, raws_of
from fhir_mappings.queries import Search
from fhir_mappings.references import elsewhere, follow_ups
from fhir_mappings.snapshot import Issue, IssueCode, Raw

MOST_FOLLOW_UPS = 50


def with_follow_ups(chart: RawChart, new: Sequence[Raw], client: FhirClient | None, why_no_client: str) -> RawChart:
    """The chart with what its ``new`` resources refer to and it does not hold; what could not be read is said."""
    held, bases = raws_of(chart), client.names if client else ()
    wanted, foreign = follow_ups(new, held, bases), elsewhere(new, held, bases)
    asked = [Search(reference) for reference in wanted[:MOST_FOLLOW_UPS]]
    if not asked and not foreign:
        return chart
    answers = (
        ask(client, chart.patient_id, asked, besides=True) if client else [Answer(None, why_no_client)] * len(asked)
    )
    read = tuple(raw for answer in answers for raw in answer.resources or ())
    issues = [
        _unread(search, answer) for search, answer in zip(asked, answers, strict=True) if answer.resources is None
    ]
    if len(wanted) > len(asked):
        issues.append(Issue("incomplete", f"{len(wanted) - len(asked)} references were not read", about="follow-ups"))
    if foreign:
        said = f"references that are not on this call's FHIR server were not read ({len(foreign)})"
        issues.append(Issue("incomplete", said, about="follow-ups"))
    followed = (*chart.resources.get("follow-ups", ()), *read)
    resources = {**chart.resources, **({"follow-ups": followed} if followed else {})}
    return RawChart(chart.patient_id, resources, chart.unanswered, (*chart.issues, *issues))


_KINDS = {
    "Encounter": "an earlier encounter of this stay", "Medication": "a drug", "Binary": "an attachment",
    "Observation": "a result",
}  # fmt: skip


def _unread(search: Search, answer: Answer) -> Issue:
    kind = _KINDS[search.path.partition("/")[0]]
    code: IssueCode = "wrong-patient" if answer.wrong_patient else "query-failed"
    return Issue(code, f"{search.path[:80]}, {kind}, was not read ({answer.why})", about="follow-ups")
