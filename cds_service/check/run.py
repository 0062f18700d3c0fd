"""All requirements tried on one service."""

import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from cds_service.check import (  # noqa: F401  # each module registers its rows
    rows_cards,
    rows_cors,
    rows_discovery,
    rows_feedback,
    rows_prefetch,
    rows_requests,
    rows_suggestions,
    rows_templates,
    rows_tokens,
    rows_transport,
    rows_trust,
)
from cds_service.check.asking import CONTEXTS, resources_in
from cds_service.check.caller import Caller
from cds_service.check.endpoints import DISCOVERY
from cds_service.check.recording import Place, recording
from cds_service.check.requirements import REQUIREMENTS, Failed, Requirement, Result
from cds_service.check.seen import Choices, Seen
from cds_service.settings import URL

Json = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One requirement, and what trying it came to."""

    requirement: Requirement
    result: Result

    @property
    def breaks(self) -> bool:
        """True where a SHALL does not hold."""
        return self.requirement.binds and isinstance(self.result, Failed)


def findings(caller: Caller, choices: Choices, *, fhir: Place | None = None) -> list[Finding]:
    """What each requirement comes to, by number. ``fhir``: where a FHIR server of ours listens.

    Raises `OSError` where that cannot listen.
    """
    with ExitStack() as open_:
        if fhir is not None:
            choices = replace(choices, fhir=open_.enter_context(recording(_chart(choices), fhir)))
        seen = Seen(caller, choices)
        order = sorted(REQUIREMENTS.values(), key=lambda one: (one.turn, one.number))
        found = [Finding(one, one.result(seen)) for one in order]
    return sorted(found, key=lambda one: one.requirement.number)


def _chart(choices: Choices) -> list[Json]:
    """The resources of the request's prefetch, or a patient alone."""
    request = choices.request or {"context": CONTEXTS["patient-view"]}
    found = {(one["resourceType"], one["id"]): one for one in resources_in(request.get("prefetch"))}
    patient = {"resourceType": "Patient", "id": request["context"].get("patientId")}
    return list(({("Patient", patient["id"]): patient} | found).values())


class NoBase(ValueError):
    """What was given is no URL of a service."""


def base_of(url: str) -> str:
    """The base URL that somebody means: without a last slash, and without discovery's path. Raises `NoBase`."""
    base = url.rstrip("/").removesuffix(DISCOVERY).rstrip("/")
    if not re.fullmatch(URL, base):
        raise NoBase("the URL has to be http:// or https://, a host and perhaps a path")
    return base
