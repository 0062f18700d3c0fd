"""Several requests to one FHIR server at once, each answered or failed by the deadline."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from cds_service.fhir_client.access import NoTokenError
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.paging import WrongPatientError
from cds_service.outbound.connection import POOL
from cds_service.outbound.session import TIMED_OUT, OutboundError
from fhir_mappings.queries import Search
from fhir_mappings.snapshot import Raw

_HAND_IN_S = 0.05
"""After the deadline, for requests that end at it to hand in the pages that they have (assumption)."""

_FAIR_S = 0.5
"""A server that had less time than this is not judged by its silence (assumption)."""


@dataclass(frozen=True)
class Answer:
    """What one request brought; ``resources`` is None where it failed, and ``why`` says how.

    ``heard``: True where the server answered, whatever it was; None where it was not asked.
    """

    resources: tuple[Raw, ...] | None
    why: str = ""
    complete: bool = True
    dropped: int = 0
    wrong_patient: bool = False
    heard: bool | None = True


def ask(client: FhirClient, patient_id: str, searches: Sequence[Search], *, besides: bool = False) -> list[Answer]:
    """The answers, in the order of the searches, when all are there or the deadline has come.

    A server that answered none of the last rounds is not asked for a while. What is asked ``besides``,
    in another's place or because of it, may be what a sound server lacks: it tells of the server only
    where it is answered.
    """
    left_s = client.until - time.monotonic()
    if not searches:
        return []
    if left_s <= 0:
        return [Answer(None, "the FHIR server gave no answer (no time left)", heard=None)] * len(searches)
    if not client.breaker.lets_through():
        return [Answer(None, "the FHIR server did not answer the last calls", heard=None)] * len(searches)
    answers = _at_once(client, patient_id, searches)
    heard = [answer.heard for answer in answers if answer.heard is not None]
    if any(heard) or (heard and left_s >= _FAIR_S and not besides):
        client.breaker.saw(answered=any(heard))
    return answers


def _at_once(client: FhirClient, patient_id: str, searches: Sequence[Search]) -> list[Answer]:
    late = Answer(None, f"the FHIR server {TIMED_OUT}", heard=False)
    pool = ThreadPoolExecutor(POOL)
    try:
        futures = [pool.submit(_answer, client, patient_id, search) for search in searches]
        wait(futures, timeout=max(0.0, client.until + _HAND_IN_S - time.monotonic()))
        return [future.result() if future.done() else late for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # a name look-up cannot be timed out: nobody waits for it


def _answer(client: FhirClient, patient_id: str, search: Search) -> Answer:
    try:
        found = client.find(search, patient_id)
    except NoTokenError as error:
        return Answer(None, error.why, heard=None)
    except OutboundError as error:
        wrong = isinstance(error, WrongPatientError)
        return Answer(None, f"the FHIR server {_phrase(error)}", wrong_patient=wrong, heard=_heard(error))
    return Answer(found.resources, "" if found.complete else "not all pages were read", found.complete, found.dropped)


def _heard(error: OutboundError) -> bool | None:
    if error.is_down:
        return False
    return True if error.why.startswith("answer") else None


def _phrase(error: OutboundError) -> str:
    """The reason as a sentence about the server."""
    return error.why if error.why.startswith(("answered", TIMED_OUT)) else f"gave no answer ({error.why})"
