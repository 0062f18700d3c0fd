"""What one running service holds, and how a call is opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from sqlalchemy import Engine

from cds_service.cards.style import CardStyle
from cds_service.errors import MissingData
from cds_service.fhir_client.access import TokenSource
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.collect import Case
from cds_service.fhir_client.fhir_versions import FhirVersions
from cds_service.fhir_client.profiles import profiles
from cds_service.hooks.identity import RecentAnswers
from cds_service.hooks.messages import FhirAuthorization, HookRequest
from cds_service.limits.deadline import deadline_s, reading_s
from cds_service.outbound.breaker import Breakers
from cds_service.outbound.hosts import Target, only_base, target_for
from cds_service.outbound.session import Session
from cds_service.record.audit import Audit
from cds_service.record.predictions import Predictions
from cds_service.record.recent_calls import RecentCalls
from cds_service.settings import Settings
from fhir_mappings.site import DEFAULT_SITE, Site
from models.prediction import Predicts

_CARD_S = 0.15
"""What is left of a call's time for the figure, its reasons and the card (assumption)."""


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
    tokens: Mapping[str, TokenSource] = field(default_factory=dict)
    versions: FhirVersions = field(default_factory=FhirVersions)
    breakers: Breakers = field(default_factory=Breakers)

    def open(self, call: HookRequest, issuer: str | None, begun: float) -> Case:
        """The case of a call: patient, moment, prefetch, and the FHIR server that this issuer may name.

        ``begun``: the `time.monotonic` moment at which the request was there; its time runs from then on.
        Raises `MissingData` where that server is known to speak another FHIR than R4: so does its prefetch.
        """
        target = self._target(call, issuer)
        client, why = self._client(call, target, issuer, begun)
        return Case(
            patient_id=call.context.patient_id,
            as_of=self.clock(),
            encounter_id=call.context.encounter_id,
            base=target.base if target else None,
            prefetch=call.prefetch,
            client=client,
            why_no_client=why,
            read_until=begun + deadline_s(self.settings, issuer) - _CARD_S if self.live else inf,
        )

    def _target(self, call: HookRequest, issuer: str | None) -> Target | None:
        """The server that the call names, or the only one that is listed for a proved EHR that names none."""
        url = call.fhir_server or only_base(self.settings, issuer)
        return target_for(url, self.settings, issuer) if url else None

    def _client(
        self, call: HookRequest, target: Target | None, issuer: str | None, begun: float
    ) -> tuple[FhirClient | None, str]:
        if target is None and call.fhir_server is None:
            return None, "no fhirServer was given"
        if target is None:
            return None, "the given fhirServer is not among the servers that may be called"
        if why := self.versions.why_not(target.base):
            raise MissingData(why, field="fhirServer")
        if why := _no_access(call, target, issuer):
            return None, why
        given = call.fhir_authorization if not target.backend else None
        token, token_s = (given.access_token, given.expires_in) if given else (None, None)
        budget_s = reading_s(self.settings, issuer)
        until = begun + min(budget_s, token_s or budget_s)
        tokens = self.tokens[target.base] if target.backend else None
        profile, breaker = profiles()[target.profile], self.breakers.of(target.base)
        client = FhirClient(target.base, self.session, until, token, tokens, profile, breaker, target.also_known_as)
        return client, ""


def _no_access(call: HookRequest, target: Target, issuer: str | None) -> str:
    """Why this call may not read the server; empty where it may.

    Access of our own sees every patient: only a proved EHR chooses the one whose chart is read.
    """
    given = call.fhir_authorization
    if given is not None and not _is_for(given, call.context.patient_id):
        return "the access token is for another patient"
    if target.backend:
        return "" if issuer is not None else "who calls was not proved, as access of our own needs"
    return "no access token was given" if given is None and not target.open else ""


def _is_for(given: FhirAuthorization, patient_id: str) -> bool:
    """True where a token names no patient or this one: SMART gives the bare id, some servers a reference."""
    return given.patient is None or given.patient in (patient_id, f"Patient/{patient_id}")
