"""Several requests to one FHIR server at once, each answered or failed by the deadline."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from cds_service.fhir_client.client import FhirClient, WrongPatientError
from cds_service.outbound.connection import POOL
from cds_service.outbound.session import OutboundError
from fhir_mappings.queries import Search
from fhir_mappings.snapshot import Raw


@dataclass(frozen=True)
class Answer:
    """What one request brought; ``resources`` is None where it failed, and ``why`` says how."""

    resources: tuple[Raw, ...] | None
    why: str = ""
    complete: bool = True
    dropped: int = 0
    wrong_patient: bool = False


def ask(client: FhirClient, patient_id: str, searches: Sequence[Search]) -> list[Answer]:
    """The answers, in the order of the searches, when all are there or the deadline has come."""
    if not searches:
        return []
    pool = ThreadPoolExecutor(POOL)
    try:
        futures = [pool.submit(_answer, client, patient_id, search) for search in searches]
        wait(futures, timeout=max(0.0, client.until - time.monotonic()))
        return [future.result() if future.done() else Answer(None, "the FHIR server timed out") for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # a name look-up cannot be timed out: nobody waits for it


def _answer(client: FhirClient, patient_id: str, search: Search) -> Answer:
    try:
        found = client.find(search, patient_id)
    except OutboundError as error:
        return Answer(None, f"the FHIR server {_phrase(error)}", wrong_patient=isinstance(error, WrongPatientError))
    return Answer(found.resources, "" if found.complete else "not all pages were read", found.complete, found.dropped)


def _phrase(error: OutboundError) -> str:
    """The reason as a sentence about the server."""
    return error.why if error.why.startswith(("answered", "timed out")) else f"gave no answer ({error.why})"
