"""Is the patient one that the service is for: inside, outside for a reason, or unknown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

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


INSIDE = Eligibility("inside", "inside", "Adult with ischemic stroke in this stay.")


def judge(snapshot: ClinicalSnapshot) -> Eligibility:
    """Outside needs a positive, uncontradicted reason; what is in doubt is unknown, and said."""
    rules: tuple[Callable[[ClinicalSnapshot], Eligibility | None], ...] = (_age, _too_late, _strokes, _thrombectomy)
    return next((answer for rule in rules if (answer := rule(snapshot))), _stay(snapshot) or INSIDE)


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


def _strokes(snapshot: ClinicalSnapshot) -> Eligibility | None:
    """The coded strokes of the stay, weighed against each other and against what else names one."""
    ischemic, hemorrhagic = (stroke_in_stay(snapshot, kind) for kind in ("ischemic_stroke", "hemorrhagic_stroke"))
    if ischemic and hemorrhagic:
        text = "Both ischemic and hemorrhagic stroke are coded in this stay."
        return Eligibility("unknown", "codes-contradict", text)
    if ischemic:
        return None
    if hemorrhagic:
        return Eligibility("outside", "hemorrhagic-stroke", "A hemorrhagic stroke is coded in this stay.")
    if where := _stroke_named(snapshot):
        text = f"Stroke is named ({where}), but no ischemic stroke is coded in this stay."
        return Eligibility("unknown", "stroke-not-coded", text)
    return Eligibility("outside", "no-ischemic-stroke", "No ischemic stroke in this stay.")


def _stroke_named(snapshot: ClinicalSnapshot) -> str | None:
    """Where a stroke is named without an ischemic code; None where nowhere."""
    if stroke_in_stay(snapshot, "unspecific_stroke"):
        return "in a diagnosis"
    if snapshot.stay and any(map(names_stroke, snapshot.stay.reasons)):
        return "as the reason of the encounter"
    if snapshot.nihss:
        return "an NIHSS is charted"
    return "in a report" if any(names_stroke(report.text) for report in snapshot.reports) else None


def _thrombectomy(snapshot: ClinicalSnapshot) -> Eligibility | None:
    if any(one.kind == "thrombectomy" and one.state == "done" for one in snapshot.treatments):
        return Eligibility("outside", "thrombectomy-done", "Thrombectomy was done in this stay.")
    return None


def _stay(snapshot: ClinicalSnapshot) -> Eligibility | None:
    if snapshot.stay is None:
        text = "No emergency or inpatient encounter was found, so the time of arrival is unknown."
        return Eligibility("unknown", "no-encounter", text)
    return None
