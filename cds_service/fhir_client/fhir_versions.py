"""Which version of FHIR each listed server speaks: asked in the background, never within a call's deadline."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain, repeat

from cds_service.outbound.authorities import authorities_of
from cds_service.outbound.session import OutboundError, Session, get_json, new_session
from cds_service.settings import Settings

_LOG = logging.getLogger(__name__)
PAUSES_S = (5.0, 30.0, 300.0, 3600.0)
"""Until a server that gave no version, or another one than R4, is asked again; the last from then on (assumption)."""

_ANSWER_S = 10.0
_MEDIA = "application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8"
"""DSTU2 servers know the second name only."""

_NAMES = {"0.": "DSTU1", "1.": "DSTU2", "3.": "STU3", "4.0": "R4", "4.1": "R4B", "4.3": "R4B", "4.": "R5", "5.": "R5"}
"""By how a version begins, the longest first (http://hl7.org/fhir/directory.html)."""

_READ = ("R4", "R4B")


@dataclass
class FhirVersions:
    """The versions that servers told, by base; for any number of threads."""

    _by_base: dict[str, str] = field(default_factory=dict)

    def keep(self, base: str, version: str) -> None:
        """What a server says of itself."""
        self._by_base[base] = version

    def why_not(self, base: str) -> str:
        """Why a server cannot be read; empty where it can, or where nothing is known of it."""
        version = self._by_base.get(base)
        if version is None or is_read(version):
            return ""
        return f"FHIR R4 is needed: {base} is {name_of(version)} ({version})"


def name_of(version: str) -> str:
    """The name of a version number, such as STU3; "unknown" for one that has none here."""
    begins = sorted(_NAMES, key=len, reverse=True)
    return next((_NAMES[begin] for begin in begins if version.startswith(begin)), "unknown")


def is_read(version: str) -> bool:
    """True for the versions whose resources are read as they are."""
    return name_of(version) in _READ


def told_by(session: Session, base: str) -> str:
    """The ``fhirVersion`` of a server's ``/metadata``, cut to what a message can hold. Raises `OutboundError`."""
    until = time.monotonic() + _ANSWER_S
    answer = get_json(session, f"{base}/metadata", headers={"Accept": _MEDIA}, until=until)
    version = answer.get("fhirVersion") if isinstance(answer, dict) else None
    if not isinstance(version, str) or not version[:1].isdigit():
        raise OutboundError("answered no fhirVersion")
    return version[:20]


def watch(versions: FhirVersions, base: str, session: Session, pause: Callable[[float], None] = time.sleep) -> None:
    """Ask a server until it says R4, with growing pauses: one that is down or replaced is noticed later."""
    for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
        try:
            version = told_by(session, base)
        except OutboundError as error:
            _LOG.info("FHIR version of %s is not known: %s", base, error)
        else:
            versions.keep(base, version)
            if is_read(version):
                return
            _LOG.warning(versions.why_not(base))
        pause(pause_s)


def watch_listed(versions: FhirVersions, settings: Settings) -> None:
    """Watch each listed server in a thread of its own, which ends with the process."""
    session = new_session(authorities=authorities_of(settings))
    for entry in settings.fhir_servers:
        base = entry.base.rstrip("/")
        threading.Thread(target=watch, args=(versions, base, session), daemon=True).start()
