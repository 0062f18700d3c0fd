"""Monitoring suggestions: fired by chart facts, each with the recommendation behind it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from cds_service.cards.language import filled
from cds_service.cards.style import CardStyle
from cds_service.conclude import Conclusion, present
from fhir_mappings.snapshot import ClinicalSnapshot, Measurement

_CARDS = files("cds_service") / "cards"
_DAY = timedelta(hours=24)
_APART = timedelta(hours=2)
_HIGH_GLUCOSE = 180.0


@dataclass(frozen=True)
class Suggestion:
    """One line of the monitoring section; ``resource`` is a draft ServiceRequest where it can be ordered."""

    id: str
    text: str
    basis: str
    resource: dict[str, Any] | None = None


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((_CARDS / name).read_text("utf-8"))


def guideline() -> str:
    """The guideline whose recommendations the ``basis`` of suggestions names."""
    return str(_table("monitoring.toml")["guideline"])


def suggest(
    snapshot: ClinicalSnapshot,
    conclusion: Conclusion,
    *,
    order_intent: str,
    check_interval_text: str | None = None,
    style: CardStyle | None = None,
) -> tuple[Suggestion, ...]:
    """Every suggestion whose chart fact holds; none where ischemic stroke is not established.

    Where a report reads as hemorrhage, nothing of the guideline for ischemic stroke, and checks alone.
    """
    if conclusion.inputs is None:
        return ()
    style = style or CardStyle()
    tables, found = style.language.tables, []
    facts = {"not-flagged": {}} if conclusion.kind == "contradiction" else _facts(snapshot, conclusion, style)
    for row in _table("monitoring.toml")["suggestion"]:
        if row["when"] not in facts:
            continue
        text = filled(tables["monitoring"][row["id"]], facts[row["when"]])
        if row["id"] == "closer-checks" and check_interval_text:
            text = f"{text}: {check_interval_text}"
        name = tables["order"].get(row["id"])
        order = _service_request(row["id"], name, snapshot, order_intent) if name else None
        found.append(Suggestion(row["id"], text, row["basis"], order))
    return tuple(found)


def _facts(snapshot: ClinicalSnapshot, conclusion: Conclusion, style: CardStyle) -> Mapping[str, Mapping[str, Any]]:
    """The chart facts that hold, with what their texts quote."""
    flagged = conclusion.prediction is not None and conclusion.prediction.flagged
    facts: dict[str, Mapping[str, Any]] = {"ischemic-stroke": {}, "flagged" if flagged else "not-flagged": {}}
    lysed = [one.effective for one in snapshot.treatments if one.kind == "thrombolysis" and one.state == "done"]
    if started := [moment for moment in lysed if moment and snapshot.as_of - moment <= _DAY]:
        zone = snapshot.stay.t0.tzinfo if snapshot.stay else snapshot.as_of.tzinfo
        facts["thrombolysis-24h"] = {"start": style.clock(max(started), zone)}
    if conclusion.inputs and any(one.grade == "large" for one in present(conclusion.inputs, "mca_infarct")):
        facts["large-infarct"] = {}
    if pair := _persistent_glucose(snapshot):
        first, last = pair
        hours = (last.effective - first.effective).total_seconds() / 3600
        facts["glucose-persistent"] = {
            "first": f"{first.value:.0f}",
            "last": f"{last.value:.0f}",
            "hours": f"{hours:.0f}",
        }
    return facts


def _persistent_glucose(snapshot: ClinicalSnapshot) -> tuple[Measurement, Measurement] | None:
    """The first and the last value of this stay above the range, if they lie far enough apart."""
    t0 = snapshot.stay.t0 if snapshot.stay else snapshot.as_of
    high = sorted(
        (
            one
            for one in snapshot.measurements
            if one.analyte == "glucose" and one.value > _HIGH_GLUCOSE and one.effective >= t0
        ),
        key=lambda one: one.effective,
    )
    return (high[0], high[-1]) if high and high[-1].effective - high[0].effective >= _APART else None


def _service_request(id_: str, name: str, snapshot: ClinicalSnapshot, intent: str) -> dict[str, Any]:
    """A draft order of a check (FHIR R4 ServiceRequest); the site's own code where it has one."""
    code: dict[str, Any] = {"text": name}
    if coding := _table("order_codes.toml").get(id_):
        code["coding"] = [coding]
    encounter = {"encounter": {"reference": snapshot.stay.encounters[0]}} if snapshot.stay else {}
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": intent,
        "code": code,
        "subject": {"reference": f"Patient/{snapshot.patient.id}"},
        **encounter,
        "authoredOn": snapshot.as_of.isoformat(timespec="seconds"),
    }
