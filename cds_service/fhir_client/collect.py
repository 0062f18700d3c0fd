"""The raw chart of one call: prefetch first, then the FHIR server, at once and within the deadline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

from cds_service.errors import MissingData
from cds_service.fhir_client.ask import ask
from cds_service.fhir_client.bundles import newest_first
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.joining import Held, joined, merged, with_fallback
from cds_service.fhir_client.prefetch import sent
from cds_service.fhir_client.second_round import with_follow_ups
from cds_service.fhir_client.shaping import parts_of
from fhir_mappings.chart import RawChart
from fhir_mappings.queries import Query, Search, fallback_searches, is_lacking, own_searches
from fhir_mappings.windows import instant


@dataclass(frozen=True)
class Case:
    """One call as far as reading goes. ``why_no_client`` says why no FHIR server is asked.

    ``base``: the listed FHIR server that the call is about, whether it is asked or not.
    ``read_until``: the `time.monotonic` moment from which the model reads no more text.
    """

    patient_id: str
    as_of: datetime
    encounter_id: str | None = None
    base: str | None = None
    prefetch: Mapping[str, Any] | None = field(default=None, repr=False)
    client: FhirClient | None = field(default=None, repr=False)
    why_no_client: str = "no fhirServer was given"
    read_until: float = inf


def collect(
    queries: Sequence[Query], case: Case, held: RawChart | None = None, *, t0: datetime | None = None
) -> RawChart:
    """The chart with these queries answered, on top of what is ``held``.

    Raises `MissingData` naming a required query that neither prefetch nor the server answered. Any
    other that failed is an issue and stands in ``unanswered``: unknown, never "none". Where a part
    of it was answered, that part is there too.
    """
    given = {query: sent(query, case.prefetch, case.patient_id, _since(query, case, t0)) for query in queries}
    lacking = [query for query in queries if query.fetched and not given[query].suffices]
    fetched = _fetched(
        lacking, case, {query: own_searches(query, case.patient_id, t0=t0, as_of=case.as_of) for query in lacking}
    )
    answers = {query: joined(query, given[query], fetched.get(query)) for query in queries}
    answers = _with_fallbacks(answers, [query for query in queries if query in fetched or query.may_hide], case, t0)
    _demand(answers)
    held = held or RawChart(case.patient_id)
    known = {query.key: answer.resources for query, answer in answers.items() if answer.resources is not None}
    found = {key: newest_first(resources) for key, resources in known.items()}  # in whatever order they came
    chart = RawChart(
        patient_id=case.patient_id,
        resources={**held.resources, **found},
        unanswered=held.unanswered | {query.key for query, answer in answers.items() if answer.failed},
        issues=(*held.issues, *(issue for answer in answers.values() for issue in answer.issues)),
    )
    return with_follow_ups(chart, [raw for raws in found.values() for raw in raws], case.client, case.why_no_client)


def _with_fallbacks(
    answers: Mapping[Query, Held], queries: Sequence[Query], case: Case, t0: datetime | None
) -> dict[Query, Held]:
    """The answers, and in the place of each that says nothing what is asked until something does.

    All that are in want of one ask at once: as many rounds as the longest has fallbacks. Where one
    fails, the rest is unknown and said: not every server knows every type.
    """
    found = dict(answers)
    if (client := case.client) is None:
        return found
    left = {query: _fallbacks(query, case.patient_id, client, t0) for query in queries}
    while asked := {query: search for query in queries if (search := _next(query, found[query], left[query], t0))}:
        replies = ask(client, case.patient_id, list(asked.values()), besides=True)
        for (query, search), reply in zip(asked.items(), replies, strict=True):
            found[query] = with_fallback(query, found[query], search, reply)
    return found


def _fallbacks(query: Query, patient_id: str, client: FhirClient, t0: datetime | None) -> Iterator[Search]:
    searches = fallback_searches(query, patient_id, t0=t0)
    return (search for search in searches if search.path not in client.profile.lacks)


def _next(query: Query, held: Held, left: Iterator[Search], t0: datetime | None) -> Search | None:
    """What to ask next in the place of an answer; None where it failed or says something, or nothing is left."""
    if held.failed or held.resources is None or not is_lacking(query, held.resources, t0):
        return None
    return next(left, None)


def prefetched(queries: Iterable[Query], case: Case) -> RawChart:
    """Only what the prefetch already carries of these queries; nothing is fetched."""
    answers = {query.key: sent(query, case.prefetch, case.patient_id).resources for query in queries}
    return RawChart(case.patient_id, {key: found for key, found in answers.items() if found is not None})


def _demand(answers: Mapping[Query, Held]) -> None:
    missing = [query for query, answer in answers.items() if query.required and answer.resources is None]
    if missing:
        keys = ", ".join(query.key for query in missing)
        why = f"{keys} ({missing[0].template}) is needed: not in prefetch, and {answers[missing[0]].why}"
        raise MissingData(why, field=f"prefetch.{missing[0].key}")


def _since(query: Query, case: Case, t0: datetime | None) -> datetime | None:
    """How far back our own searches for a key would go; None for as far as the chart does."""
    searches = own_searches(query, case.patient_id, t0=t0, as_of=case.as_of)
    bounds = [value for search in searches for _, value in search.params if value.startswith("ge")]
    return min((moment for bound in bounds if (moment := instant(bound[2:]))), default=None)


def _fetched(queries: Sequence[Query], case: Case, searches: Mapping[Query, Sequence[Search]]) -> dict[Query, Held]:
    """Our own answers to these queries, all asked at once."""
    if case.client is None:
        return {query: Held(None, True, case.why_no_client) for query in queries}
    profile = case.client.profile
    jobs = [(query, part) for query in queries for search in searches[query] for part in parts_of(search, profile)]
    answers = ask(case.client, case.patient_id, [search for _, search in jobs])
    pairs = list(zip(jobs, answers, strict=True))
    return {query: merged(query, [answer for (asked, _), answer in pairs if asked is query]) for query in queries}
