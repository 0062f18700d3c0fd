"""One patient's view of one FHIR server, for one call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from cds_service.outbound.session import OutboundError, Session, get_json
from fhir_mappings.queries import Search
from fhir_mappings.snapshot import Raw

MOST_PAGES = 10
MOST_ENTRIES = 5000
"""Of one search: vital signs every 15 minutes for 7 days are some 3,000 (assumption)."""
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-_][A-Za-z0-9\-._]{0,63}")
_CLIMBS = re.compile(r"(^|/)\.\.?(/|$)|%|\\")


class WrongPatientError(OutboundError):
    """An answer held another patient's data and was rejected as a whole."""

    def __init__(self) -> None:
        super().__init__("answered with another patient's data")


@dataclass(frozen=True)
class Found:
    """What was found; ``complete`` is False where pages were left unread.

    ``dropped`` counts the entries that are no resource of the type that was asked for.
    """

    resources: tuple[Raw, ...]
    complete: bool = True
    dropped: int = 0


@dataclass(frozen=True)
class FhirClient:
    """Reads and searches below ``base`` until ``until`` (a `time.monotonic` moment).

    ``token`` is the EHR's for this call; None for an open server. Every search says ``no-cache``,
    because HAPI answers a repeated one from a 60 s cache otherwise.
    """

    base: str
    session: Session
    until: float
    token: str | None = field(default=None, repr=False)

    def find(self, search: Search, patient_id: str) -> Found:
        """What a search brings, or a read where the path names one resource. Raises `OutboundError`."""
        if "/" in search.path:
            return Found((self.read(search.path, patient_id),))
        return self.search(search, patient_id)

    def read(self, reference: str, patient_id: str) -> Raw:
        """One resource by ``Type/id``. Raises `OutboundError`, also where it is another patient's."""
        if not _REFERENCE.fullmatch(reference):
            raise OutboundError("not asked: no reference")
        answer = self._get(f"{self.base}/{reference}")
        if not isinstance(answer, dict) or answer.get("resourceType") != reference.split("/", maxsplit=1)[0]:
            raise OutboundError("answered another resource")
        if _other_patient(answer, patient_id):
            raise WrongPatientError
        return answer

    def search(self, search: Search, patient_id: str) -> Found:
        """All pages of a search. Raises `OutboundError`, also where another patient's entry comes.

        A later page that cannot be read leaves the answer incomplete, and so do more entries or pages
        than are ever read.
        """
        resources: list[Raw] = []
        dropped = 0
        bundle = self._first_page(search)
        for page in range(1, MOST_PAGES + 1):
            entries = _entries(bundle)
            own = [raw for raw in entries if raw.get("resourceType") == search.path]
            if any(_other_patient(raw, patient_id) for raw in own):
                raise WrongPatientError
            resources += own
            dropped += len(entries) - len(own)
            too_many = len(resources) + dropped > MOST_ENTRIES
            following = None if too_many else next_link(bundle)
            if following is None:
                return Found(tuple(resources[:MOST_ENTRIES]), complete=not too_many, dropped=dropped)
            if page == MOST_PAGES:
                break
            try:
                bundle = self._get(self._rebased(following, search.path))
            except OutboundError:
                break
        return Found(tuple(resources), complete=False, dropped=dropped)

    def _first_page(self, search: Search) -> Any:
        """The first page; a server that does not know ``_sort`` is asked once more without it."""
        url = f"{self.base}/{search.path}"
        try:
            return self._get(url, search.params)
        except OutboundError as error:
            unsorted = tuple(param for param in search.params if param[0] != "_sort")
            if error.status != 400 or unsorted == search.params:
                raise
        return self._get(url, unsorted)

    def _get(self, url: str, params: Any = None) -> Any:
        headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return get_json(self.session, url, params=params, headers=headers, until=self.until)

    def _rebased(self, url: str, resource_type: str) -> str:
        """A ``next`` link on our own base: behind a proxy it may name an inner host and path.

        Raises `OutboundError` where it cannot be told what is meant: the token goes nowhere else.
        """
        try:
            parts = urlsplit(urljoin(f"{self.base}/{resource_type}", url))
        except ValueError:
            raise OutboundError("next page not on its base") from None
        base_path = urlsplit(self.base).path
        if _CLIMBS.search(parts.path):
            raise OutboundError("next page not on its base")
        path = parts.path.rstrip("/")
        if path == base_path or path.startswith(f"{base_path}/"):
            below = path.removeprefix(base_path)
        elif path.endswith(f"/{resource_type}"):
            below = f"/{resource_type}"
        elif "_getpages=" in parts.query:
            below = ""
        else:
            raise OutboundError("next page not on its base")
        return f"{self.base}{below}?{parts.query}"


def next_link(bundle: Any) -> str | None:
    """The ``next`` link of a Bundle."""
    links = bundle.get("link") if isinstance(bundle, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


def outcome_failed(bundle: Any) -> bool:
    """True where an entry tells of an error or a fatal one; warnings are no failure."""
    for raw in resources_of(bundle):
        if raw.get("resourceType") != "OperationOutcome":
            continue
        issues = raw.get("issue")
        severities = (
            [one.get("severity") for one in issues if isinstance(one, dict)] if isinstance(issues, list) else []
        )
        if not severities or {"error", "fatal"} & {str(severity) for severity in severities}:
            return True
    return False


def resources_of(bundle: Any) -> Iterator[Raw]:
    """The resource of each entry; an empty one for an entry without."""
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        yield resource if isinstance(resource, dict) else {}


def matches(bundle: Any) -> list[Raw]:
    """The entries' resources without OperationOutcomes."""
    return [raw for raw in resources_of(bundle) if raw.get("resourceType") != "OperationOutcome"]


def _entries(bundle: Any) -> list[Raw]:
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise OutboundError("answered no Bundle")
    if outcome_failed(bundle):
        raise OutboundError("answered with an error")
    return matches(bundle)


def _other_patient(resource: Raw, patient_id: str) -> bool:
    """True where a resource names another patient; one that names none is left to the reading."""
    if resource.get("resourceType") == "Patient":
        return resource.get("id") != patient_id
    subject = resource.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(reference, str):
        return False
    return reference.split("/_history")[0].split("/")[-2:] != ["Patient", patient_id]
