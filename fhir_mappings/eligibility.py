"""Is the patient one that the service is for: inside, outside for a reason, or unknown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fhir_mappings.conditions import BEFORE_ARRIVAL
from fhir_mappings.snapshot import ClinicalSnapshot
from fhir_mappings.value_sets import names_stroke

ADULT_YEARS = 18
LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class Eligibility:
    """The judgment, a code for the audit, and one plain sentence."""

    kind: Literal["inside", "outside", "unknown"]
    code: str
    text: str


_BY_ABSENCE = frozenset({"no-ischemic-stroke", "hemorrhagic-stroke", "over-7-days", "stroke-not-coded"})
"""Judgments that one more diagnosis or encounter could contradict."""

_DECIDING = {"conditions": "diagnoses", "encounters": "encounters"}
"""By query key, what these rest on."""

INSIDE = Eligibility("inside", "inside", "Adult with ischemic stroke in this stay.")


def judge(snapshot: ClinicalSnapshot) -> Eligibility:
    """Outside needs a positive, uncontradicted reason; what is in doubt is unknown, and said."""
    judged = next((answer for rule in _RULES if (answer := rule(snapshot))), INSIDE)
    lacking = [name for key, name in _DECIDING.items() if key in snapshot.unanswered]
    if judged.code in _BY_ABSENCE and lacking:
        text = (
            f"Not all {' and '.join(lacking)} could be read, so whether an ischemic stroke is of this stay is unknown."
        )
        return Eligibility("unknown", "chart-incomplete", text)
    return judged


def stroke_in_stay(snapshot: ClinicalSnapshot, kind: str) -> bool:
    """True where a stroke of this kind belongs to the stay; an undated active one counts."""
    return any(one.kind == kind and one.in_stay is not False for one in snapshot.diagnoses)


def _age(snapshot: ClinicalSnapshot) -> Eligibility | None:
    age = snapshot.patient.age_years
    if age is not None and age < ADULT_YEARS:
        return Eligibility("outside", "under-18", "The patient is under 18 years old.")
    return None


def _too_late(snapshot: ClinicalSnapshot) -> Eligibility | None:
    if snapshot.stay and snapshot.as_of > snapshot.stay.t0 + LONGEST:
        return Eligibility("outside", "over-7-days", "More than 7 days have passed since arrival.")
    return None


def _no_stroke(snapshot: ClinicalSnapshot) -> Eligibility | None:
    """No stroke is named anywhere."""
    if _coded(snapshot) or _stroke_named(snapshot):
        return None
    return Eligibility("outside", "no-ischemic-stroke", "No ischemic stroke in this stay.")


def _hemorrhage(snapshot: ClinicalSnapshot) -> Eligibility | None:
    if _coded(snapshot) == {"hemorrhagic_stroke"}:
        return Eligibility("outside", "hemorrhagic-stroke", "A hemorrhagic stroke is coded in this stay.")
    return None


def _both(snapshot: ClinicalSnapshot) -> Eligibility | None:
    if len(_coded(snapshot)) > 1:
        text = "Both ischemic and hemorrhagic stroke are coded in this stay."
        return Eligibility("unknown", "codes-contradict", text)
    return None


def _not_coded(snapshot: ClinicalSnapshot) -> Eligibility | None:
    if _coded(snapshot):
        return None
    text = f"Stroke is named ({_stroke_named(snapshot)}), but no ischemic stroke is coded in this stay."
    return Eligibility("unknown", "stroke-not-coded", text)


def _coded(snapshot: ClinicalSnapshot) -> set[str]:
    """Which of ischemic and hemorrhagic stroke are coded for the stay."""
    return {kind for kind in ("ischemic_stroke", "hemorrhagic_stroke") if stroke_in_stay(snapshot, kind)}


def _stroke_named(snapshot: ClinicalSnapshot) -> str | None:
    """Where a stroke is named without an ischemic code; None where nowhere.

    NIHSS and reports count from a week before arrival on: older ones are of an earlier stroke.
    """
    if stroke_in_stay(snapshot, "unspecific_stroke"):
        return "in a diagnosis"
    if snapshot.stay and any(map(names_stroke, snapshot.stay.reasons)):
        return "as the reason of the encounter"
    if any(_is_recent(score.effective, snapshot) for score in snapshot.nihss):
        return "an NIHSS is charted"
    recent = (report.text for report in snapshot.reports if _is_recent(report.effective, snapshot))
    return "in a report" if any(map(names_stroke, recent)) else None


def _is_recent(moment: datetime, snapshot: ClinicalSnapshot) -> bool:
    return moment >= (snapshot.stay.t0 if snapshot.stay else snapshot.as_of) - BEFORE_ARRIVAL


def _thrombectomy(snapshot: ClinicalSnapshot) -> Eligibility | None:
    """Only with a stay: without one, nothing says that it was done in it."""
    if snapshot.stay and any(one.kind == "thrombectomy" and one.state == "done" for one in snapshot.treatments):
        return Eligibility("outside", "thrombectomy-done", "Thrombectomy was done in this stay.")
    return None


def _stay(snapshot: ClinicalSnapshot) -> Eligibility | None:
    if snapshot.stay is None:
        text = "No emergency or inpatient encounter was found, so the time of arrival is unknown."
        return Eligibility("unknown", "no-encounter", text)
    return None


_RULES: tuple[Callable[[ClinicalSnapshot], Eligibility | None], ...] = (
    _no_stroke, _age, _hemorrhage, _thrombectomy, _too_late, _both, _not_coded, _stay,
)  # fmt: skip
