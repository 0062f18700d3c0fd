"""The facts of the chart that the scores share; None is unknown, never "no"."""

from datetime import datetime
from functools import cache
from typing import Literal

from fhir_mappings.codes import analytes
from fhir_mappings.end_rule import BASELINE_UNTIL, apply_end_rule
from fhir_mappings.features import FeatureSpec, in_window, load_features
from fhir_mappings.snapshot import ClinicalSnapshot, DiagnosisKind, NihssScore
from fhir_mappings.units import from_canonical

REPERFUSION = frozenset({"thrombolysis", "thrombectomy"})


def baseline_nihss(snapshot: ClinicalSnapshot) -> int | None:
    """The total of the baseline examination by the END rule."""
    baseline = _baseline(snapshot)
    return None if baseline is None else baseline.total


def baseline_item(snapshot: ClinicalSnapshot, item: str) -> int | None:
    """Points of one item of the baseline examination; None where it was not charted or is untestable."""
    baseline = _baseline(snapshot)
    return None if baseline is None else baseline.items.get(item)


def _baseline(snapshot: ClinicalSnapshot) -> NihssScore | None:
    return None if snapshot.stay is None else apply_end_rule(snapshot.nihss, snapshot.stay.t0).baseline


def at_arrival(snapshot: ClinicalSnapshot, feature: str) -> float | None:
    """The first value in the window of the package's own feature of that name, in its unit."""
    series = in_window(_specs()[feature], snapshot)
    return series[0].value if series else None


@cache
def _specs() -> dict[str, FeatureSpec]:
    return {spec.name: spec for spec in load_features().specs}


def glucose_mg_dl(snapshot: ClinicalSnapshot) -> float | None:
    """Glucose at arrival, mg/dL."""
    return at_arrival(snapshot, "glucose")


def glucose_mmol_l(snapshot: ClinicalSnapshot) -> float | None:
    """Glucose at arrival, mmol/L as it was charted: without the last digits that a conversion leaves."""
    value = glucose_mg_dl(snapshot)
    return None if value is None else round(from_canonical(value, "mmol/L", analytes()["glucose"]), 6)


def history(snapshot: ClinicalSnapshot, kind: DiagnosisKind) -> int | None:
    """1 where a Condition says so, 0 where Conditions were answered without it, None where they were not."""
    if any(diagnosis.kind == kind for diagnosis in snapshot.diagnoses):
        return 1
    return 0 if _answered(snapshot, "conditions") else None


def took_before(snapshot: ClinicalSnapshot, kind: Literal["antiplatelet", "anticoagulant", "statin"]) -> int | None:
    """1 where a drug of that class was taken before admission, 0 where drugs were answered without it."""
    if any((one.kind, one.state) == (kind, "before_admission") for one in snapshot.treatments):
        return 1
    return 0 if _answered(snapshot, "medications") else None


def thrombolysed(snapshot: ClinicalSnapshot) -> bool:
    """True where intravenous thrombolysis is charted as given."""
    return any((one.kind, one.state) == ("thrombolysis", "done") for one in snapshot.treatments)


def reperfused(snapshot: ClinicalSnapshot) -> bool | None:
    """Whether thrombolysis or thrombectomy was done; None where a query failed or a resource left it open."""
    if any(one.kind in REPERFUSION and one.state == "done" for one in snapshot.treatments):
        return True
    open_still = (
        any(issue.about in REPERFUSION for issue in snapshot.issues) or "administrations" in snapshot.unanswered
    )
    return None if open_still or not _answered(snapshot, "procedures", "medications") else False


def thrombolysis_at(snapshot: ClinicalSnapshot) -> datetime | None:
    """When thrombolysis began; a moment before the patient was last known well is none."""
    given = [one.effective for one in snapshot.treatments if (one.kind, one.state) == ("thrombolysis", "done")]
    known = snapshot.last_known_well
    return min((one for one in given if one and (known is None or one >= known)), default=None)


def before_thrombolysis(snapshot: ClinicalSnapshot) -> datetime:
    """Up to when a scan shows the brain before thrombolysis.

    Where its time is unknown, as long after arrival as a baseline NIHSS may stand (assumption).
    """
    begin = snapshot.stay.t0 if snapshot.stay else snapshot.as_of
    return thrombolysis_at(snapshot) or begin + BASELINE_UNTIL


def hours_to_arrival(snapshot: ClinicalSnapshot) -> float | None:
    """Hours from last known well to arrival."""
    if snapshot.last_known_well is None or snapshot.stay is None:
        return None
    return (snapshot.stay.t0 - snapshot.last_known_well).total_seconds() / 3600


def _answered(snapshot: ClinicalSnapshot, *queries: str) -> bool:
    return snapshot.seen - snapshot.unanswered >= set(queries)
