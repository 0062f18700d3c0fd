"""Rows 30, 35-41: prefetch as it is sent, and data that is missing in it."""

from collections.abc import Iterator, Sequence
from typing import Any

from cds_service.check.asking import another, templates, without_server
from cds_service.check.caller import Answer
from cds_service.check.quoting import quoted
from cds_service.check.recording import TOKEN
from cds_service.check.requirements import Failed, NotTried, Passed, Result, judged, requirement
from cds_service.check.rows_requests import refuses, takes
from cds_service.check.seen import GIVE_REQUEST, Seen

Json = dict[str, Any]
_UNKNOWN_KEY = "check-key-of-nobody"
_NOWHERE = "https://fhir.invalid/r4"
_FAILED: Json = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


def carried(seen: Seen) -> Json:
    """The prefetch of the given request. Raises `Untried` where there is none that was answered with cards."""
    _ = seen.cards
    given = seen.request.get("prefetch")
    return given if isinstance(given, dict) else {}


def lacking(seen: Seen, prefetch: Json | None) -> Result:
    """412, or cards all the same, to a request that lacks its data; not cards that silently are none."""
    _ = seen.usual
    answer = seen.ask(another(without_server(seen.request), prefetch=prefetch))
    if answer.status == 412:
        return Passed("answered 412")
    if answer.status != 200:
        return Failed(f"without its data, the service {answer.said}, not 412")
    if answer.object.get("cards"):
        return Passed("answered with cards all the same")
    if seen.answer.status == 200 and seen.answer.object.get("cards"):
        return Failed("without its data, the service answered 200 with no cards; with them, there were cards")
    return NotTried(
        f"the service answered 200 with no cards, and whether data are required is not known; {GIVE_REQUEST}"
    )


@requirement(30, "should", "Data may come by prefetch or from the client's FHIR server.")
def data_may_be_fetched(seen: Seen) -> Result:
    """The request without prefetch is answered as the one with it."""
    answer, asked = seen.fetched
    if seen.usual != 200:
        return NotTried(f"the request carries too little; {GIVE_REQUEST}")
    what = f"without prefetch, with a FHIR server that was asked {len(asked)} times, the service {answer.said}"
    return Passed(f"{len(asked)} requests to our FHIR server") if answer.status == 200 else Failed(what)


@requirement(35, "SHALL", "Only keys that were offered are used; others change nothing.")
def unknown_keys_change_nothing(seen: Seen) -> Result:
    """One more key, with a resource that fits nothing."""
    given = seen.request.get("prefetch") or {}
    body = another(seen.request, prefetch=given | {_UNKNOWN_KEY: {"resourceType": "Basic", "id": "1"}})
    return judged([takes(seen, "a prefetch key that was not offered", body)])


@requirement(36, "SHALL", "Keys that were not satisfied are found, and fetched.")
def missing_keys_are_fetched(seen: Seen) -> Result:
    """Of types that are fetched without any prefetch, one key at a time is left out."""
    fetched = {one.type for one in seen.fetched[1]}
    given, offered = carried(seen), templates(seen.service)
    keys = [key for key in given if key in offered and _type_of(offered[key]) in fetched]
    if not keys:
        return NotTried("the request holds no prefetch of a key whose type is fetched")
    return judged(_not_fetched(seen, given, key, _type_of(offered[key])) for key in keys[:6])


def _type_of(template: str) -> str:
    return template.partition("?")[0].partition("/")[0]


def _not_fetched(seen: Seen, given: Json, key: str, type_: str) -> str | None:
    answer, asked = seen.asks(prefetch={name: value for name, value in given.items() if name != key})
    if any(one.type == type_ for one in asked) or answer.status == 412:
        return None
    return f"{quoted(key)} left out, {type_} was not fetched, and the service {answer.said[:60]}"


@requirement(37, "SHOULD", "An OperationOutcome as a key's value is a failed query.")
def outcomes_are_failures(seen: Seen) -> Result:
    """In each key, it counts as no data."""
    return lacking(seen, dict.fromkeys(seen.keys, _FAILED))


@requirement(38, "note", "null and an empty Bundle are answers: asked, nothing there.")
def nothing_is_an_answer(seen: Seen) -> Result:
    """No fault of the request, and none of the service."""
    _ = seen.usual
    empty = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    sent = {"null in each key, the service": None, "an empty Bundle in each key, the service": empty}
    answers = {
        what: seen.ask(another(seen.request, prefetch=dict.fromkeys(seen.keys, value))) for what, value in sent.items()
    }
    return judged(f"with {what} {one.said}" for what, one in answers.items() if one.status not in (200, 412))


@requirement(39, "note", "A prefetched Bundle with a next page is completed or taken as it is.")
def further_pages_are_no_fault(seen: Seen) -> Result:
    """A ``next`` link in each Bundle, and no way to follow it."""
    given = carried(seen)
    bundles = {key for key, value in given.items() if isinstance(value, dict) and value.get("resourceType") == "Bundle"}
    if not bundles:
        return NotTried("the request's prefetch holds no Bundle")
    link = [{"relation": "next", "url": "https://fhir.invalid/r4?page=2"}]
    paged = {key: value | {"link": link} if key in bundles else value for key, value in given.items()}
    return judged([takes(seen, "Bundles with a next page", another(seen.request, prefetch=paged))])


