"""Write the demo patients to a FHIR server, moved to now."""

import time
from collections.abc import Iterator
from datetime import datetime

from cds_service.demo.patients import DemoPatient, demo_patients, shift
from cds_service.outbound.hosts import target_for
from cds_service.outbound.session import OutboundError, Session, get_json, send_json
from cds_service.settings import Settings

_PAUSE_S = 1.0
_ANSWER_S = 10.0


class HostNotNamed(PermissionError):
    """The server is not among those that may be called."""


def load(
    base: str, settings: Settings, session: Session, now: datetime, *, wait_s: float = 0.0
) -> Iterator[DemoPatient]:
    """Each demo patient once it is written. Running it again moves them to the new now.

    A server that is still starting is waited for. Raises `HostNotNamed` before anything is sent, and
    `OutboundError` where the server refuses, or does not answer in that time.
    """
    target = target_for(base, settings)
    if target is None:
        raise HostNotNamed(f"{base} is not among ENDWATCH_FHIR_SERVERS: name it there to load into it.")
    if wait_s:
        _wait_for(target.base, session, time.monotonic() + wait_s)
    for patient in demo_patients():
        send_json(session, target.base, shift(patient.bundle, now))
        yield patient


def _wait_for(base: str, session: Session, until: float) -> None:
    """Until the server tells what it can, or the `time.monotonic` moment: then the last `OutboundError`."""
    while True:
        try:
            get_json(session, f"{base}/metadata", until=min(until, time.monotonic() + _ANSWER_S))
        except OutboundError:
            if time.monotonic() + _PAUSE_S > until:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
