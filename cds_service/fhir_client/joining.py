"""What is known of one query: what was sent and what our own searches brought, joined, and what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cds_service.fhir_client.ask import Answer
from cds_service.fhir_client.prefetch import Sent
from fhir_mappings.queries import Query, Search
from fhir_mappings.references import are_linked
from fhir_mappings.snapshot import Issue, Raw


@dataclass(frozen=True)
class Held:
    """What is known of one query. ``resources`` is None where nothing is; ``failed`` where not all is."""

    resources: tuple[Raw, ...] | None
    failed: bool = False
    why: str = ""
    issues: tuple[Issue, ...] = ()


def merged(query: Query, answers: Sequence[Answer]) -> Held:
    """One query's answer from its searches'; a required one needs them all."""
    key, name = query.key, query.name
    failed = [answer for answer in answers if answer.resources is None]
    wrong = any(answer.wrong_patient for answer in failed)
    issues = [Issue("wrong-patient", f"{name}: {answer.why}", about=key) for answer in failed[:1] if wrong]
    if failed and (query.required or len(failed) == len(answers)):
        return Held(None, True, failed[0].why, tuple(issues))
    if dropped := sum(answer.dropped for answer in answers):
        issues.append(Issue("malformed", f"{name}: entries that were not asked for left out ({dropped})", about=key))
    if failed:
        issues.append(Issue("query-failed", f"{name} partly unknown: {failed[0].why}", about=key))
    if partial := [answer.why for answer in answers if answer.resources is not None and not answer.complete]:
        issues.append(Issue("incomplete", f"{name} may be incomplete: {partial[0]}", about=key))
    found = tuple(raw for answer in answers for raw in answer.resources or ())
    return Held(found, bool(failed or (partial and query.whole)), "", tuple(issues))


def joined(query: Query, given: Sent, fetched: Held | None) -> Held:
    """From prefetch where it is whole, else with the server's; a partial prefetch is better than none."""
    if fetched is None:  # complete as sent, or never fetched
        return Held(given.resources, issues=given.issues)
    issues = (*given.issues, *fetched.issues)
    if fetched.resources is not None:
        return Held((*fetched.resources, *(given.resources or ())), fetched.failed, "", issues)
    if given.resources is None:
        said = Issue("query-failed", f"{query.name} unknown: {fetched.why}", about=query.key)
        return Held(None, True, fetched.why, (*issues, said))
    told = _what_may_lack(query, given, given.resources, fetched.why)
    failed = query.whole and not given.complete
    return Held(given.resources, failed, fetched.why, (*issues, *told))


def _what_may_lack(query: Query, given: Sent, found: Sequence[Raw], why: str) -> tuple[Issue, ...]:
    """What is said where nothing could be asked beside what was sent.

    What a stay is part of is either there, or said as unread by its name (`second_round`).
    """
    if not given.complete:
        return (Issue("incomplete", f"{query.name} may be incomplete: more exists, and {why}", about=query.key),)
    if are_linked(found):
        return ()
    text = f"{query.name} may be incomplete (an emergency visit that is over): {why}"
    return (Issue("incomplete", text, about=query.key),)


def with_fallback(query: Query, held: Held, search: Search, answer: Answer) -> Held:
    """An answer with what was asked in its place; where that failed, the rest is unknown and said."""
    if answer.resources is None:
        said = Issue("query-failed", f"{query.name} partly unknown: {answer.why} ({search.path})", about=query.key)
        return replace(held, failed=True, issues=(*held.issues, said))
    issues = held.issues
    if not answer.complete:
        text = f"{query.name} may be incomplete: {answer.why} ({search.path})"
        issues = (*issues, Issue("incomplete", text, about=query.key))
    failed = query.whole and not answer.complete
    return Held((*(held.resources or ()), *answer.resources), failed, held.why, issues)