@requirement(40, "SHALL", "Required data that can be had neither way is 412, never empty cards.", turn=1)
def missing_data_is_412(seen: Seen) -> Result:
    """No prefetch and no FHIR server; one key left out at a time; a FHIR server that cannot be reached."""
    offered = seen.keys
    of_all = lacking(seen, None)
    parts = [fault for fault in (*_one_left_out(seen, offered), *_not_reached(seen)) if fault]
    return judged(parts) if parts and not isinstance(of_all, Failed) else of_all


def _one_left_out(seen: Seen, offered: Sequence[str]) -> Iterator[str | None]:
    given = seen.request.get("prefetch") or {}
    request = without_server(seen.request)
    for key in (key for key in given if key in offered):
        kept = {name: value for name, value in given.items() if name != key}
        yield _silent(seen, f"without {quoted(key)}", seen.ask(another(request, prefetch=kept)))


def _not_reached(seen: Seen) -> Iterator[str | None]:
    nowhere = another(seen.request, prefetch=None, fhirServer=_NOWHERE, fhirAuthorization=seen.access())
    yield _silent(seen, "with a FHIR server whose name leads nowhere", seen.ask(nowhere))
    if fhir := seen.choices.fhir:
        with fhir.down():
            yield _silent(seen, "with a FHIR server that is down", seen.asks(prefetch=None)[0])


def _silent(seen: Seen, what: str, answer: Answer) -> str | None:
    """What is wrong where data is missing: neither 412 nor cards, where there were cards with the data."""
    if answer.status == 412 or (answer.status == 200 and answer.object.get("cards")):
        return None
    if answer.status != 200:
        return f"{what}, the service {answer.said}, not 412"
    had_cards = seen.answer.status == 200 and seen.answer.object.get("cards")
    return f"{what}, the service answered 200 with no cards; with it, there were cards" if had_cards else None


@requirement(41, "MAY", "More data is read where fhirServer and a token are given.")
def more_may_be_read(seen: Seen) -> Result:
    """What was asked, and whether it is with a fhirServer that comes without a token."""
    asked = seen.fetched[1]
    types = ", ".join(dict.fromkeys(one.type for one in asked))
    answer, without = seen.asks(prefetch=None, fhirAuthorization=None)
    said = f"read with a token: {types}; without one: {len(without)} requests, and the service {answer.said[:60]}"
    if any(one.token for one in without):
        return Failed("with fhirServer alone, a token of an earlier call was sent")
    return Failed(f"with fhirServer alone, the service {answer.said}") if answer.status >= 500 else Passed(said)


@requirement(42, "SHALL", "The access token goes with each request to the FHIR server.")
def token_goes_with_each_request(seen: Seen) -> Result:
    """But for the server's own statement of what it can do."""
    asked = [one for one in seen.fetched[1] if one.path != "metadata"]
    bare = (f"{one.path}?{one.query}"[:60] for one in asked if one.token != TOKEN)
    return judged((f"{quoted(one)} came without the token" for one in bare), f"{len(asked)} requests")


@requirement(43, "SHALL", "A fhirAuthorization has an access_token.")
def authorization_has_a_token(seen: Seen) -> Result:
    """Without one, it is refused."""
    body = another(seen.request, fhirServer=_NOWHERE, fhirAuthorization=seen.access(access_token=None))
    return judged([refuses(seen, "fhirAuthorization without access_token, the service", body)])


@requirement(44, "CONDITIONAL", "A token for another patient is not used.")
def token_of_another_is_not_used(seen: Seen) -> Result:
    """Nothing is asked with it."""
    _ = seen.fetched
    _, asked = seen.asks(prefetch=None, fhirAuthorization=seen.access(patient="check-somebody-else"))
    return judged(f"{quoted(one.path)} was asked with it" for one in asked if one.token)


@requirement(107, "changed", "Scopes of SMART 1 and SMART 2 are both read.")
def both_kinds_of_scopes(seen: Seen) -> Result:
    """The FHIR server is asked under either."""
    _ = seen.fetched
    asked = {scope: seen.asks(prefetch=None, fhirAuthorization=seen.access(scope=scope))[1]
             for scope in ("patient/*.read", "patient/*.rs")}  # fmt: skip
    return judged(f"with scope {scope} nothing was asked" for scope, found in asked.items() if not found)


@requirement(111, "added", "Follow-up pages are asked with the token.")
def pages_are_asked_with_the_token(seen: Seen) -> Result:
    """Of searches that came in two pages."""
    pages = [one for one in seen.fetched[1] if one.is_further_page]
    if not pages:
        return NotTried("no search came to a second page that was asked for")
    return judged(f"a page of {one.type} came without it" for one in pages if one.token != TOKEN)
