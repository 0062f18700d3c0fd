"""What is asked of a chart: the prefetch templates, and our own searches.

EHRs copy templates when the service is registered, so a key's query never changes: a changed query
gets a new key. Templates carry no dates and no encounter (CDS Hooks 2.0.1 has no ``today()``, and
``encounterId`` is optional); our own searches add them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fhir_mappings.codes import LOINC, MRS_CODE, ONSET_CODE, lab_codes, nihss_codes
from fhir_mappings.procedures import BEFORE_ARRIVAL
from fhir_mappings.reports import REPORTS_BEFORE
from fhir_mappings.site import DEFAULT_SITE, Site
from fhir_mappings.snapshot import Raw
from fhir_mappings.windows import instant

_STAYS_BACK = timedelta(days=30)
_BEFORE_STAY = timedelta(hours=1)
_FIRST_DAY = timedelta(hours=24)
_NEWEST = timedelta(hours=48)
"""How far the newest vital signs reach back at least: each kind is measured once a day or oftener (assumption)."""

_LABS_BACK = timedelta(days=90)
"""How far a search for all laboratory values goes back before arrival: as the longest window of a feature."""

_RADIOLOGY = "http://loinc.org|LP29684-5,http://terminology.hl7.org/CodeSystem/v2-0074|RAD"
_P = "patient={{context.patientId}}"


@dataclass(frozen=True)
class Query:
    """One question to a chart: its prefetch template, and whether a call can be answered without it.

    ``codes`` (LOINC) and ``local`` (``system|code``) or ``category`` say what is asked of Observations.
    ``offered_as`` is the prefetch key of a site's own version of the template, while an EHR may still
    send the standard one under ``key``. ``fetched``: False where only a prefetch brings it, or a
    fallback. ``part_of`` is a key whose prefetched answer may carry this one's. ``whole``: True where a
    part of the answer says nothing of what is missing.
    ``label`` is what a card calls it, the key if empty.
    """

    key: str
    resource_type: str
    template: str
    required: bool
    count: int | None = None
    codes: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    category: str | None = None
    offered_as: str | None = None
    fetched: bool = True
    part_of: str | None = None
    whole: bool = False
    label: str = ""

    @property
    def name(self) -> str:
        """What a card calls it."""
        return self.label or self.key

    @property
    def may_hide(self) -> bool:
        """True where the template's own filter can miss what is charted otherwise."""
        return "code=" in self.template or "category=" in self.template

    @property
    def leaves_out(self) -> bool:
        """True where the template leaves out what is over: it can carry no date, and our own search does."""
        return "status=in-progress" in self.template


