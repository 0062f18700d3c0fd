"""What one running service holds, and how a call is opened."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from cds_service.cards.style import CardStyle
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.collect import Case
from cds_service.hooks.identity import RecentAnswers
from cds_service.hooks.messages import FhirAuthorization, HookRequest
from cds_service.outbound.hosts import target_for
from cds_service.outbound.session import Session
from cds_service.record.audit import Audit
from cds_service.record.predictions import Predictions
from cds_service.record.recent_calls import RecentCalls
from cds_service.settings import Settings
from fhir_mappings.site import DEFAULT_SITE, Site
from models.prediction import Predicts


@dataclass(frozen=True)
class Service:
    """The parts that a call needs; ``clock`` gives the aware moment of the call.

    ``live`` is False only where a past moment is replayed (``endwatch call``, goldens): then a result
    without ``issued`` becomes available after the lag of its kind.
    """

    settings: Settings
    predictor: Predicts
    session: Session
    clock: Callable[[], datetime]
    store: Engine
    audit: Audit
    recent: RecentAnswers
    site: Site = DEFAULT_SITE
    live: bool = True
    predictions: Predictions | None = None
    calls: RecentCalls | None = None
    style: CardStyle = field(default_factory=CardStyle)

    def open(self, call: HookRequest, issuer: str | None) -> Case:
        """The case of a call: patient, moment, prefetch, and the FHIR server that this issuer may name."""
        client, why = self._client(call, issuer)
        return Case(
            patient_id=call.context.patient_id,
            as_of=self.clock(),
            encounter_id=call.context.encounter_id,
            prefetch=call.prefetch,
            client=client,
            why_no_client=why,
        )

    def _client(self, call: HookRequest, issuer: str | None) -> tuple[FhirClient | None, str]:
        if call.fhir_server is None:
            return None, "no fhirServer was given"
        target = target_for(call.fhir_server, self.settings, issuer)
        if target is None:
            return None, "the given fhirServer is not among the servers that may be called"
        given = call.fhir_authorization
        if given is None and not target.open:
            return None, "no access token was given"
        if given is not None and not _is_for(given, call.context.patient_id):
            return None, "the access token is for another patient"
        token, token_s = (given.access_token, given.expires_in) if given else (None, None)
        budget_s = (self.settings.deadline_ms - self.settings.reserve_ms) / 1000
        until = time.monotonic() + min(budget_s, token_s or budget_s)
        return FhirClient(target.base, self.session, until, token), ""


def _is_for(given: FhirAuthorization, patient_id: str) -> bool:
    """True where a token names no patient or this one: SMART gives the bare id, some servers a reference."""
    return given.patient is None or given.patient in (patient_id, f"Patient/{patient_id}")
