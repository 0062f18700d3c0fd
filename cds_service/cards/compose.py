"""One CDS Hooks card from a conclusion."""

import tomllib
from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import cache
from importlib.resources import files
from typing import Any

from cds_service.cards.detail import detail
from cds_service.cards.monitoring import Suggestion
from cds_service.cards.wording import Wording, clock, percent, shortened
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
    label = "endwatch (model trained on simulated patients)" if wording.simulated else "endwatch"
    card: dict[str, Any] = {
        "uuid": uuid_for("card"),
        "summary": shortened(_summary(conclusion, wording, zone)),
        "detail": detail(snapshot, conclusion, suggestions, wording),
        "indicator": _indicator(conclusion),
        "source": {"label": label, "url": wording.base_url, "topic": TOPIC},
        "overrideReasons": _override_reasons(),
    }
    if orders := [one for one in suggestions if one.resource]:
        card["suggestions"] = [_suggestion(one, uuid_for) for one in orders]
        card["selectionBehavior"] = "any"
    return [card]


def _summary(conclusion: Conclusion, wording: Wording, zone: tzinfo | None) -> str:
    """What an EHR shows when it shows nothing else."""
    if conclusion.prediction:
        return _risk_summary(conclusion.prediction, wording, zone)
    if conclusion.kind == "eligibility-unknown":
        return f"END risk not computed: {conclusion.reason}"
    if conclusion.kind in ("not-computed", "withheld"):
        return f"END risk not computed: {conclusion.reason}" if conclusion.kind == "not-computed" else (
            f"Simulated model: {conclusion.reason}" if wording.simulated else conclusion.reason
        )  # fmt: skip
    return conclusion.reason


def _risk_summary(prediction: Prediction, wording: Wording, zone: tzinfo | None) -> str:
    number = f"END risk {percent(prediction.risk)} by {clock(prediction.until, zone)}"
    if wording.simulated:
        return f"Simulated model: {number} (similar simulated patients: {percent(prediction.comparator)})"
    return f"{number} (similar patients: {percent(prediction.comparator)})"


def _indicator(conclusion: Conclusion) -> str:
    """``info``, ``warning``, or ``critical`` only for END as the contract says."""
    if conclusion.kind == "end-charted":
        return "critical" if conclusion.critical else "warning"
    flagged = conclusion.prediction is not None and conclusion.prediction.flagged
    return "warning" if flagged or conclusion.kind == "contradiction" else "info"


def _suggestion(one: Suggestion, uuid_for: Callable[[str], str]) -> dict[str, Any]:
    return {
        "label": one.text,
        "uuid": uuid_for(one.id),
        "actions": [{"type": "create", "description": one.text, "resource": one.resource}],
    }


@cache
def _override_reasons() -> list[dict[str, str]]:
    table = tomllib.loads((files("cds_service") / "cards" / "override_reasons.toml").read_text("utf-8"))
    return [{"code": row["code"], "system": table["system"], "display": row["display"]} for row in table["reason"]]
