"""Charts by patient from a folder of FHIR NDJSON: a simulated cohort or a hospital's bulk export.

A first pass notes where each patient's lines stand, a second reads one patient at a time: memory
grows with the number of lines (eight bytes each), not with what they hold.
"""

import json
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from fhir_mappings.chart import RawChart
from fhir_mappings.codes import nihss_codes
from fhir_mappings.reading import reference_of
from fhir_mappings.references import follow_ups
from fhir_mappings.snapshot import Raw
from fhir_mappings.windows import instant

_KEYS = {
    "Patient": ("patient",),
    "Encounter": ("encounters",),
    "Condition": ("conditions",),
    "Procedure": ("procedures",),
    "Observation": ("nihss", "labs", "vitals"),
    "DiagnosticReport": ("reports",),
    "DocumentReference": ("reports",),
    "QuestionnaireResponse": ("forms",),
    "MedicationRequest": ("medications",),
    "MedicationStatement": ("medications",),
    "MedicationAdministration": ("administrations",),
}
_REQUIRED = ("Patient", "Encounter", "Condition", "Observation")
_CATALOG = {"Medication": "medications", "Binary": "reports"}
"""Types of nobody, which others refer to, and the key that their referrers stand under."""
_TYPE_OF_FILE = re.compile(rf"({'|'.join(sorted((*_KEYS, *_CATALOG), key=len, reverse=True))})(?![A-Za-z])")
_OFFSET_BITS = 44
_STAY = "/"  # stands in no FHIR id
_NIHSS = frozenset(nihss_codes())
_TIMES = (
    "effectiveDateTime", "issued", "performedDateTime", "authoredOn", "authored", "deceasedDateTime", "recordedDate",
)  # fmt: skip
_PERIODS = ("period", "effectivePeriod", "performedPeriod")


class CohortError(ValueError):
    """A folder, or what was read from it, is no cohort to learn from; one sentence.

    A fault of a file is named by file and line, one of a row by the resource's id, never by what stands there.
    """


def read_charts(folder: Path) -> Iterator[RawChart]:
    """One chart a patient, in the order in which the files first name the patients.

    Files are named ``<Type>.ndjson`` or ``<Type>*.ndjson``. A type without a file counts as
    unanswered, never as "none"; required ones missing, or a bad line, raise `CohortError`.
    """
    files = _files(folder)
    unanswered = _unanswered(files)
    with ExitStack() as stack:
        opened = [(kind, path, stack.enter_context(path.open("rb"))) for kind, path in files]
        catalog = _catalog_places(opened)
        for patient_id, places in _places(opened).items():
            raws = [_line_at(opened, place) for place in places]
            found = [_line_at(opened, catalog[one]) for one in follow_ups(raws, raws) if one in catalog]
            yield RawChart(patient_id, _by_key([*raws, *found], unanswered), unanswered)


def stay_name(patient: str, number: int) -> str:
    """The name of a patient's stay, counted from 1: the first one is named as the patient."""
    return patient if number == 1 else f"{patient}{_STAY}{number}"


def patient_of(stay: str) -> str:
    """Whose stay it is."""
    return stay.partition(_STAY)[0]


