"""Rows 6-17, 102, 104: discovery."""

import re
from collections import Counter
from typing import Any

from cds_service.check.caller import Answer
from cds_service.check.endpoints import DISCOVERY
from cds_service.check.quoting import quoted
from cds_service.check.requirements import Failed, NotTried, Passed, Result, judged, requirement
from cds_service.check.seen import Seen
from cds_service.check.shapes import is_text, text

Json = dict[str, Any]
STANDARD = frozenset(
    "patient-view order-select order-sign order-dispatch encounter-start encounter-discharge appointment-book "
    "problem-list-item-create allergyintolerance-create medication-refill medication-prescribe order-review".split()
)
"""The hooks of HL7's library, withdrawn ones too."""

_REVERSE_DNS = re.compile(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+")
_URL_PART = re.compile(r"[A-Za-z0-9\-._~]+")
_SEMVER = re.compile(r"\d+\.\d+(\.\d+)?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def reached(seen: Seen) -> Answer:
    """Discovery's answer, but for one that only asks for a token."""
    if seen.discovery.status in (401, 403):
        _ = seen.services  # says what is wanting
    return seen.discovery


def of_services(seen: Seen, name: str) -> Result:
    """What is wrong with a member that each service has to have as a string."""
    return judged(named(one, place, text(one, name)) for place, one in enumerate(seen.services, 1))


def named(service: Json, place: int, fault: str | None) -> str | None:
    """A fault with the service that has it."""
    return fault and f"service {quoted(service['id']) if is_text(service.get('id')) else place}: {fault}"


@requirement(6, "SHALL", "Discovery stands at /cds-services below the base URL and answers GET.")
def discovery_is_there(seen: Seen) -> Result:
    """Anything but no answer, 404 and 405."""
    answer = reached(seen)
    return Failed(f"GET {DISCOVERY} {answer.said}") if answer.status in (0, 404, 405) else Passed()


@requirement(7, "SHALL", "Its answer is an object with a list of services.")
def discovery_lists_services(seen: Seen) -> Result:
    """A list of objects under ``services``."""
    answer = reached(seen)
    if not answer.ok:
        return NotTried(f"discovery {answer.said}")
    listed = answer.object.get("services")
    right = isinstance(listed, list) and all(isinstance(one, dict) for one in listed)
    return Passed() if right else Failed(f"discovery answered {quoted(answer.text)}")


@requirement(8, "should", "A server without services answers 200 with an empty list.")
def no_services_is_a_list(seen: Seen) -> Result:
    """Seen only where there are none."""
    if seen.discovery.object.get("services") != []:
        return NotTried("there are services, or there is no discovery")
    return Passed() if seen.discovery.status == 200 else Failed(f"discovery {seen.discovery.said}")


@requirement(9, "SHALL", "A successful discovery is 200.")
def discovery_is_200(seen: Seen) -> Result:
    """Exactly."""
    answer = reached(seen)
    if not answer.status:
        return NotTried(f"discovery {answer.said}")
    return Passed() if answer.status == 200 else Failed(f"discovery {answer.said}")


@requirement(10, "SHALL", "Each service names its hook.")
def services_have_hooks(seen: Seen) -> Result:
    """A string."""
    return of_services(seen, "hook")


@requirement(11, "RECOMMENDED", "Each service has a title.")
def services_have_titles(seen: Seen) -> Result:
    """A string."""
    return of_services(seen, "title")


@requirement(12, "SHALL", "Each service has a description.")
def services_have_descriptions(seen: Seen) -> Result:
    """A string."""
    return of_services(seen, "description")


@requirement(13, "SHALL", "Each service has an id that is its part of the URL.")
def services_have_ids(seen: Seen) -> Result:
    """A string that needs no escape in a path."""
    return judged(named(one, place, _id_fault(one)) for place, one in enumerate(seen.services, 1))


def _id_fault(service: Json) -> str | None:
    if fault := text(service, "id"):
        return fault
    return None if _URL_PART.fullmatch(service["id"]) else f"id {quoted(service['id'])} is no part of a URL"


@requirement(14, "SHALL-if", "Prefetch templates are an object of one FHIR query a key.")
def prefetch_is_an_object(seen: Seen) -> Result:
    """Strings, each under its own key."""
    given = [one for one in seen.services if "prefetch" in one]
    if not given:
        return NotTried("no service has prefetch templates")
    return judged(named(one, place, _prefetch_fault(one["prefetch"])) for place, one in enumerate(given, 1))


def _prefetch_fault(prefetch: Any) -> str | None:
    if not isinstance(prefetch, dict):
        return f"prefetch is {quoted(prefetch)}"
    wrong = [key for key, value in prefetch.items() if not is_text(value)]
    return f"template {quoted(wrong[0])} is {quoted(prefetch[wrong[0]])}" if wrong else None


@requirement(15, "MAY", "The preconditions of use are told in words.")
def usage_is_text(seen: Seen) -> Result:
    """A string, where there is one."""
    given = [one for one in seen.services if "usageRequirements" in one]
    if not given:
        return NotTried("no service has usageRequirements")
    return judged(named(one, place, text(one, "usageRequirements")) for place, one in enumerate(given, 1))


@requirement(16, "note", "An id stands once for a hook; for several hooks, where they update one advice.")
def ids_stand_once(seen: Seen) -> Result:
    """No pair of id and hook twice."""
    pairs = Counter((str(one.get("id")), str(one.get("hook"))) for one in seen.services)
    return judged(f"{quoted(id_)} for {quoted(hook)} stands {n} times" for (id_, hook), n in pairs.items() if n > 1)


@requirement(17, "SHALL", "Discovery accepts a token whose audience is its own URL.")
def discovery_takes_a_token(seen: Seen) -> Result:
    """A signed GET is answered as any."""
    _ = seen.signer
    return Passed() if seen.discovery.ok else Failed(f"with a right token, discovery {seen.discovery.said}")


@requirement(102, "SHALL", "A hook of one's own has a reverse domain name.")
def hooks_are_standard_or_domains(seen: Seen) -> Result:
    """A name of HL7's library, or one like ``org.example.my-hook``."""
    hooks = {one["hook"] for one in seen.services if is_text(one.get("hook"))}
    own = sorted(hook for hook in hooks - STANDARD if not _REVERSE_DNS.fullmatch(hook))
    return judged(f"hook {quoted(hook)} is neither HL7's nor a reverse domain name" for hook in own)


@requirement(104, "RECOMMENDED", "Discovery names the version of CDS Hooks and that of the hook.")
def versions_are_semantic(seen: Seen) -> Result:
    """Where a service knows the ballot: a service of 2.0 names none."""
    names = ("version", "hookVersion")
    given = [(one, place) for place, one in enumerate(seen.services, 1) if any(name in one for name in names)]
    if not given:
        return NotTried("no service names a version")
    return judged(named(one, place, _version_fault(one, name)) for one, place in given for name in names if name in one)


def _version_fault(service: Json, name: str) -> str | None:
    right = isinstance(service[name], str) and _SEMVER.fullmatch(service[name])
    return None if right else f"{name} is {quoted(service[name])}"
