"""Rows 18-27, 49, 100, 105: what a service takes, and what it refuses."""

from collections.abc import Iterator
from typing import Any

from cds_service.check.asking import CONTEXTS, another, in_context, of_hook, without_server
from cds_service.check.caller import Answer
from cds_service.check.endpoints import DISCOVERY
from cds_service.check.quoting import quoted
from cds_service.check.requirements import Failed, NotTried, Passed, Result, Untried, judged, requirement
from cds_service.check.seen import GIVE_REQUEST, Seen
from cds_service.check.shapes import is_text, members

_WRONG_HOOK = "org.example.check-no-such-hook"
_EXTENSION = {"org.example.check": {"words": "a b", "number": 1}}
_MOST_HOOKS = 12
_USERS = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson")


def refuses(seen: Seen, what: str, body: Any) -> str | None:
    """What is wrong where a faulty body is not refused: 4xx, but not 412, which tells of data: it went on to those."""
    _ = seen.usual
    answer = seen.ask(body)
    return None if answer.refused and answer.status != 412 else f"{what} {answer.said}"


def takes(seen: Seen, what: str, body: Any) -> str | None:
    """What is wrong where a right body is answered otherwise than the usual one."""
    usual, answer = seen.usual, seen.ask(body)
    return None if answer.status == usual else f"{what} {answer.said}, and {usual} before"


@requirement(18, "SHALL", "A service is called by POST of JSON to its id below discovery's URL.")
def a_service_is_called_by_post(seen: Seen) -> Result:
    """200, or 412 where the request carries too little."""
    answer = seen.answer
    if answer.status in (200, 412):
        return Passed(f"answered {answer.status}")
    if answer.status in (401, 403):
        _ = seen.usual
        return Failed(f"with a right token, the service {answer.said}")
    if answer.status in (400, 422) and seen.choices.request is None and seen.hook != "patient-view":
        return NotTried(f"a made-up request {answer.said}; {GIVE_REQUEST}")
    return Failed(f"a right request {answer.said}")


@requirement(19, "SHALL", "hook is required, and a hook that this id does not offer is refused.")
def hook_is_required(seen: Seen) -> Result:
    """Missing, no string, unknown, of another id of this server, published by HL7."""
    faulty = {
        "without hook, the service": None,
        "with hook 1, the service": 1,
        "with a hook of nobody, the service": _WRONG_HOOK,
    }
    absent = [refuses(seen, what, another(seen.request, hook=hook)) for what, hook in faulty.items()]
    others = (
        refuses(seen, f"with hook {quoted(hook)}, the service", of_hook(seen.request, hook)) for hook in _others(seen)
    )
    return judged([*absent, *others])


def _others(seen: Seen) -> list[str]:
    """Hooks that the id is not listed for, those of the server's other ids first."""
    listed = [(one["hook"], one.get("id")) for one in seen.services if is_text(one.get("hook"))]
    own = {hook for hook, id_ in listed if id_ == seen.service["id"]} | {seen.hook}
    return [hook for hook in dict.fromkeys([*(hook for hook, _ in listed), *CONTEXTS]) if hook not in own][:_MOST_HOOKS]


@requirement(20, "SHALL", "hookInstance is required, and a repeat is answered as the call before.")
def hook_instance_is_required(seen: Seen) -> Result:
    """Missing; and the same call twice."""
    twice = another(seen.request)
    faults = (
        refuses(seen, "without hookInstance, the service", another(seen.request, hookInstance=None)),
        takes(seen, "a call", twice),
        takes(seen, "the same call again", twice),
    )
    return judged(faults)


@requirement(21, "SHALL", "context is required and an object.")
def context_is_required(seen: Seen) -> Result:
    """Missing, a list, a string."""
    faulty: dict[str, Any] = {
        "without context, the service": None,
        "with a list as context, the service": [],
        "with words as context, the service": "x",
    }
    return judged(refuses(seen, what, another(seen.request, context=context)) for what, context in faulty.items())


