"""What was read from a chart, as plain data: the JSON twin of the page that people read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cds_service.mapped.charts import Looked
from fhir_mappings.chart import raws_of
from fhir_mappings.eligibility import judge
from fhir_mappings.end_rule import EndState, apply_end_rule, motor_score
from fhir_mappings.features import FeatureTable, build_inputs, load_features
from fhir_mappings.inputs import Feature, ModelInputs
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.site import Site
from fhir_mappings.snapshot import ClinicalSnapshot, NihssScore
from fhir_mappings.unknown_codes import unknown_codes

Json = dict[str, Any]


def described(looked: Looked, site: Site, *, live: bool, features: FeatureTable | None = None) -> Json:
    """Everything that endwatch reads from a chart at its moment, with sources, and what it leaves out and why."""
    snapshot = snapshot_from(looked.chart, looked.as_of, live=live, site=site)
    inputs = build_inputs(snapshot, features or load_features()) if snapshot.stay else None
    eligibility = judge(snapshot)
    return {
        "asOf": looked.as_of.isoformat(),
        "patient": {"id": snapshot.patient.id, "ageYears": snapshot.patient.age_years, "sex": snapshot.patient.sex},
        "eligibility": {"kind": eligibility.kind, "code": eligibility.code, "text": eligibility.text},
        "stay": _stay(snapshot),
        "nihss": [_score(one) for one in snapshot.nihss],
        "endRule": _end(apply_end_rule(snapshot.nihss, snapshot.stay.t0)) if snapshot.stay else None,
        "features": [_feature(one, snapshot) for one in inputs.features] if inputs else [],
        "stale": [{"name": one.name, "hours": round(hours, 1)} for one, hours in inputs.stale] if inputs else [],
        "reports": _reports(snapshot, inputs),
        "diagnoses": [
            {"kind": one.kind, "text": one.text, "inStay": one.in_stay, "source": one.source}
            for one in snapshot.diagnoses
        ],
        "treatments": [
            {"kind": one.kind, "state": one.state, "text": one.text, "time": _iso(one.effective), "source": one.source}
            for one in snapshot.treatments
        ],
        "unanswered": sorted(snapshot.unanswered),
        "issues": [
            {"code": one.code, "text": one.text, "source": one.source, "about": one.about} for one in snapshot.issues
        ],
        "unknownCodes": _unknown(looked, site),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _stay(snapshot: ClinicalSnapshot) -> Json | None:
    stay = snapshot.stay
    if stay is None:
        return None
    return {
        "arrival": stay.t0.isoformat(),
        "end": _iso(stay.end),
        "hoursSinceArrival": round(snapshot.hours_since_arrival or 0.0, 1),
        "encounters": list(stay.encounters),
        "reasons": list(stay.reasons),
        "lastKnownWell": _iso(snapshot.last_known_well),
    }


def _score(one: NihssScore) -> Json:
    return {
        "time": one.effective.isoformat(), "total": one.total, "motor": motor_score(one), "items": dict(one.items),
        "untestableUnnamed": one.untestable_unnamed, "notABaseline": one.not_a_baseline, "source": one.source,
    }  # fmt: skip


def _end(state: EndState) -> Json:
    raised = state.raised
    return {
        "baseline": state.baseline.source if state.baseline else None, "noBaseline": state.no_baseline,
        "met": state.met, "raised": raised.source if raised else None, "rise": state.rise, "how": state.how,
    }  # fmt: skip


def _feature(one: Feature, snapshot: ClinicalSnapshot) -> Json:
    sent = next((m.as_sent for m in snapshot.measurements if (m.source, m.effective) == (one.source, one.effective)
                 and m.value == one.value), None)  # fmt: skip
    return {
        "name": one.name, "label": one.label, "value": one.value, "unit": one.unit, "isFlag": one.is_flag,
        "asSent": sent, "time": _iso(one.effective), "source": one.source,
    }  # fmt: skip


def _reports(snapshot: ClinicalSnapshot, inputs: ModelInputs | None) -> list[Json]:
    """Every report with its sentences' findings; those from before the stay have none, as they are not read."""
    sentences = inputs.sentences if inputs else ()
    findings = inputs.findings if inputs else ()
    return [
        {
            "source": report.source, "title": report.title, "status": report.status,
            "time": report.effective.isoformat(), "available": report.available.isoformat(),
            "characters": len(report.text), "sentences": sum(one.report == report.source for one in sentences),
            "findings": [
                {
                    "finding": one.name, "assertion": one.assertion, "side": one.side, "site": one.site,
                    "value": one.value, "grade": one.grade, "section": sentences[one.sentence].section,
                    "sentence": sentences[one.sentence].text,
                }
                for one in findings if sentences[one.sentence].report == report.source
            ],
        }
        for report in snapshot.reports
    ]  # fmt: skip


def _unknown(looked: Looked, site: Site) -> Sequence[Json]:
    mine = {str(raw.get("id")): raw for raw in (*raws_of(looked.chart), *looked.others) if isinstance(raw, dict)}
    return [
        {
            "system": one.system, "code": one.code, "display": one.display, "count": one.count,
            "source": one.source, "mayBeNihss": one.may_be_nihss,
        }
        for one in unknown_codes(mine.values(), site)
    ]  # fmt: skip
