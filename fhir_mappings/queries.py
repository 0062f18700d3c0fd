"""What is asked of a chart: the prefetch templates, our own searches, and the second round.

EHRs copy templates when the service is registered, so a key's query never changes: a changed query
gets a new key. Templates carry no dates and no encounter (CDS Hooks 2.0.1 has no ``today()``, and
``encounterId`` is optional); our own searches add them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fhir_mappings.codes import LOINC, lab_codes, nihss_codes
from fhir_mappings.reading import reference_of
from fhir_mappings.snapshot import Raw

_LONGEST_CODE_LIST = 1500
_STAYS_BACK = timedelta(days=30)
_BEFORE_STAY = timedelta(hours=1)
_FIRST_DAY = timedelta(hours=24)

ONSET_CODE = "11368-8"
"""LOINC: illness or injury onset date and time."""

MRS_CODE = "75859-9"
"""LOINC: modified Rankin scale."""

_RADIOLOGY = "http://loinc.org|LP29684-5,http://terminology.hl7.org/CodeSystem/v2-0074|RAD"


@dataclass(frozen=True)
class Query:
    """One prefetch key: its template, and whether a call can be answered without it."""

    key: str
    resource_type: str
    template: str
    required: bool
    count: int | None = None


@dataclass(frozen=True)
class Search:
    """One request to a FHIR server: a path below its base, and parameters (none for a read)."""

    path: str
    params: tuple[tuple[str, str], ...] = ()


# What a second round may read: an id never climbs out of the server's base or adds parameters.
_READABLE = re.compile(r"(?:Encounter|Medication)/(?=.*[A-Za-z0-9])[A-Za-z0-9._-]{1,64}")

_P = "patient={{context.patientId}}"


def _observations(codes: Sequence[str]) -> str:
    return f"Observation?{_P}&code={','.join(codes)}&_sort=-date&_count=200"


_NIHSS = nihss_codes()
_LABS = (*lab_codes(), ONSET_CODE, MRS_CODE)

CORE: tuple[Query, ...] = (
    Query("patient", "Patient", "Patient/{{context.patientId}}", required=True),
    Query("encounters", "Encounter", f"Encounter?{_P}&status=in-progress&_count=20", required=True, count=20),
    Query("conditions", "Condition", f"Condition?{_P}", required=True),
    Query("procedures", "Procedure", f"Procedure?{_P}", required=False),
)

CLINICAL: tuple[Query, ...] = (
    Query("nihss", "Observation", _observations(_NIHSS), required=True, count=200),
    Query("labs", "Observation", _observations(_LABS), required=False, count=200),
    Query(
        "vitals",
        "Observation",
        f"Observation?{_P}&category=vital-signs&_sort=-date&_count=200",
        required=False,
        count=200,
    ),
    Query(
        "reports",
        "DiagnosticReport",
        f"DiagnosticReport?{_P}&category={_RADIOLOGY}&_sort=-date&_count=50",
        required=False,
        count=50,
    ),
    Query("medications", "MedicationRequest", f"MedicationRequest?{_P}", required=False),
)


def templates() -> dict[str, str]:
    """The prefetch templates of the discovery answer, by key."""
    return {query.key: query.template for query in (*CORE, *CLINICAL)}


def own_searches(query: Query, patient_id: str, *, t0: datetime | None, as_of: datetime) -> tuple[Search, ...]:
    """Our own requests for a key. ``t0`` bounds them in time where it is known."""
    since, patient = _since(t0), ("patient", patient_id)
    given = (Search("MedicationAdministration", (patient, ("effective-time", since[1]))),) if since else ()
    searches: dict[str, tuple[Search, ...]] = {
        "patient": (Search(f"Patient/{patient_id}"),),
        "encounters": (Search("Encounter", (patient, ("date", f"ge{_day(as_of - _STAYS_BACK)}"), ("_count", "50"))),),
        "nihss": _by_codes(patient, _NIHSS, since),
        "labs": _by_codes(patient, _LABS, None),
        "vitals": _vitals(patient, t0),
        "reports": (_search("DiagnosticReport", patient, ("category", _RADIOLOGY), since, count=50),),
        "medications": (Search("MedicationRequest", (patient,)), *given),
    }
    return searches.get(query.key, (Search(query.resource_type, (patient,)),))


def _since(t0: datetime | None) -> tuple[str, str] | None:
    return ("date", f"ge{_day(t0 - _BEFORE_STAY)}") if t0 else None


def fallback_searches(query: Query, patient_id: str, *, t0: datetime | None) -> tuple[Search, ...]:
    """What is asked where the first searches found nothing: reports whatever their category."""
    if query.key != "reports":
        return ()
    return (_search("DiagnosticReport", ("patient", patient_id), _since(t0), count=50),)


def follow_ups(raws: Iterable[Raw], held: Iterable[Raw]) -> tuple[str, ...]:
    """References of ``raws`` that a second round has to fetch: ``partOf`` Encounters and drugs not ``held``."""
    known = {reference_of(raw) for raw in held}
    wanted: dict[str, None] = {}
    for raw in raws:
        member = {"Encounter": "partOf"}.get(str(raw.get("resourceType")), "medicationReference")
        link = raw.get(member)
        reference = link.get("reference") if isinstance(link, dict) else None
        if isinstance(reference, str) and _READABLE.fullmatch(reference):
            wanted[reference] = None
    return tuple(reference for reference in wanted if reference not in known)


def _day(moment: datetime) -> str:
    """A search bound with time and zone, to the second."""
    return moment.replace(microsecond=0).isoformat()


def _search(path: str, *params: tuple[str, str] | None, count: int | None = None) -> Search:
    """A search without its absent parameters."""
    paging = (("_sort", "-date"), ("_count", str(count)) if count else None)
    return Search(path, tuple(param for param in (*params, *paging) if param))


def _by_codes(patient: tuple[str, str], codes: Sequence[str], since: tuple[str, str] | None) -> tuple[Search, ...]:
    """One search a code list, each short enough for a URL."""
    lists: list[list[str]] = [[]]
    for code in codes:
        if len(",".join([*lists[-1], f"{LOINC}|{code}"])) > _LONGEST_CODE_LIST:
            lists.append([])
        lists[-1].append(f"{LOINC}|{code}")
    return tuple(_search("Observation", patient, ("code", ",".join(each)), since, count=200) for each in lists)


def _vitals(patient: tuple[str, str], t0: datetime | None) -> tuple[Search, ...]:
    """Two windows: arrival and the newest. Newest-first alone never reaches a monitored patient's arrival."""
    category = ("category", "vital-signs")
    newest = _search("Observation", patient, category, count=200)
    if t0 is None:
        return (newest,)
    bounds = (("date", f"ge{_day(t0 - _BEFORE_STAY)}"), ("date", f"lt{_day(t0 + _FIRST_DAY)}"))
    return (newest, _search("Observation", patient, category, *bounds, count=200))
