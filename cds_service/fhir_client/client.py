"""One patient's view of one FHIR server, for one call."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cds_service.outbound.session import OutboundError, Session, get_json
from fhir_mappings.queries import Search
from fhir_mappings.snapshot import Raw

MOST_PAGES = 10


@dataclass(frozen=True)
class Found:
    """What a search brought; ``complete`` is False where pages were left unread."""

    resources: tuple[Raw, ...]
    complete: bool = True


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

    def read(self, reference: str) -> Raw:
        """One resource by ``Type/id``. Raises `OutboundError`."""
        answer = self._get(f"{self.base}/{reference}", None)
        if not isinstance(answer, dict) or answer.get("resourceType") != reference.split("/", maxsplit=1)[0]:
            raise OutboundError("answered another resource")
        return answer

    def search(self, search: Search, patient_id: str) -> Found:
        """All pages of a search. Raises `OutboundError`, also where another patient's entry comes."""
        resources: list[Raw] = []
        url, params = f"{self.base}/{search.path}", list(search.params)
        for _ in range(MOST_PAGES):
            bundle = self._get(url, params)
            resources += _entries(bundle, search.path, patient_id)
            following = next_link(bundle)
            if following is None:
                return Found(tuple(resources))
            url, params = self._rebased(following), []
        return Found(tuple(resources), complete=False)

    def _get(self, url: str, params: Any) -> Any:
        headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return get_json(self.session, url, params=params, headers=headers, until=self.until)

    def _rebased(self, url: str) -> str:
        """A ``next`` link on our own base: behind a proxy it may name an inner host."""
        parts = urlsplit(url)
        base_path = urlsplit(self.base).path.rstrip("/")
        path = parts.path.removeprefix(base_path).strip("/")
        return f"{self.base}{'/' + path if path else ''}?{parts.query}"


def next_link(bundle: Any) -> str | None:
    """The ``next`` link of a Bundle."""
    links = bundle.get("link") if isinstance(bundle, dict) else None
    found = (link.get("url") for link in links or () if isinstance(link, dict) and link.get("relation") == "next")
    return next((url for url in found if isinstance(url, str)), None)


def matches(bundle: Any) -> Iterator[Raw]:
    """The resources of a searchset, without its outcome entries."""
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") != "OperationOutcome":
            yield resource


def _entries(bundle: Any, resource_type: str, patient_id: str) -> list[Raw]:
    """The entries of the asked type; another patient's entry rejects the whole answer."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise OutboundError("answered no Bundle")
    found = [resource for resource in matches(bundle) if resource.get("resourceType") == resource_type]
    if any(_other_patient(resource, patient_id) for resource in found):
        raise OutboundError("answered with another patient's data")
    return found


def _other_patient(resource: Raw, patient_id: str) -> bool:
    subject = resource.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    return isinstance(reference, str) and not reference.split("/_history")[0].endswith(f"Patient/{patient_id}")
