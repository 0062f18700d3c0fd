"""How a stay ended, and what else competes with END: read from the raw chart by ``departures.toml``."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fhir_mappings.chart import RawChart
from fhir_mappings.snapshot import ClinicalSnapshot, Raw
from fhir_mappings.windows import instant

DepartureKind = Literal[
    "discharge_alive", "neurological_death", "other_death", "comfort_care", "transfer", "thrombectomy", "craniectomy",
]  # fmt: skip

_SNOMED = "http://snomed.info/sct"
_NOT_SO = frozenset({"refuted", "entered-in-error", "not-done"})
_AFTER_DEATH = timedelta(hours=24)
"""A cause of death may be recorded this long after it (assumption)."""


@dataclass(frozen=True)
class Departure:
    """One event that ends, or competes with, the watch for END."""

    kind: DepartureKind
    at: datetime
    source: str


@cache
def departure_table() -> Mapping[str, Any]:
    """The codes and limits of ``departures.toml``."""
    return tomllib.loads((Path(__file__).parent / "departures.toml").read_text("utf-8"))


def departures_from(chart: RawChart, history: ClinicalSnapshot) -> tuple[Departure, ...]:
    """Everything that ended or overtook the stay, in the order of time."""
    if history.stay is None:
        return ()
    found = [*_procedures(history), *_comfort(chart, history.stay.t0), *_end_of_stay(chart, history)]
    return tuple(sorted(found, key=lambda one: one.at))


def _procedures(history: ClinicalSnapshot) -> Iterator[Departure]:
    """Thrombectomy and craniectomy done in this stay."""
    kinds: dict[str, DepartureKind] = {"thrombectomy": "thrombectomy", "craniectomy": "craniectomy"}
    for treatment in history.treatments:
        kind = kinds.get(treatment.kind)
        if kind is not None and treatment.state == "done" and treatment.effective is not None:
            yield Departure(kind, treatment.effective, treatment.source)


def _comfort(chart: RawChart, t0: datetime) -> Iterator[Departure]:
    """Comfort care, from the moment that a Procedure or Condition says so."""
    for raw in (*chart.resources.get("procedures", ()), *chart.resources.get("conditions", ())):
        at = _moment(raw)
        if at is not None and at >= t0 and _stands(raw) and _is_listed([raw.get("code")], "comfort_care"):
            yield Departure("comfort_care", at, _source(raw))


def _end_of_stay(chart: RawChart, history: ClinicalSnapshot) -> Iterator[Departure]:
    """Death, or the discharge as its disposition says; without one, discharged alive (assumption)."""
    stay = history.stay
    if stay is None:
        return
    encounters = [raw for raw in chart.resources.get("encounters", ()) if _source(raw) in stay.encounters]
    named = {kind for raw in encounters if (kind := _disposition(raw))}
    patients = [raw for raw in chart.resources.get("patient", ()) if raw.get("deceasedDateTime")]
    died = instant(patients[0]["deceasedDateTime"]) if patients else (stay.end if "death" in named else None)
    if died is not None and died >= stay.t0 and (stay.end is None or died <= stay.end + _AFTER_DEATH):
        neurological = _died_of_the_brain(chart, encounters, stay.t0, died)
        source = _source(patients[0]) if patients else stay.encounters[0]
        yield Departure("neurological_death" if neurological else "other_death", died, source)
    elif stay.end is not None:
        kinds: tuple[DepartureKind, ...] = ("comfort_care", "transfer")
        alive: DepartureKind = "discharge_alive"
        ended = next((kind for kind in kinds if kind in named), alive)
        yield Departure(ended, stay.end, stay.encounters[0])


def _disposition(encounter: Raw) -> str | None:
    """Which kind of end the Encounter's disposition names."""
    hospitalization = encounter.get("hospitalization")
    concept = hospitalization.get("dischargeDisposition") if isinstance(hospitalization, dict) else None
    codes = {code for _, code in _codings(concept)}
    return next((kind for kind, row in departure_table()["dispositions"].items() if codes & set(row["codes"])), None)


def _died_of_the_brain(chart: RawChart, encounters: Iterable[Raw], t0: datetime, died: datetime) -> bool:
    """True where a Condition of the stay, or a reason of its Encounter, names a neurological cause."""
    reasons = [reason for raw in encounters for reason in raw.get("reasonCode") or ()]
    conditions = [
        raw.get("code")
        for raw in chart.resources.get("conditions", ())
        if _stands(raw) and (at := _moment(raw)) is not None and t0 <= at <= died + _AFTER_DEATH
    ]
    return _is_listed([*reasons, *conditions], "neurological_death")


def _is_listed(concepts: Iterable[Any], table: str) -> bool:
    """True where a concept's code stands in the table: SNOMED CT whole, ICD-10 by prefix."""
    row = departure_table()[table]
    return any(
        code in row["snomed"] if system == _SNOMED else code.replace(".", "").startswith(tuple(row["prefixes"]))
        for concept in concepts
        for system, code in _codings(concept)
    )


def _codings(concept: Any) -> Iterator[tuple[str, str]]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            yield str(coding.get("system")), coding["code"]


def _stands(raw: Raw) -> bool:
    """False where the entry was refuted, entered in error or not done."""
    said = {str(raw.get("status"))} | {code for _, code in _codings(raw.get("verificationStatus"))}
    return not said & _NOT_SO


def _moment(raw: Raw) -> datetime | None:
    """When a Procedure was performed or a Condition was recorded or began."""
    period = raw.get("performedPeriod")
    start = period.get("start") if isinstance(period, dict) else None
    values = (raw.get("performedDateTime"), start, raw.get("recordedDate"), raw.get("onsetDateTime"))
    return next(filter(None, map(instant, values)), None)


def _source(raw: Raw) -> str:
    return f"{raw.get('resourceType')}/{raw.get('id')}"
