"""The raw chart of one call: prefetch first, then the FHIR server, at once and within the deadline."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cds_service.errors import MissingData
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.prefetch import sent
from cds_service.outbound.session import POOL, OutboundError
from fhir_mappings.chart import RawChart, raws_of
from fhir_mappings.queries import Query, Search, fallback_searches, follow_ups, own_searches
from fhir_mappings.snapshot import Issue, Raw


@dataclass(frozen=True)
class Case:
    """One call as far as reading goes. ``why_no_client`` says why no FHIR server is asked."""

    patient_id: str
    as_of: datetime
    encounter_id: str | None = None
    prefetch: Mapping[str, Any] | None = field(default=None, repr=False)
    client: FhirClient | None = field(default=None, repr=False)
    why_no_client: str = "no fhirServer was given"


@dataclass(frozen=True)
class _Answer:
    """What one query brought; ``resources`` is None where it could not be answered, and ``why``."""

    resources: tuple[Raw, ...] | None
    why: str = ""
    complete: bool = True


def collect(
    queries: Sequence[Query], case: Case, held: RawChart | None = None, *, t0: datetime | None = None
) -> RawChart:
    """The chart with these queries answered, on top of what is ``held``.

    Raises `MissingData` naming a required query that neither prefetch nor the server answered. Any
    other that failed is an issue and stands in ``unanswered``: unknown, never "none".
    """
    with ThreadPoolExecutor(POOL) as pool:
        answers = dict(zip(queries, pool.map(lambda query: _answer(query, case, t0), queries), strict=True))
    missing = [query for query in queries if query.required and answers[query].resources is None]
    if missing:
        why = answers[missing[0]].why
        raise MissingData(f"{missing[0].key} ({missing[0].template}) is needed: not in prefetch, and {why}")
    held = held or RawChart(case.patient_id)
    resources = dict(held.resources) | {
        query.key: answer.resources for query, answer in answers.items() if answer.resources is not None
    }
    failed = {query.key: answer.why for query, answer in answers.items() if answer.resources is None}
    chart = RawChart(
        patient_id=case.patient_id,
        resources=resources,
        unanswered=held.unanswered | failed.keys(),
        issues=(*held.issues, *_said(answers, failed)),
    )
    new = [raw for answer in answers.values() for raw in answer.resources or ()]
    return _with_follow_ups(chart, case, new)


def prefetched(queries: Iterable[Query], case: Case) -> RawChart:
    """Only what the prefetch already carries of these queries; nothing is fetched."""
    answers = {query.key: answer for query in queries if (answer := sent(query, case.prefetch))}
    return RawChart(case.patient_id, {key: answer.resources for key, answer in answers.items()})


def _said(answers: Mapping[Query, _Answer], failed: Mapping[str, str]) -> list[Issue]:
    failures = [Issue("query-failed", f"{key} unknown: {why}", about=key) for key, why in failed.items()]
    partial = [
        Issue("incomplete", f"{query.key} may be incomplete: {answer.why}", about=query.key)
        for query, answer in answers.items()
        if answer.resources is not None and not answer.complete
    ]
    return failures + partial


def _answer(query: Query, case: Case, t0: datetime | None) -> _Answer:
    """From prefetch where it is whole, else from the server; a partial prefetch is better than none."""
    given = sent(query, case.prefetch)
    if given is not None and given.complete:
        return _Answer(given.resources)
    fetched = _fetched(query, case, t0)
    if fetched.resources is not None:
        return _Answer((*(given.resources if given else ()), *fetched.resources), fetched.why, fetched.complete)
    if given is not None:
        return _Answer(given.resources, f"more exists, and {fetched.why}", complete=False)
    return fetched


def _fetched(query: Query, case: Case, t0: datetime | None) -> _Answer:
    if case.client is None:
        return _Answer(None, case.why_no_client)
    try:
        found, complete = _run(own_searches(query, case.patient_id, t0=t0, as_of=case.as_of), case)
        if not found:
            found, complete = _run(fallback_searches(query, case.patient_id, t0=t0), case)
    except OutboundError as error:
        return _Answer(None, f"the FHIR server {_phrase(error)}")
    return _Answer(found, "" if complete else "too many pages", complete)


def _phrase(error: OutboundError) -> str:
    """The reason as a sentence about the server."""
    return error.why if error.why.startswith(("answered", "timed out")) else f"gave no answer ({error.why})"


def _run(searches: Sequence[Search], case: Case) -> tuple[tuple[Raw, ...], bool]:
    """All resources of these searches, and whether they are whole."""
    client = case.client
    if client is None:
        return (), True
    found: list[Raw] = []
    complete = True
    for search in searches:
        if "/" in search.path:
            found.append(client.read(search.path))
            continue
        result = client.search(search, case.patient_id)
        found += result.resources
        complete &= result.complete
    return tuple(found), complete


def _with_follow_ups(chart: RawChart, case: Case, new: Sequence[Raw]) -> RawChart:
    """The chart after one second round: earlier Encounters of the stay, and drugs given by reference."""
    wanted = follow_ups(new, raws_of(chart))
    if not wanted:
        return chart
    with ThreadPoolExecutor(POOL) as pool:
        answers = list(pool.map(lambda reference: _read(reference, case), wanted))
    read = tuple(raw for raw in answers if not isinstance(raw, Issue))
    issues = tuple(issue for issue in answers if isinstance(issue, Issue))
    followed = (*chart.resources.get("follow-ups", ()), *read)
    resources = dict(chart.resources) | ({"follow-ups": followed} if followed else {})
    return RawChart(chart.patient_id, resources, chart.unanswered, (*chart.issues, *issues))


def _read(reference: str, case: Case) -> Raw | Issue:
    try:
        if case.client is None:
            raise OutboundError(case.why_no_client)
        return case.client.read(reference)
    except OutboundError as error:
        kind = "an earlier encounter of this stay" if reference.startswith("Encounter/") else "a drug"
        return Issue("query-failed", f"{reference[:80]}, {kind}, was not read ({error.why})", about="follow-ups")
