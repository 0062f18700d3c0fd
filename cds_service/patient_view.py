"""One patient-view call, from the EHR's request to the cards it shows: the data path on one screen."""

import time
from typing import Any

from cds_service.cards.compose import Wording, compose
from cds_service.cards.monitoring import suggest
from cds_service.conclude import conclude
from cds_service.fhir_client.collect import collect, prefetched
from cds_service.hooks.identity import uuid_for
from cds_service.hooks.messages import HookRequest
from cds_service.service import Service
from cds_service.settings import shows_simulated_risk
from fhir_mappings.chart import RawChart
from fhir_mappings.eligibility import judge
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.queries import CORE, NAMES_STROKE, clinical_queries

Card = dict[str, Any]


def patient_view(call: HookRequest, key: str, service: Service, issuer: str | None = None) -> list[Card]:
    """Score one patient: from the EHR's request to the cards it shows. ``issuer`` is the EHR, once proved.

    An empty list means one thing only: the patient is outside the intended population, for the
    reason in the audit. Raises `MissingData` where a required query could not be answered.
    """
    begun, settings, site = time.monotonic(), service.settings, service.site
    case = service.open(call, issuer)

    core = collect(CORE, case)  # Patient, Encounter, Condition, Procedure: prefetch, then FHIR
    clinical = clinical_queries(site)
    naming = [query for query in clinical if query.key in NAMES_STROKE]
    carried = prefetched(naming, case)  # what a stroke may be named in, if the EHR sent it
    first = snapshot_from(
        _joined(core, carried), case.as_of, live=service.live, encounter_id=case.encounter_id, site=site
    )
    eligibility = judge(first)
    if eligibility.kind == "outside":  # a positive, uncontradicted reason: nothing more is fetched
        _audit(service, call, begun, "outside", eligibility.code)
        return []

    t0 = first.stay.t0 if first.stay else None
    chart = collect(clinical, case, core, t0=t0)  # NIHSS, vitals, labs, drugs, reports
    snapshot = snapshot_from(chart, case.as_of, live=service.live, encounter_id=case.encounter_id, site=site)
    conclusion = conclude(
        snapshot,
        predictor=service.predictor,
        critical_on_end=settings.critical_on_end,
        withhold=service.predictor.identity.training_population == "simulated" and not shows_simulated_risk(settings),
    )
    suggestions = suggest(
        snapshot, conclusion, order_intent=settings.order_intent, check_interval_text=settings.check_interval_text
    )
    wording = Wording(
        base_url=settings.public_base_url,
        mode=settings.mode,
        model=service.predictor.identity,
    )
    cards = compose(snapshot, conclusion, suggestions, wording, uuid_for=lambda name: uuid_for(key, name))

    flagged = conclusion.prediction.flagged if conclusion.prediction else None
    _audit(service, call, begun, conclusion.kind, conclusion.code, flagged=flagged)
    return cards


def _joined(core: RawChart, carried: RawChart) -> RawChart:
    return RawChart(core.patient_id, {**carried.resources, **core.resources}, core.unanswered, core.issues)


def _audit(
    service: Service, call: HookRequest, begun: float, kind: str, reason: str, *, flagged: bool | None = None
) -> None:
    service.audit.write(
        at=service.clock(),
        hook_instance=str(call.hook_instance),
        kind=kind,
        reason=reason,
        milliseconds=(time.monotonic() - begun) * 1000,
        model=service.predictor.identity.version if flagged is not None else None,
        flagged=flagged,
    )
