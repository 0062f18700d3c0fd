"""The raw chart of one call: prefetch first, then the FHIR server, at once and within the deadline."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf
from typing import Any

from cds_service.errors import MissingData
from cds_service.fhir_client.ask import Answer, ask
from cds_service.fhir_client.bundles import newest_first
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.prefetch import Sent, sent
from cds_service.fhir_client.shaping import parts_of
from fhir_mappings.chart import RawChart, raws_of
from fhir_mappings.queries import Query, Search, elsewhere, fallback_searches, follow_ups, is_lacking, own_searches
from fhir_mappings.snapshot import Issue, IssueCode, Raw
from fhir_mappings.windows import instant

MOST_FOLLOW_UPS = 50


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


@dataclass(frozen=True)
class _Held:
    """What is known of one query. ``resources`` is None where nothing is; ``failed`` where not all is."""

    resources: tuple[Raw, ...] | None
    failed: bool = False
    why: str = ""
    issues: tuple[Issue, ...] = ()


def collect(
    queries: Sequence[Query], case: Case, held: RawChart | None = None, *, t0: datetime | None = None
) -> RawChart:
    """The chart with these queries answered, on top of what is ``held``.

    Raises `MissingData` naming a required query that neither prefetch nor the server answered. Any
    other that failed is an issue and stands in ``unanswered``: unknown, never "none". Where a part
    of it was answered, that part is there too.
    """
    given = {query: sent(query, case.prefetch, case.patient_id, _since(query, case, t0)) for query in queries}
    lacking = [query for query in queries if query.fetched and not given[query].complete]
    fetched = _fetched(
        lacking, case, {query: own_searches(query, case.patient_id, t0=t0, as_of=case.as_of) for query in lacking}
    )
    answers = {query: _joined(query, given[query], fetched.get(query)) for query in queries}
    again = [query for query in queries if query in fetched or query.may_hide]
    answers |= {query: _with_fallbacks(query, answers[query], case, t0) for query in again}
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
    return _with_follow_ups(chart, case, [raw for raws in found.values() for raw in raws])


def _with_fallbacks(query: Query, held: _Held, case: Case, t0: datetime | None) -> _Held:
    """An answer that says nothing, with what is asked in its place until something does.

    Where a fallback fails, the rest is unknown and said: not every server knows every type.
    """
    if case.client is None:
        return held
    known = [
        one for one in fallback_searches(query, case.patient_id, t0=t0) if one.path not in case.client.profile.lacks
    ]
    for search in known:
        found = held.resources
        if held.failed or found is None or not is_lacking(query, found):
            break
        (answer,) = ask(case.client, case.patient_id, [search])
        if answer.resources is None:
            said = Issue("query-failed", f"{query.key}: {search.path} unknown: {answer.why}", about=query.key)
            held = replace(held, failed=True, issues=(*held.issues, said))
        else:
            held = replace(held, resources=(*found, *answer.resources))
    return held


def prefetched(queries: Iterable[Query], case: Case) -> RawChart:
    """Only what the prefetch already carries of these queries; nothing is fetched."""
    answers = {query.key: sent(query, case.prefetch, case.patient_id).resources for query in queries}
    return RawChart(case.patient_id, {key: found for key, found in answers.items() if found is not None})


def _demand(answers: Mapping[Query, _Held]) -> None:
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


def _fetched(queries: Sequence[Query], case: Case, searches: Mapping[Query, Sequence[Search]]) -> dict[Query, _Held]:
    """Our own answers to these queries, all asked at once."""
    if case.client is None:
        return {query: _Held(None, True, case.why_no_client) for query in queries}
    profile = case.client.profile
    jobs = [(query, part) for query in queries for search in searches[query] for part in parts_of(search, profile)]
    answers = ask(case.client, case.patient_id, [search for _, search in jobs])
    pairs = list(zip(jobs, answers, strict=True))
    return {query: _merged(query, [answer for (asked, _), answer in pairs if asked is query]) for query in queries}


def _merged(query: Query, answers: Sequence[Answer]) -> _Held:
    """One query's answer from its searches'; a required one needs them all."""
    key, name = query.key, query.name
    failed = [answer for answer in answers if answer.resources is None]
    wrong = any(answer.wrong_patient for answer in failed)
    issues = [Issue("wrong-patient", f"{name}: {answer.why}", about=key) for answer in failed[:1] if wrong]
    if failed and (query.required or len(failed) == len(answers)):
        return _Held(None, True, failed[0].why, tuple(issues))
    if dropped := sum(answer.dropped for answer in answers):
        issues.append(Issue("malformed", f"{name}: entries that were not asked for left out ({dropped})", about=key))
    if failed:
        issues.append(Issue("query-failed", f"{name} partly unknown: {failed[0].why}", about=key))
    if partial := [answer.why for answer in answers if answer.resources is not None and not answer.complete]:
        issues.append(Issue("incomplete", f"{name} may be incomplete: {partial[0]}", about=key))
    found = tuple(raw for answer in answers for raw in answer.resources or ())
    return _Held(found, bool(failed or (partial and query.whole)), "", tuple(issues))


def _joined(query: Query, given: Sent, fetched: _Held | None) -> _Held:
    """From prefetch where it is whole, else with the server's; a partial prefetch is better than none."""
    key, name = query.key, query.name
    if fetched is None:  # complete as sent, or never fetched
        return _Held(given.resources, issues=given.issues)
    issues = (*given.issues, *fetched.issues)
    if fetched.resources is not None:
        return _Held((*fetched.resources, *(given.resources or ())), fetched.failed, "", issues)
    if given.resources is not None:
        said = Issue("incomplete", f"{name} may be incomplete: more exists, and {fetched.why}", about=key)
        return _Held(given.resources, query.whole, fetched.why, (*issues, said))
    said = Issue("query-failed", f"{name} unknown: {fetched.why}", about=key)
    return _Held(None, True, fetched.why, (*issues, said))


def _with_follow_ups(chart: RawChart, case: Case, new: Sequence[Raw]) -> RawChart:
    """The chart after one second round: earlier Encounters of the stay, drugs by reference, attachments, results."""
    held, base = raws_of(chart), case.client.base if case.client else None
    wanted, foreign = follow_ups(new, held, base), elsewhere(new, held, base)
    asked = [Search(reference) for reference in wanted[:MOST_FOLLOW_UPS]]
    if not asked and not foreign:
        return chart
    answers = (
        ask(case.client, case.patient_id, asked) if case.client else [Answer(None, case.why_no_client)] * len(asked)
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