def latest_moment(chart: RawChart) -> datetime:
    """The last moment that the chart tells of: until then the patient was followed."""
    moments = [moment for held in chart.resources.values() for raw in held for moment in _moments(raw)]
    return max(moments, default=datetime.min.replace(tzinfo=UTC))


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Type and path of every file we read, patients first."""
    named = [(_TYPE_OF_FILE.match(path.name), path) for path in sorted(folder.glob("*.ndjson"))]
    files = [(match[1], path) for match, path in named if match]
    if missing := [kind for kind in _REQUIRED if kind not in {kind for kind, _ in files}]:
        raise CohortError(f"{folder} holds no {', '.join(f'{kind}*.ndjson' for kind in missing)}")
    return sorted(files, key=lambda file: (file[0] != "Patient", file[1].name))


def _unanswered(files: list[tuple[str, Path]]) -> frozenset[str]:
    answered = {key for kind, _ in files for key in _KEYS.get(kind, ())}
    return frozenset(key for keys in _KEYS.values() for key in keys) - answered


Opened = Sequence[tuple[str, Path, BinaryIO]]
"""Type, path and open file of every file we read."""


def _lines(number: int, kind: str, path: Path, file: BinaryIO) -> Iterator[tuple[int, Raw, str]]:
    """Place, resource and ``file line n`` of every line that is not blank."""
    offset = 0
    for line_number, line in enumerate(file, 1):
        where = f"{path.name} line {line_number}"
        if line.strip():
            yield (number << _OFFSET_BITS) + offset, _resource(line, kind, where), where
        offset += len(line)


def _resource(line: bytes, kind: str, where: str) -> Raw:
    try:
        raw = json.loads(line)
    except ValueError:
        raise CohortError(f"{where}: not JSON") from None
    if not isinstance(raw, dict) or raw.get("resourceType") != kind:
        raise CohortError(f"{where}: not a {kind}")
    return raw


def _places(opened: Opened) -> dict[str, "array[int]"]:
    """Where each patient's lines stand."""
    places: dict[str, array[int]] = {}
    for number, (kind, path, file) in enumerate(opened):
        if kind in _CATALOG:
            continue
        for place, raw, where in _lines(number, kind, path, file):
            id_ = _patient_id(raw, where)
            if kind == "Patient" and id_ in places:  # Patients are read first
                raise CohortError(f"{where}: a second Patient of one id")
            places.setdefault(id_, array("q")).append(place)
    return places


def _catalog_places(opened: Opened) -> dict[str, int]:
    """Where each resource of the catalog stands, by its reference."""
    return {
        reference_of(raw): place
        for number, (kind, path, file) in enumerate(opened)
        if kind in _CATALOG
        for place, raw, _ in _lines(number, kind, path, file)
    }


def _patient_id(raw: Raw, where: str) -> str:
    """Whose resource it is; relative and absolute references are read."""
    if raw["resourceType"] == "Patient":
        id_ = raw.get("id")
    else:
        subject = raw.get("subject")
        reference = subject.get("reference") if isinstance(subject, dict) else None
        _, found, id_ = str(reference).split("/_history")[0].rpartition("Patient/")
        id_ = id_ if found else None
    if not isinstance(id_, str) or not id_ or "/" in id_:
        raise CohortError(f"{where}: no patient")
    return id_


def _line_at(opened: Opened, place: int) -> Raw:
    file = opened[place >> _OFFSET_BITS][2]
    file.seek(place & ((1 << _OFFSET_BITS) - 1))
    raw: Raw = json.loads(file.readline())
    return raw


def _by_key(raws: list[Raw], unanswered: frozenset[str]) -> Mapping[str, tuple[Raw, ...]]:
    """Resources under the query keys that would have found them."""
    grouped: dict[str, list[Raw]] = {key: [] for keys in _KEYS.values() for key in keys if key not in unanswered}
    for raw in raws:
        grouped.setdefault(_key(raw), []).append(raw)
    return {key: tuple(held) for key, held in grouped.items()}


def _key(raw: Raw) -> str:
    kind = str(raw["resourceType"])
    if kind in _CATALOG:
        return _CATALOG[kind]
    if kind != "Observation":
        return _KEYS[kind][0]
    if _codes(raw.get("code")) & _NIHSS:
        return "nihss"
    categories = raw.get("category")
    listed = categories if isinstance(categories, list) else []
    return "vitals" if any("vital-signs" in _codes(one) for one in listed) else "labs"


def _codes(concept: Any) -> frozenset[str]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    listed = codings if isinstance(codings, list) else []
    return frozenset(str(coding.get("code")) for coding in listed if isinstance(coding, dict))


def _moments(raw: Raw) -> Iterator[datetime]:
    values = [raw.get(name) for name in _TIMES]
    for name in _PERIODS:
        if isinstance(period := raw.get(name), dict):
            values += [period.get("start"), period.get("end")]
    yield from filter(None, map(instant, values))
