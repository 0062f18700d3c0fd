"""One CDS Hooks card from a conclusion."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import cache
from importlib.resources import files
from typing import Any

from cds_service.cards.detail import detail
from cds_service.cards.language import Language
from cds_service.cards.monitoring import Suggestion
from cds_service.cards.sentences import not_computed, reason_of
from cds_service.cards.wording import LONGEST_DESCRIPTION, LONGEST_LABEL, Wording, percent, shortened
from cds_service.conclude import Conclusion
from fhir_mappings.snapshot import ClinicalSnapshot
from models.prediction import Prediction

TOPIC = {
    "system": "https://endwatch.example/CodeSystem/topic",
    "code": "end-risk",
    "display": "Early neurological deterioration",
}

__all__ = ["Wording", "compose"]


def compose(
    snapshot: ClinicalSnapshot,
    conclusion: Conclusion,
    suggestions: Sequence[Suggestion],
    wording: Wording,
    *,
    uuid_for: Callable[[str], str],
) -> list[dict[str, Any]]:
    """The card of a conclusion, as CDS Hooks 2.0.1 lays it out ("Card Attributes").

    ``uuid_for`` names things: the same call gets the same uuids.
    """
    zone = snapshot.stay.t0.tzinfo if snapshot.stay else snapshot.as_of.tzinfo
    wording = replace(wording, style=replace(wording.style, seen=snapshot.as_of))
    label = wording.style.language.say("source_simulated" if wording.simulated else "source")
    card: dict[str, Any] = {
        "uuid": uuid_for("card"),
        "summary": shortened(_summary(conclusion, wording, zone)),
        "detail": detail(snapshot, conclusion, suggestions, wording),
        "indicator": _indicator(conclusion),
        "source": {"label": label, "url": wording.base_url, "topic": TOPIC},
        "overrideReasons": _override_reasons(wording.style.language),
    }
    if orders := [one for one in suggestions if one.resource]:
        card["suggestions"] = [_suggestion(one, uuid_for) for one in orders]
        card["selectionBehavior"] = "any"
    return [card]


def _summary(conclusion: Conclusion, wording: Wording, zone: tzinfo | None) -> str:
    """What an EHR shows when it shows nothing else."""
    if conclusion.prediction:
        return _risk_summary(conclusion.prediction, wording, zone)
    if conclusion.kind in ("eligibility-unknown", "not-computed"):
        return not_computed(conclusion, wording.style)
    reason = reason_of(conclusion, wording.style)
    if conclusion.kind == "withheld" and wording.simulated:
        return wording.style.language.say("summary_simulated", reason=reason)
    return reason


def _risk_summary(prediction: Prediction, wording: Wording, zone: tzinfo | None) -> str:
    return wording.style.language.say(
        "summary_risk_simulated" if wording.simulated else "summary_risk",
        risk=percent(prediction.risk),
        until=wording.style.clock(prediction.until, zone),
        comparator=percent(prediction.comparator),
    )


def _indicator(conclusion: Conclusion) -> str:
    """``info``, ``warning``, or ``critical`` only for END as the contract says."""
    if conclusion.kind == "end-charted":
        return "critical" if conclusion.critical else "warning"
    flagged = conclusion.prediction is not None and conclusion.prediction.flagged
    return "warning" if flagged or conclusion.kind == "contradiction" else "info"


def _suggestion(one: Suggestion, uuid_for: Callable[[str], str]) -> dict[str, Any]:
    description = shortened(one.text, LONGEST_DESCRIPTION)
    return {
        "label": shortened(one.text, LONGEST_LABEL),
        "uuid": uuid_for(one.id),
        "actions": [{"type": "create", "description": description, "resource": one.resource}],
    }


def _override_reasons(language: Language) -> list[dict[str, str]]:
    table, said = _override_codes(), language.tables["override"]
    return [{"code": code, "system": table["system"], "display": said[code]} for code in table["codes"]]


@cache
def _override_codes() -> dict[str, Any]:
    return tomllib.loads((files("cds_service") / "cards" / "override_reasons.toml").read_text("utf-8"))
