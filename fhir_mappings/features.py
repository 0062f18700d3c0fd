"""The structured inputs of a model, as its ``features.toml`` lists them, filled from a snapshot."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast, get_args

from fhir_mappings.codes import DATA, analytes
from fhir_mappings.end_rule import apply_end_rule, motor_score, total_rise
from fhir_mappings.inputs import Feature, ModelInputs
from fhir_mappings.report_order import newest_final_first
from fhir_mappings.reports import REPORTS_BEFORE
from fhir_mappings.snapshot import ClinicalSnapshot, Measurement, NihssScore, Report
from fhir_mappings.text.findings import read_findings
from fhir_mappings.text.sections import sentences_of

Kind = Literal[
    "age", "female", "hours_from_onset", "pre_stroke_mrs", "nihss_baseline", "nihss_latest", "nihss_change",
    "nihss_motor", "measurement", "diagnosis", "drug", "thrombolysis",
]  # fmt: skip


class FeatureError(ValueError):
    """features.toml is wrong; names the feature and the field."""


@dataclass(frozen=True)
class FeatureSpec:
    """One structured input: what it is, which value of a series counts, and from which window.

    ``of`` names the analyte, diagnosis or drug class; the window is in hours relative to ``t0``;
    ``max_age_hours`` bounds how old a value may be at ``as_of`` before the card calls it old.
    """

    name: str
    label: str
    unit: str
    kind: Kind
    source: str
    of: str | None = None
    pick: Literal["first", "latest"] = "latest"
    from_hours: float = -1.0
    until_hours: float = 168.0
    max_age_hours: float | None = None


@dataclass(frozen=True)
class FeatureTable:
    """The inputs of one model in their order; ``version`` names the table."""

    version: str
    specs: tuple[FeatureSpec, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs' names in order."""
        return tuple(spec.name for spec in self.specs)


def load_features(path: Path | None = None) -> FeatureTable:
    """The table in ``path``, else the one of this package. Raises `FeatureError`."""
    text = path.read_text("utf-8") if path else (DATA / "features.toml").read_text("utf-8")
    data = tomllib.loads(text)
    specs = tuple(_spec(row) for row in data.get("feature", ()))
    names = [spec.name for spec in specs]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise FeatureError(f"features.toml: {doubled} stands twice")
    if not specs or not isinstance(data.get("version"), str):
        raise FeatureError("features.toml: needs a version and at least one feature")
    return FeatureTable(data["version"], specs)


def _spec(row: Mapping[str, Any]) -> FeatureSpec:
    name = row.get("name", "a feature without name")
    known = FeatureSpec.__dataclass_fields__
    if unknown := next((key for key in row if key not in known), None):
        raise FeatureError(f"features.toml: {name}: field {unknown} is not known")
    if missing := next((key for key in ("name", "label", "unit", "kind", "source") if key not in row), None):
        raise FeatureError(f"features.toml: {name}: field {missing} is missing")
    if row["kind"] not in get_args(Kind):
        raise FeatureError(f"features.toml: {name}: kind {row['kind']} is not known")
    if row["kind"] == "measurement" and row.get("of") not in analytes():
        raise FeatureError(f"features.toml: {name}: of = {row.get('of')} is no analyte")
    return FeatureSpec(**row)


def build_inputs(snapshot: ClinicalSnapshot, table: FeatureTable) -> ModelInputs:
    """The row of data of a snapshot. Raises `ValueError` where the stay, and so ``t0``, is unknown."""
    if snapshot.stay is None:
        raise ValueError("model inputs need a stay")
    sentences = sentences_of(newest_final_first(reports_of_stay(snapshot)))
    return ModelInputs(
        as_of=snapshot.as_of,
        t0=snapshot.stay.t0,
        features=tuple(_feature(spec, snapshot) for spec in table.specs),
        sentences=sentences,
        findings=read_findings(sentences),
    )


def reports_of_stay(snapshot: ClinicalSnapshot) -> tuple[Report, ...]:
    """The reports of this stay, those of the day before arrival included."""
    begin = snapshot.stay.t0 - REPORTS_BEFORE if snapshot.stay else snapshot.as_of
    return tuple(report for report in snapshot.reports if report.effective >= begin)


_Read = tuple[float | None, datetime | None, str | None]
_NOTHING: _Read = (None, None, None)