@dataclass(frozen=True)
class Search:
    """One question to a FHIR server: a path below its base, and parameters (none for a read).

    ``span``: pages may be left unread once what came, in the order of ``_sort``, reaches over so much time.
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    span: timedelta | None = None


def _observations(key: str, *, required: bool, codes: tuple[str, ...] = (), category: str | None = None) -> Query:
    return _templated(Query(key, "Observation", "", required, 200, codes, category=category))


def _templated(query: Query) -> Query:
    """A query of Observations with the template that its codes or its category make."""
    asked = f"category={query.category}" if query.category else f"code={','.join((*query.codes, *query.local))}"
    return replace(query, template=f"Observation?{_P}&{asked}&_sort=-date&_count={query.count}")


CORE: tuple[Query, ...] = (
    Query("patient", "Patient", "Patient/{{context.patientId}}", required=True),
    Query(
        "encounters", "Encounter", f"Encounter?{_P}&status=in-progress&_count=20", required=True, count=20, whole=True
    ),
    Query("conditions", "Condition", f"Condition?{_P}", required=True, whole=True),
    Query("procedures", "Procedure", f"Procedure?{_P}", required=False, whole=True),
)

_REPORTS = f"DiagnosticReport?{_P}&category={_RADIOLOGY}&_sort=-date&_count=50"
_GIVEN = f"MedicationAdministration?{_P}&_sort=-effective-time&_count=200"
_FORMS = f"QuestionnaireResponse?{_P}&_sort=-authored&_count=50"

CLINICAL: tuple[Query, ...] = (
    replace(_observations("nihss", required=True, codes=nihss_codes()), label="NIHSS"),
    _observations("labs", required=False, codes=(*lab_codes(), ONSET_CODE, MRS_CODE)),
    _observations("vitals", required=False, category="vital-signs"),
    Query("reports", "DiagnosticReport", _REPORTS, required=False, count=50),
    Query("medications", "MedicationRequest", f"MedicationRequest?{_P}", required=False, whole=True),
    Query(
        "administrations", "MedicationAdministration", _GIVEN, required=False, count=200,
        part_of="medications", whole=True, label="drugs given (thrombolysis)",
    ),
    Query("forms", "QuestionnaireResponse", _FORMS, required=False, count=50, fetched=False),
)  # fmt: skip
"""What is asked beyond `CORE`. NIHSS forms are fetched only where no NIHSS Observation was found."""

NAMES_STROKE = frozenset({"nihss", "forms", "reports"})
"""Keys whose prefetched answers may name a stroke that no code does: they count before anything is fetched."""


def clinical_queries(site: Site = DEFAULT_SITE) -> tuple[Query, ...]:
    """`CLINICAL` as a site wants it: with its local codes in the lists, or by category.

    A changed query is offered under a key of its own, named after its template: EHRs copied the old one.
    """
    return tuple(_of_site(query, site) for query in CLINICAL)


def _of_site(query: Query, site: Site) -> Query:
    if query.resource_type != "Observation":
        return query
    category = site.by_category.get(query.key, query.category)
    local = () if category else site.local_codes.searched(query.key)
    if (category, local) == (query.category, query.local):
        return query
    changed = _templated(replace(query, category=category, local=local))
    digest = hashlib.sha256(changed.template.encode()).hexdigest()[:6]
    return replace(changed, offered_as=f"{query.key}-{digest}")


def templates(site: Site = DEFAULT_SITE) -> dict[str, str]:
    """The prefetch templates of the discovery answer, by key."""
    return {query.offered_as or query.key: query.template for query in (*CORE, *clinical_queries(site))}


def own_searches(query: Query, patient_id: str, *, t0: datetime | None, as_of: datetime) -> tuple[Search, ...]:
    """Our own requests for a key. ``t0`` bounds them in time where it is known."""
    patient = ("patient", patient_id)
    if not query.fetched:
        return ()
    if query.resource_type == "Observation":
        return _observation_searches(query, patient, t0)
    given = (t0 or as_of - _STAYS_BACK) - BEFORE_ARRIVAL  # as far back as a thrombolysis elsewhere counts
    begun = ("effective-time", f"ge{_day(given)}")
    searches: dict[str, tuple[Search, ...]] = {
        "patient": (Search(f"Patient/{patient_id}"),),
        "encounters": (Search("Encounter", (patient, ("date", f"ge{_day(as_of - _STAYS_BACK)}"), ("_count", "50"))),),
        "reports": (_search("DiagnosticReport", patient, ("category", _RADIOLOGY), _reported_since(t0), count=50),),
        "administrations": (Search("MedicationAdministration", (patient, begun, ("_count", "200"))),),
    }
    return searches.get(query.key, (Search(query.resource_type, (patient,)),))


def _since(t0: datetime | None) -> tuple[str, str] | None:
    return ("date", f"ge{_day(t0 - _BEFORE_STAY)}") if t0 else None


def _reported_since(t0: datetime | None) -> tuple[str, str] | None:
    """As far back as reports count for the stay."""
    return ("date", f"ge{_day(t0 - REPORTS_BEFORE)}") if t0 else None


def fallback_searches(query: Query, patient_id: str, *, t0: datetime | None) -> tuple[Search, ...]:
    """What is asked in turn while `is_lacking`: reports of any category, then documents; NIHSS forms; drugs stated."""
    patient = ("patient", patient_id)
    if query.key == "reports":
        return tuple(
            _search(kind, patient, _reported_since(t0), count=50) for kind in ("DiagnosticReport", "DocumentReference")
        )
    if query.key == "nihss":
        since = _since(t0)
        authored = ("authored", since[1]) if since else None
        return (_search("QuestionnaireResponse", patient, authored, count=50, newest="-authored"),)
    if query.key == "medications":
        return (Search("MedicationStatement", (patient,)),)
    return ()


def is_lacking(query: Query, found: Sequence[Raw], t0: datetime | None = None) -> bool:
    """True where what was found says nothing: no Observation, no drug ordered, or no report with a text of any kind.

    A report from before the stay that begins at ``t0`` says nothing of those of the stay.
    """
    if query.key != "reports":
        return not any(raw.get("resourceType") == query.resource_type for raw in found)
    return not any(any(raw.get(member) for member in _TEXT_MEMBERS) and not _is_before(raw, t0) for raw in found)


def _is_before(raw: Raw, t0: datetime | None) -> bool:
    """True for a report or document whose time lies before the stay."""
    period = raw.get("effectivePeriod")
    begun = period.get("start") if isinstance(period, dict) else None
    times = (raw.get("effectiveDateTime"), begun, raw.get("issued"), raw.get("date"))
    moment = next((moment for time in times if (moment := instant(time))), None)
    return t0 is not None and moment is not None and moment < t0 - _BEFORE_STAY


_TEXT_MEMBERS = ("conclusion", "conclusionCode", "presentedForm", "result", "text", "content")


def _day(moment: datetime) -> str:
    """A search bound with time and zone, to the second."""
    return moment.replace(microsecond=0).isoformat()


def _search(path: str, *params: tuple[str, str] | None, count: int, newest: str = "-date") -> Search:
    """A search without its absent parameters."""
    return Search(path, (*(param for param in params if param), ("_sort", newest), ("_count", str(count))))


def _observation_searches(query: Query, patient: tuple[str, str], t0: datetime | None) -> tuple[Search, ...]:
    since = _since(t0)
    if query.key == "labs":  # LDL, HbA1c and the pre-stroke mRS count from long before the stay
        since = _since(t0 - _LABS_BACK) if t0 and query.category else None
    if query.category is None:
        codes = ",".join((*(f"{LOINC}|{code}" for code in query.codes), *query.local))
        return (_search("Observation", patient, ("code", codes), since, count=200),)
    category = ("category", query.category)
    if query.key != "vitals":
        return (_search("Observation", patient, category, since, count=200),)
    # Two windows: arrival and the newest. Newest-first alone never reaches a monitored patient's arrival.
    newest = replace(_search("Observation", patient, category, count=200), span=_NEWEST)
    if t0 is None:
        return (newest,)
    bounds = (("date", f"ge{_day(t0 - _BEFORE_STAY)}"), ("date", f"lt{_day(t0 + _FIRST_DAY)}"))
    arrival = _search("Observation", patient, category, *bounds, count=200)
    return (newest, replace(arrival, span=_BEFORE_STAY + _FIRST_DAY))
