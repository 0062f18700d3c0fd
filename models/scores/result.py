"""What a published score says, and the facts that the scores share."""

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_mappings.end_rule import apply_end_rule
from fhir_mappings.inputs import Assertion, ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot, DiagnosisKind

MG_DL_PER_MMOL_L = 18.0156  # glucose, molar mass 180.156 g/mol


@dataclass(frozen=True)
class ScoreResult:
    """A published score's points, or None with the inputs it lacks.

    ``means`` is what the points were published to mean; ``source`` where the table was read.
    """

    name: str
    points: int | None
    missing: tuple[str, ...]
    means: str
    source: str

    @property
    def text(self) -> str:
        """One line for the card."""
        if self.points is None:
            return f"{self.name}: not computable (missing: {', '.join(self.missing)})"
        return f"{self.name} {self.points}: {self.means}"


def add_up(name: str, points: Mapping[str, int | None], means: Mapping[int, str], source: str) -> ScoreResult:
    """The sum of all parts, or the parts that are None as what is missing."""
    missing = tuple(part for part, value in points.items() if value is None)
    total = None if missing else sum(value for value in points.values() if value is not None)
    return ScoreResult(name, total, missing, "" if total is None else means[total], source)


def baseline_nihss(snapshot: ClinicalSnapshot) -> int | None:
    """The total of the baseline examination by the END rule."""
    if snapshot.stay is None:
        return None
    baseline = apply_end_rule(snapshot.nihss, snapshot.stay.t0).baseline
    return None if baseline is None else baseline.total


def history(snapshot: ClinicalSnapshot, kind: DiagnosisKind) -> int | None:
    """1 where a Condition says so, 0 where Conditions were answered without it, None where they were not."""
    if any(diagnosis.kind == kind for diagnosis in snapshot.diagnoses):
        return 1
    answered = "conditions" in snapshot.seen and "conditions" not in snapshot.unanswered
    return 0 if answered else None


def first_glucose_mg_dl(snapshot: ClinicalSnapshot) -> float | None:
    """The first glucose of the stay, mg/dL."""
    values = [m for m in snapshot.measurements if m.analyte == "glucose"]
    return min(values, key=lambda m: m.effective).value if values else None


def read_as(inputs: ModelInputs, name: str) -> bool | None:
    """True where a finding was read as present, False where only as absent, None where neither."""
    said: set[Assertion] = {finding.assertion for finding in inputs.findings if finding.name == name}
    if "present" in said:
        return True
    return False if said == {"absent"} else None