def _feature(spec: FeatureSpec, snapshot: ClinicalSnapshot) -> Feature:
    value, effective, source = _READERS[spec.kind](spec, snapshot)
    return Feature(spec.name, spec.label, spec.unit, value, effective, source, spec.kind in _FLAGS, spec.max_age_hours)


def _age(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    age = snapshot.patient.age_years
    return (None if age is None else float(age), None, f"Patient/{snapshot.patient.id}")


def _female(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    sex = snapshot.patient.sex
    return (None if sex is None else float(sex == "female"), None, f"Patient/{snapshot.patient.id}")


def _onset(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    known = snapshot.last_known_well
    if known is None or snapshot.stay is None:
        return _NOTHING
    return (snapshot.stay.t0 - known).total_seconds() / 3600, known, None


def _mrs(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    return _measured(snapshot.pre_stroke_mrs)


def _measured(one: Measurement | None) -> _Read:
    return (one.value, one.effective, one.source) if one else _NOTHING


def _scored(score: NihssScore | None, points: float | None) -> _Read:
    return (float(points), score.effective, score.source) if score and points is not None else _NOTHING


def _scores(snapshot: ClinicalSnapshot) -> tuple[NihssScore | None, NihssScore | None]:
    """Baseline by the END rule, and the latest known total."""
    if snapshot.stay is None:
        return None, None
    known = [score for score in snapshot.nihss if score.total is not None and score.not_a_baseline != "prehospital"]
    baseline = apply_end_rule(snapshot.nihss, snapshot.stay.t0).baseline
    return baseline, max(known, key=lambda score: score.effective, default=None)


def _baseline(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    baseline, _latest = _scores(snapshot)
    return _scored(baseline, baseline.total if baseline else None)


def _latest(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    latest = _scores(snapshot)[1]
    return _scored(latest, latest.total if latest else None)


def _change(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    before, after = _scores(snapshot)
    rise = total_rise(before, after) if before and after else None
    return _scored(after, rise)


def _motor(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    known = [score for score in snapshot.nihss if motor_score(score) is not None]
    latest = max(known, key=lambda score: score.effective, default=None)
    return _scored(latest, motor_score(latest) if latest else None)


def _measurement(spec: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    series = in_window(spec, snapshot)
    return _measured((series[0] if spec.pick == "first" else series[-1]) if series else None)


def in_window(spec: FeatureSpec, snapshot: ClinicalSnapshot) -> Sequence[Measurement]:
    """The values of a measurement's window up to ``as_of``, oldest first."""
    if snapshot.stay is None:
        return ()
    begin = snapshot.stay.t0 + timedelta(hours=spec.from_hours)
    end = min(snapshot.as_of, snapshot.stay.t0 + timedelta(hours=spec.until_hours))
    found = [one for one in snapshot.measurements if one.analyte == spec.of and begin <= one.effective <= end]
    return sorted(found, key=lambda one: one.effective)


def _diagnosis(spec: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    if "conditions" in snapshot.unanswered:
        return _NOTHING
    found = next((one for one in snapshot.diagnoses if one.kind == spec.of), None)
    return (float(found is not None), found.onset if found else None, found.source if found else None)


def _drug(spec: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    """1 where it was taken before admission; unknown where drugs were not answered or none is charted."""
    home = [one for one in snapshot.treatments if one.state == "before_admission"]
    if "medications" in snapshot.unanswered or "medications" not in snapshot.seen:
        return _NOTHING
    found = next((one for one in home if one.kind == spec.of), None)
    return (float(found is not None), found.effective if found else None, found.source if found else None)


def _thrombolysis(_: FeatureSpec, snapshot: ClinicalSnapshot) -> _Read:
    done = [one for one in snapshot.treatments if one.kind == "thrombolysis" and one.state == "done"]
    if done:
        return 1.0, done[0].effective, done[0].source
    return _NOTHING if {"procedures", "medications", "administrations"} & snapshot.unanswered else (0.0, None, None)


_FLAGS = frozenset({"female", "diagnosis", "drug", "thrombolysis"})

_READERS = cast(
    Mapping[str, Callable[[FeatureSpec, ClinicalSnapshot], _Read]],
    {
        "age": _age,
        "female": _female,
        "hours_from_onset": _onset,
        "pre_stroke_mrs": _mrs,
        "nihss_baseline": _baseline,
        "nihss_latest": _latest,
        "nihss_change": _change,
        "nihss_motor": _motor,
        "measurement": _measurement,
        "diagnosis": _diagnosis,
        "drug": _drug,
        "thrombolysis": _thrombolysis,
    },
)