@requirement(22, "SHALL", "fhirAuthorization without fhirServer is refused.")
def authorization_needs_a_server(seen: Seen) -> Result:
    """Invariant cds-r-1."""
    body = another(without_server(seen.request), fhirAuthorization=seen.access())
    return judged([refuses(seen, "a token without fhirServer", body)])


@requirement(24, "OPTIONAL", "fhirAuthorization and prefetch may be absent, and unknown members are passed over.")
def optional_members_may_be_absent(seen: Seen) -> Result:
    """No prefetch is at most too little data."""
    _ = seen.usual
    answer = seen.ask(another(seen.request, prefetch=None))
    absent = None if answer.status in (200, 412) else f"without prefetch, the service {answer.said}"
    return judged(
        [absent, takes(seen, "a member that is not known", another(seen.request, orgExampleCheck={"a": [1]}))]
    )


@requirement(25, "SHALL", "context.userId is a reference to one of the four kinds of user.")
def four_kinds_of_user(seen: Seen) -> Result:
    """All four are taken; none is refused."""
    _only_patient_view(seen)
    taken = (takes(seen, f"userId {kind}/1", in_context(seen.request, userId=f"{kind}/1")) for kind in _USERS)
    return judged([*taken, refuses(seen, "without userId, the service", in_context(seen.request, userId=None))])


@requirement(26, "SHALL", "context.patientId is required.")
def patient_is_required(seen: Seen) -> Result:
    """Missing."""
    _only_patient_view(seen)
    return judged([refuses(seen, "without patientId, the service", in_context(seen.request, patientId=None))])


@requirement(27, "OPTIONAL", "context.encounterId may be absent.")
def encounter_may_be_absent(seen: Seen) -> Result:
    """With and without it the service goes on; without the stay it may lack data."""
    _only_patient_view(seen)
    _ = seen.usual
    answer = seen.ask(in_context(seen.request, encounterId=None))
    return Passed() if answer.status in (200, 412) else Failed(f"without encounterId, the service {answer.said}")


def _only_patient_view(seen: Seen) -> None:
    if seen.hook != "patient-view":
        raise Untried(f"the service is for {quoted(seen.hook)}")


@requirement(49, "MAY", "What goes wrong has a status of its own among 4xx and 5xx.")
def errors_have_a_status(seen: Seen) -> Result:
    """A service that does not exist."""
    _ = seen.usual
    answer = _of_no_service(seen)
    return Passed() if answer.status >= 400 else Failed(f"a service that does not exist {answer.said}")


@requirement(100, "SHALL", "An extension is an object, taken from anybody and passed over.")
def extensions_are_objects(seen: Seen) -> Result:
    """In requests they are taken; in answers they are objects."""
    taken = takes(seen, "an extension", another(seen.request, extension=_EXTENSION))
    return judged([taken, *_wrong_extensions(seen)])


def _wrong_extensions(seen: Seen) -> Iterator[str]:
    for answer in (seen.discovery, seen.answer):
        for path, value in members(answer.object):
            if path.rpartition(".")[2] == "extension" and ".resource." not in path and not isinstance(value, dict):
                yield f"{path} is {quoted(value)}"


@requirement(105, "SHOULD", "What is not 2xx carries an OperationOutcome, but for the bare 401.")
def errors_are_operation_outcomes(seen: Seen) -> Result:
    """Of a service that does not exist and of a call without a hook."""
    _ = seen.usual
    answers = (_of_no_service(seen), seen.ask(another(seen.request, hook=None)))
    wrong = [one for one in answers if one.status >= 400 and one.object.get("resourceType") != "OperationOutcome"]
    return judged(f"an error {one.said}" for one in wrong if one.status != 401)


def _of_no_service(seen: Seen) -> Answer:
    return seen.caller.post(f"{DISCOVERY}/check-no-such-service", another(seen.request))
