"""The demo patients: their bundles, moved in time, and the requests an EHR would make for them."""

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID, uuid5

from fhir_mappings.codes import LOINC, nihss_codes
from fhir_mappings.queries import CLINICAL, CORE
from fhir_mappings.windows import instant

Json = dict[str, Any]

_FOLDER = files("cds_service") / "demo" / "patients"
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPACE = UUID("0d6e3f52-7d7c-5a55-9b35-6f7a5d1f3c11")


@dataclass(frozen=True)
class DemoPatient:
    """One invented patient; ``answer`` is the kind of conclusion, ``outside`` where no card is shown."""

    id: str
    story: str
    answer: str

    @property
    def bundle(self) -> Json:
        """The R4 transaction; its ``timestamp`` is its own ``as_of``."""
        bundle: Json = json.loads((_FOLDER / f"{self.id}.json").read_text("utf-8"))
        return bundle


class UnknownPatient(LookupError):
    """There is no demo patient of this name."""


@cache
def demo_patients() -> tuple[DemoPatient, ...]:
    """Every demo patient, in the order of the contract's table."""
    table = tomllib.loads((_FOLDER / "index.toml").read_text("utf-8"))
    return tuple(DemoPatient(**row) for row in table["patient"])


def demo_patient(id_: str) -> DemoPatient:
    """One demo patient by id, with or without ``demo-``. Raises `UnknownPatient`."""
    for patient in demo_patients():
        if id_ in (patient.id, patient.id.removeprefix("demo-")):
            return patient
    raise UnknownPatient(f"{id_[:40]} is no demo patient; `endwatch call --list` names them")


def as_of(bundle: Json) -> datetime:
    """The bundle's own moment."""
    moment = instant(bundle["timestamp"])
    if moment is None:
        raise ValueError("a demo bundle needs a timestamp")
    return moment


def shift(bundle: Json, to: datetime) -> Json:
    """The bundle with every time moved so that its own moment becomes ``to`` (whole seconds).

    Dates without a time move by whole days, birth dates too, so that nobody grows older.
    """
    by = timedelta(seconds=round((to - as_of(bundle)).total_seconds()))
    days = timedelta(days=round(by / timedelta(days=1)))
    moved: Json = _moved(bundle, by, days)
    return moved


def _moved(node: Any, by: timedelta, days: timedelta) -> Any:
    if isinstance(node, dict):
        return {key: _moved(value, by, days) for key, value in node.items()}
    if isinstance(node, list):
        return [_moved(value, by, days) for value in node]
    if isinstance(node, str) and _INSTANT.fullmatch(node):
        return (datetime.fromisoformat(node) + by).isoformat().replace("+00:00", "Z")
    if isinstance(node, str) and _DAY.fullmatch(node):
        return (date.fromisoformat(node) + days).isoformat()
    return node


def prefetch_from(bundle: Json) -> Json:
    """What an EHR would prefetch for this patient: every key answered from the bundle.

    The Encounters say that all of them were asked for, as the template would leave out what is over.
    """
    held: dict[str, list[Json]] = {query.key: [] for query in (*CORE, *CLINICAL)}
    for entry in bundle["entry"]:
        held[_key(entry["resource"])].append(entry["resource"])
    searches = {key: _searchset(found) for key, found in held.items() if key != "patient"}
    patient = held["patient"][0]
    searches["encounters"]["link"] = [{"relation": "self", "url": f"Encounter?patient={patient['id']}"}]
    return {"patient": patient, **searches}


def _key(resource: Json) -> str:
    """The query that finds a resource."""
    if resource["resourceType"] != "Observation":
        return next(query.key for query in (*CORE, *CLINICAL) if query.resource_type == resource["resourceType"])
    codes = {coding["code"] for coding in resource["code"]["coding"] if coding["system"] == LOINC}
    if codes & set(nihss_codes()):
        return "nihss"
    categories = {coding["code"] for one in resource.get("category", ()) for coding in one["coding"]}
    return "vitals" if "vital-signs" in categories else "labs"


def _searchset(found: list[Json]) -> Json:
    entries = [{"resource": one, "search": {"mode": "match"}} for one in found]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(found)} | (
        {"entry": entries} if entries else {}
    )


def request_for(
    patient: DemoPatient, bundle: Json, *, with_prefetch: bool = True, fhir_server: str | None = None
) -> Json:
    """The patient-view request of a chart open; the same bundle gives the same ``hookInstance``."""
    instance = uuid5(_SPACE, f"{patient.id}/{bundle['timestamp']}/{with_prefetch}/{fhir_server}")
    request: Json = {
        "hook": "patient-view",
        "hookInstance": str(instance),
        "context": {"userId": "Practitioner/demo", "patientId": patient.id},
    }
    if fhir_server:
        request["fhirServer"] = fhir_server
    if with_prefetch:
        request["prefetch"] = prefetch_from(bundle)
    return request
