"""Write the demo patients to a FHIR server, moved to now."""

from collections.abc import Iterator
from datetime import datetime

from cds_service.demo.patients import DemoPatient, demo_patients, shift
from cds_service.outbound.hosts import target_for
from cds_service.outbound.session import Session, send_json
from cds_service.settings import Settings


class HostNotNamed(PermissionError):
    """The server is not among those that may be called."""


def load(base: str, settings: Settings, session: Session, now: datetime) -> Iterator[DemoPatient]:
    """Each demo patient once it is written. Running it again moves them to the new now.

    Raises `HostNotNamed` before anything is sent, and `OutboundError` where the server refuses.
    """
    target = target_for(base, settings)
    if target is None:
        raise HostNotNamed(f"{base} is not among ENDWATCH_FHIR_SERVERS: name it there to load into it.")
    for patient in demo_patients():
        send_json(session, target.base, shift(patient.bundle, now))
        yield patient
