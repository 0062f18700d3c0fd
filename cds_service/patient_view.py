"""One patient-view call, from the EHR's request to the cards it shows: the data path on one screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cds_service.cards.compose import Wording, compose
from cds_service.cards.monitoring import suggest
from cds_service.conclude import Conclusion, conclude
from cds_service.fhir_client.collect import Case, collect, prefetched
from cds_service.hooks.identity import uuid_for
from cds_service.hooks.messages import HookRequest
from cds_service.limits.text import with_bounded_text
from cds_service.record.account import CameTo
from cds_service.record.predictions import StoredPrediction
from cds_service.service import Service
from cds_service.settings import shows_simulated_risk
from fhir_mappings.chart import RawChart
from fhir_mappings.eligibility import judge
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.queries import CORE, NAMES_STROKE, Query, clinical_queries
from fhir_mappings.snapshot import ClinicalSnapshot

Card = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """The cards, and what the account of the call says it came to."""

    cards: list[Card]
    came_to: CameTo


def patient_view(call: HookRequest, key: str, service: Service, *, begun: float, issuer: str | None = None) -> Answered:
    """Score one patient: from the EHR's request to the cards it shows. ``issuer`` is the EHR, once proved.

    ``begun`` is the `time.monotonic` moment from which its time runs.
    No cards mean one thing only: the patient is outside the intended population, for the reason in
    the audit. Raises `MissingData` where a required query could not be answered.
    """
    settings, site = service.settings, service.site
    case = service.open(call, issuer, begun)

    core = collect(CORE, case)  # Patient, Encounter, Condition, Procedure: prefetch, then FHIR
    clinical = clinical_queries(site)
    first = _snapshot(core, case, service)
    eligibility = judge(first)
    if eligibility.kind != "inside":  # a stroke may be named in what else the EHR sent
        first = _snapshot(_joined(core, prefetched(_naming(clinical), case)), case, service)
        eligibility = judge(first)
    if eligibility.kind == "outside":  # a positive, uncontradicted reason: nothing more is fetched
        return Answered([], CameTo("outside", eligibility.code, eligibility.text))

    t0 = first.stay.t0 if first.stay else None
    chart = collect(clinical, case, core, t0=t0)  # NIHSS, vitals, labs, drugs, reports
    snapshot = _snapshot(chart, case, service)
    conclusion = conclude(
        snapshot,
        predictor=service.predictor,
        critical_on_end=settings.critical_on_end,
        withhold=service.predictor.identity.training_population == "simulated" and not shows_simulated_risk(settings),
        until=case.read_until,
    )
    suggestions = suggest(
        snapshot,
        conclusion,
        order_intent=settings.order_intent,
        check_interval_text=settings.check_interval_text,
        style=service.style,
    )
    wording = Wording(
        base_url=settings.public_base_url,
        mode=settings.mode,
        model=service.predictor.identity,
        style=service.style,
    )
    cards = compose(snapshot, conclusion, suggestions, wording, uuid_for=lambda name: uuid_for(key, name))

    _keep(call, case, service, conclusion)  # encrypted, and only where the site wants it
    return Answered(cards, _came_to(conclusion))


def _snapshot(chart: RawChart, case: Case, service: Service) -> ClinicalSnapshot:
    """What was known, with no more report text than can be read in time."""
    return with_bounded_text(
        snapshot_from(chart, case.as_of, live=service.live, encounter_id=case.encounter_id, site=service.site)
    )


def _naming(queries: Sequence[Query]) -> list[Query]:
    return [query for query in queries if query.key in NAMES_STROKE]


def _joined(core: RawChart, carried: RawChart) -> RawChart:
    return RawChart(core.patient_id, {**carried.resources, **core.resources}, core.unanswered, core.issues)


def _came_to(conclusion: Conclusion) -> CameTo:
    number = conclusion.prediction
    model, flagged = (number.model.version, number.flagged) if number else (None, None)
    return CameTo(conclusion.kind, conclusion.code, model=model, flagged=flagged)


def _keep(call: HookRequest, case: Case, service: Service, conclusion: Conclusion) -> None:
    if service.predictions is None:
        return
    service.predictions.keep(
        StoredPrediction(
            hook_instance=str(call.hook_instance),
            server=case.base,
            patient_id=case.patient_id,
            encounter_id=case.encounter_id,
            as_of=case.as_of,
            kind=conclusion.kind,
            code=conclusion.code,
            reason=conclusion.reason,
            inputs=conclusion.inputs,
            prediction=conclusion.prediction,
            artifact=service.predictor.identity.sha256,
        )
    )
