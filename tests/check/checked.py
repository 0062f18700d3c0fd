"""The check as tests run it: a request with a whole prefetch, and what was found by row."""

import socket
from typing import Any

from cds_service.check.caller import Caller
from cds_service.check.recording import Place
from cds_service.check.requirements import Failed, NotTried, Passed, Result
from cds_service.check.run import Finding, base_of, findings
from cds_service.check.seen import Choices
from cds_service.check.signing import Signer
from cds_service.outbound.session import new_session
from tests.check.other_service import ORIGIN

REQUEST: dict[str, Any] = {
    "hook": "patient-view", "hookInstance": "0f9b1d52-7d7c-4a55-9b35-6f7a5d1f3c11",
    "context": {"userId": "Practitioner/1", "patientId": "p1", "encounterId": "e1"},
    "prefetch": {
        "who": {"resourceType": "Patient", "id": "p1"},
        "drugs": {"resourceType": "Bundle", "type": "searchset", "entry": [
            {"resource": {"resourceType": "MedicationRequest", "id": id_}} for id_ in ("a", "b")]},
    },
}  # fmt: skip
WHOLE = Choices(request=REQUEST, origin=ORIGIN)
"""Everything that somebody who checks can give."""


def checked(
    url: str, choices: Choices = WHOLE, *, signer: Signer | None = None, port: int | None = 0, seconds: float = 5.0
) -> dict[int, Finding]:
    """What was found of the service at a URL."""
    caller = Caller(new_session(), base_of(url), signer, seconds)
    fhir = None if port is None else Place(port=port)
    return {one.requirement.number: one for one in findings(caller, choices, fhir=fhir)}


def of(kind: type[Result], found: dict[int, Finding]) -> set[int]:
    """The rows that came to one kind of result."""
    return {number for number, one in found.items() if isinstance(one.result, kind)}


def failed(found: dict[int, Finding]) -> dict[int, str]:
    """The failures with their reasons."""
    return {number: one.result.reason for number, one in found.items() if isinstance(one.result, Failed)}


def untried(found: dict[int, Finding]) -> dict[int, str]:
    """What was not tried, with the reason."""
    return {number: one.result.why for number, one in found.items() if isinstance(one.result, NotTried)}


def passed(found: dict[int, Finding]) -> set[int]:
    """What holds."""
    return of(Passed, found)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
