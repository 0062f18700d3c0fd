"""How much CPU it takes to read a chart: 200 Observations and 3 reports, from raw JSON to model inputs."""

import time
from collections.abc import Callable
from itertools import cycle, islice
from statistics import median
from typing import Any

from fhir.resources import R4B

from fhir_mappings.chart import RawChart, raws_of
from fhir_mappings.features import build_inputs, load_features
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.snapshot import Raw
from fhir_mappings.units import warm_up
from tests.builders import PATIENT_ID, Resource, at, condition, encounter, nihss, observation, patient, report

RUNS = 15
OBSERVATIONS = 200
BUDGET_MS = 80.0

_Row = tuple[str, float, str, str, str, str]
_MEASURED: tuple[_Row, ...] = (
    ("8867-4", 82, "beats/minute", "/min", "vital-signs", "Heart rate"),
    ("59408-5", 96, "%", "%", "vital-signs", "Oxygen saturation in Arterial blood by Pulse oximetry"),
    ("8310-5", 37.1, "Cel", "Cel", "vital-signs", "Body temperature"),
    ("8480-6", 148, "mmHg", "mm[Hg]", "vital-signs", "Systolic blood pressure"),
    ("8462-4", 84, "mmHg", "mm[Hg]", "vital-signs", "Diastolic blood pressure"),
    ("2345-7", 134, "mg/dL", "mg/dL", "laboratory", "Glucose [Mass/volume] in Serum or Plasma"),
    ("14749-6", 7.4, "mmol/L", "mmol/L", "laboratory", "Glucose [Moles/volume] in Serum or Plasma"),
    ("6690-2", 9.1, "K/uL", "10*3/uL", "laboratory", "Leukocytes [#/volume] in Blood by Automated count"),
    ("1988-5", 11.2, "mg/L", "mg/L", "laboratory", "C reactive protein [Mass/volume] in Serum or Plasma"),
    ("48065-7", 0.8, "ug/mL FEU", "ug/mL{FEU}", "laboratory", "Fibrin D-dimer FEU [Mass/volume]"),
    ("2951-2", 139, "mmol/L", "mmol/L", "laboratory", "Sodium [Moles/volume] in Serum or Plasma"),
)
_TEXT = """EXAM: {exam}
HISTORY: 71-year-old with right-sided weakness and unsteadiness since this morning.
TECHNIQUE: Axial images were obtained. COMPARISON: None.
FINDINGS: There is no intracranial hemorrhage. Loss of gray-white differentiation in the left insula.
The left M1 segment is occluded. No midline shift. Old lacunar infarct in the right thalamus.
Mild leukoaraiosis. Collaterals are moderate. ASPECTS 8.
IMPRESSION: Left M1 occlusion with early ischemic change in the left MCA territory. No hemorrhage."""


def chart() -> RawChart:
    """One stay with 200 Observations over two days and 3 imaging reports."""
    series = enumerate(islice(cycle(_MEASURED), OBSERVATIONS - 6))
    found = [_charted(number, row) for number, row in series]
    found += [nihss(total, hours) for total, hours in ((6, 0.5), (6, 4), (7, 12), (7, 24), (6, 36), (5, 47))]
    exams = (("CT head", 1.0), ("CTA head and neck", 1.5), ("MR brain", 26.0))
    reports = [
        report(_TEXT.format(exam=exam), hours, id_=f"r{number}", title=exam)
        for number, (exam, hours) in enumerate(exams)
    ]
    return RawChart(
        PATIENT_ID,
        {
            "patient": (patient(),),
            "encounters": (encounter(),),
            "conditions": (condition(),),
            "observations": tuple(found),
            "reports": tuple(reports),
        },
    )


def _charted(number: int, row: _Row) -> Resource:
    """An Observation with the members that servers send beside the value."""
    code, value, unit, ucum, category, display = row
    raw = observation(
        code, value, unit, hours=number / 4.2, id_=f"o{number}", ucum=ucum, display=display, category=category,
        issued=number / 4.2 + 0.5,
    )  # fmt: skip
    return raw | {
        "meta": {"versionId": "1", "lastUpdated": raw["issued"]},
        "encounter": {"reference": "Encounter/e1"},
        "performer": [{"reference": "Organization/lab"}],
    }


def mapping() -> dict[str, Any]:
    """Median CPU milliseconds of reading the chart: all of it, and what the FHIR classes alone take of it."""
    warm_up()
    table, raw, as_of = load_features(), chart(), at(49)
    snapshot = snapshot_from(raw, as_of)
    whole = _timed(lambda: build_inputs(snapshot_from(raw, as_of), table))
    return {
        "observations": len(raw.resources["observations"]),
        "reports": len(raw.resources["reports"]),
        "measurements": len(snapshot.measurements),
        "issues": len(snapshot.issues),
        "snapshot_and_inputs_ms": whole,
        "snapshot_ms": _timed(lambda: snapshot_from(raw, as_of)),
        "fhir_classes_ms": _timed(lambda: [_validated(one) for one in raws_of(raw)]),
        "budget_ms": BUDGET_MS,
        "within_budget": whole <= BUDGET_MS,
    }


def _validated(raw: Raw) -> Any:
    return R4B.get_fhir_model_class(raw["resourceType"]).model_validate(raw)


def _timed(once: Callable[[], object]) -> float:
    once()
    times: list[float] = []
    for _ in range(RUNS):
        begun = time.process_time()
        once()
        times.append((time.process_time() - begun) * 1000)
    return round(median(times), 1)
