"""One patient's view of one FHIR server, for one call."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cds_service.fhir_client.access import TokenSource
from cds_service.fhir_client.paging import Found, WrongPatientError, all_pages, is_of_other
from cds_service.fhir_client.profiles import GENERIC, Profile, profiles
from cds_service.fhir_client.shaping import Params, is_posted, ways
from cds_service.outbound.breaker import Breaker
from cds_service.outbound.session import OutboundError, Session, get_json, search_json
from fhir_mappings.queries import Search
from fhir_mappings.snapshot import Raw

_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-_][A-Za-z0-9\-._]{0,63}")


@dataclass(frozen=True)
class FhirClient:
    """Reads and searches below ``base`` until ``until`` (a `time.monotonic` moment), as its ``profile`` takes it.

    ``token`` is the EHR's for this call; None for an open server, and where ``tokens`` of our own are
    used. ``also_known_as`` are names under which others know the server; it is never asked there. Every
    search says ``no-cache``, because HAPI answers a repeated one from a 60 s cache otherwise (and never
    ``no-store``, for which it cuts the answer at 100 entries).
    """

    base: str
    session: Session
    until: float
    token: str | None = field(default=None, repr=False)
    tokens: TokenSource | None = field(default=None, repr=False)
    profile: Profile = field(default_factory=lambda: profiles()[GENERIC])
    breaker: Breaker = field(default_factory=Breaker)
    also_known_as: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the server: a reference below any of them is one to it."""
        return (self.base, *self.also_known_as)

    def find(self, search: Search, patient_id: str) -> Found:
        """What a search brings, or a read where the path names one resource. Raises `OutboundError`."""
        if not patient_id.strip():  # HAPI takes ``patient=`` for every patient
            raise OutboundError("not asked: no patient")
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
        if is_of_other(answer, patient_id):
            raise WrongPatientError
        return answer

    def search(self, search: Search, patient_id: str) -> Found:
        """All pages of a search, as `paging.all_pages`. Raises `OutboundError`."""
        return all_pages(search, patient_id, partial(self._first_page, search), self._get, self.base)

    def _first_page(self, search: Search) -> tuple[Search, Any]:
        """The first page, and by which search; a server that refuses one (400) is asked more plainly."""
        url, posted = f"{self.base}/{search.path}", is_posted(search, self.profile)
        ask = partial(self._post, f"{url}/_search") if posted else partial(self._get, url)
        *first, last = ways(search, self.profile)
        for way in first:
            try:
                return way, ask(way.params)
            except OutboundError as error:
                if error.status != 400:
                    raise
        return last, ask(last.params)

    def _get(self, url: str, params: Params | None = None) -> Any:
        return self._authorized(partial(get_json, self.session, url, params=params, until=self.until))

    def _post(self, url: str, params: Params) -> Any:
        return self._authorized(partial(search_json, self.session, url, params, until=self.until))

    def _authorized(self, ask: Callable[..., Any]) -> Any:
        """The answer to a request; a token of our own that is refused is replaced once."""
        if self.tokens is None:
            return ask(headers=_headers(self.token))
        token = self.tokens.token(self.until)
        try:
            return ask(headers=_headers(token))
        except OutboundError as error:
            if error.status != 401 or not self.tokens.refused(token):
                raise
        return ask(headers=_headers(self.tokens.token(self.until)))


def _headers(token: str | None) -> Mapping[str, str]:
    headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
    return headers | {"Authorization": f"Bearer {token}"} if token else headers
