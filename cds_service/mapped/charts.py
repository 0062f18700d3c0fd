"""A chart to look at: from a Bundle in a file, or from a FHIR server."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cds_service.errors import CdsError
from cds_service.fhir_client.ask import ask
from cds_service.fhir_client.bundles import resources_of
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.collect import Case, collect
from cds_service.outbound.session import Session, new_session
from fhir_mappings.chart import RawChart, raws_of
from fhir_mappings.patients import stay_from
from fhir_mappings.queries import CORE, Search, clinical_queries
from fhir_mappings.reading import READ_TYPES, read_all
from fhir_mappings.site import Site
from fhir_mappings.snapshot import Raw
from fhir_mappings.windows import instant

SECONDS = 60
"""How long a whole chart may take from a server: somebody waits for it, but no clinician."""

_KEYS = {
    "Patient": "patient", "Encounter": "encounters", "Condition": "conditions", "Procedure": "procedures",
    "DiagnosticReport": "reports", "DocumentReference": "reports", "Binary": "reports",
    "MedicationRequest": "medications", "MedicationStatement": "medications",
    "MedicationAdministration": "medications", "Medication": "medications", "QuestionnaireResponse": "forms",
}  # fmt: skip
_OBSERVED = ("nihss", "labs", "vitals")


class ChartError(ValueError):
    """The chart cannot be had; one sentence says why, without what stands in it."""


@dataclass(frozen=True)
class Looked:
    """A raw chart and the moment at which it is looked at; ``others`` are Observations beyond our queries."""

    chart: RawChart
    as_of: datetime
    others: tuple[Raw, ...] = ()


def chart_to_look_at(
    bundle: Path | None,
    base: str | None,
    patient_id: str | None,
    site: Site,
    *,
    as_of: str | None = None,
    token_file: Path | None = None,
) -> Looked:
    """The chart that a command line names: a Bundle, or a patient of a FHIR server. Raises `ChartError`."""
    moment = instant(as_of) if as_of else None
    if as_of and moment is None:
        raise ChartError(f"--as-of {as_of} is no FHIR time")
    if (bundle is None) == (base is None):
        raise ChartError("name either a Bundle or --fhir URL")
    if bundle is not None:
        return from_bundle(bundle, patient_id, moment)
    if patient_id is None or base is None:
        raise ChartError("--fhir needs --patient ID")
    token = token_file.read_text("utf-8").strip() if token_file else None
    return from_server(base, patient_id, site, as_of=moment, token=token)


def from_bundle(path: Path, patient_id: str | None, as_of: datetime | None) -> Looked:
    """The chart in a Bundle of one patient, or of the one named. Raises `ChartError`.

    Without a moment it is looked at when its last resource happened, or at the Bundle's own timestamp.
    """
    raws = [raw for raw in resources_of(_bundle(path)) if raw.get("resourceType") in (*READ_TYPES, "Binary")]
    patients = [str(raw["id"]) for raw in raws if raw.get("resourceType") == "Patient" and raw.get("id")]
    if patient_id is None and len(patients) != 1:
        raise ChartError(f"{path.name} holds {len(patients)} Patients: name one with --patient")
    id_ = patient_id or patients[0]
    held: dict[str, list[Raw]] = {key: [] for key in (*_OBSERVED, *_KEYS.values())}
    for raw in raws:
        if _is_of(raw, id_):
            held[_KEYS.get(str(raw["resourceType"]), "labs")].append(raw)
    chart = RawChart(id_, {key: tuple(found) for key, found in held.items()})
    return Looked(chart, as_of or _last_moment(raws_of(chart)))


def _bundle(path: Path) -> Any:
    try:
        bundle = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ChartError(f"{path.name} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ChartError(f"{path.name} is not JSON") from None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise ChartError(f"{path.name} is no Bundle")
    return _with_plain_references(bundle)


def _with_plain_references(bundle: Mapping[str, Any]) -> Mapping[str, Any]:
    """A transaction Bundle's ``urn:uuid:`` references as ``Type/id``, as a server would write them."""
    names = {}
    for entry in bundle.get("entry") or ():
        raw = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(raw, dict) and isinstance(entry.get("fullUrl"), str):
            names[entry["fullUrl"]] = f"{raw.get('resourceType')}/{raw.get('id')}"
    return _renamed(bundle, names)  # type: ignore[no-any-return]  # a mapping stays one


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: names.get(value, value) if key == "reference" and isinstance(value, str) else _renamed(value, names)
            for key, value in node.items()
        }
    return [_renamed(one, names) for one in node] if isinstance(node, list) else node


def _is_of(raw: Raw, patient_id: str) -> bool:
    """False for what belongs to another patient of the same file; what names nobody is left to the reading."""
    if raw["resourceType"] == "Patient":
        return raw.get("id") == patient_id
    subject = raw.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    return not isinstance(reference, str) or f"/{reference.split('/_history')[0]}".endswith(f"/{patient_id}")


def _last_moment(raws: Sequence[Raw]) -> datetime:
    """When the last thing that a chart tells of happened; never ahead of now."""
    now = datetime.now(UTC)
    names = ("issued", "effectiveDateTime", "authoredOn", "authored", "performedDateTime", "recordedDate")
    moments = [instant(raw.get(name)) for raw in raws for name in names]
    return max((moment for moment in moments if moment and moment <= now), default=now)


def from_server(
    base: str,
    patient_id: str,
    site: Site,
    *,
    as_of: datetime | None = None,
    token: str | None = None,
    session: Session | None = None,
) -> Looked:
    """The chart as a call would collect it, and the newest Observations whatever their code. Raises `ChartError`.

    ``base`` is the operator's own word, not a caller's: it need not be listed in the settings.
    """
    client = FhirClient(base.rstrip("/"), session or new_session(), time.monotonic() + SECONDS, token)
    moment = as_of or datetime.now(UTC)
    case = Case(patient_id, moment, client=client)
    try:
        core = collect(CORE, case)
        encounters, _ = read_all(core.resources["encounters"], patient_id, site)
        stay, _ = stay_from(encounters, moment)
        chart = collect(clinical_queries(site), case, core, t0=stay.t0 if stay else None)
    except CdsError as error:
        raise ChartError(error.message) from None
    newest = Search("Observation", (("patient", patient_id), ("_sort", "-date"), ("_count", "200")))
    (others,) = ask(client, patient_id, [newest])
    return Looked(chart, moment, others.resources or ())
