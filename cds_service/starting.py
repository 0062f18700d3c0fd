"""Why the service must not start as it is set, and what is said when it does."""

from collections.abc import Iterator, Sequence

from cds_service.backend.faults import backend_faults
from cds_service.outbound.authorities import authority_faults
from cds_service.settings import LOOPBACK, SANDBOX, FhirServer, Settings, is_https, is_loopback, proves_nothing


def start_faults(settings: Settings, training_population: str) -> tuple[str, ...]:
    """Why the service must not start as it is set, one sentence a fault naming the setting."""
    faults = []
    if settings.mode == "demo" and settings.host not in LOOPBACK:
        faults.append("ENDWATCH_HOST must be a loopback address in demo mode, which has no authentication.")
    if _is_open(settings) and not settings.open_test_mode:
        faults.append(
            "ENDWATCH_HOST must be a loopback address in test mode, or ENDWATCH_OPEN_TEST_MODE be true: "
            "test mode takes calls without a token."
        )
    if settings.mode == "test" and not settings.fhir_servers:
        faults.append("ENDWATCH_FHIR_SERVERS (or --fhir URL) must name the FHIR server to test with.")
    if settings.mode == "production":
        faults += _production_faults(settings, training_population)
    if settings.reserve_ms >= min(
        settings.deadline_ms, *(one.deadline_ms or 60_000 for one in settings.issuers), 60_000
    ):
        faults.append("ENDWATCH_RESERVE_MS must be below ENDWATCH_DEADLINE_MS and each issuer's deadline_ms.")
    return (*faults, *_shared(settings), *backend_faults(settings), *authority_faults(settings))


def start_warnings(settings: Settings) -> tuple[str, ...]:
    """What the log says of a service that starts as it is set, one line each."""
    if not _is_open(settings):
        return ()
    return (f"test mode is open to the network of {settings.host}: calls without a token are answered",)


def _is_open(settings: Settings) -> bool:
    return settings.mode == "test" and settings.host not in LOOPBACK


def _shared(settings: Settings) -> Iterator[str]:
    """Servers that would be open to each of several EHRs, with no token of theirs between one and another's chart."""
    if len(settings.issuers) > 1:
        for entry in settings.fhir_servers:
            if entry.auth != "call" and not entry.issuers:
                yield f"ENDWATCH_FHIR_SERVERS: {entry.base} needs issuers, as ENDWATCH_ISSUERS lists several EHRs."


def _plain(entries: Sequence[FhirServer]) -> Iterator[str]:
    """The names of servers that are plain http, where their entries do not allow it."""
    for entry in entries:
        if not entry.allow_http:
            yield from (name for name in (entry.base, *entry.also_known_as) if not is_https(name))


def _says_where_it_is(settings: Settings) -> bool:
    """True where the address for EHRs was set, and is under TLS or never leaves the machine."""
    reached = settings.public_base_url
    return "public_base_url" in settings.model_fields_set and (is_https(reached) or is_loopback(reached))


def _production_faults(settings: Settings, training_population: str) -> list[str]:
    faults = []
    if not _says_where_it_is(settings):
        faults.append(
            "ENDWATCH_PUBLIC_BASE_URL must be the https URL under which EHRs reach the service in production "
            "(http only on loopback)."
        )
    if not settings.fhir_servers:
        faults.append("ENDWATCH_FHIR_SERVERS must name the FHIR servers that may be called.")
    if name := next(_plain(settings.fhir_servers), None):
        faults.append(f"ENDWATCH_FHIR_SERVERS: {name} must be https in production, or its entry say allow_http.")
    faults += _issuer_faults(settings)
    if training_population == "simulated" and settings.simulated_risk is None:
        faults.append(
            "ENDWATCH_SIMULATED_RISK must say what to do with a model trained on simulated patients: show or withhold."
        )
    return faults


def _issuer_faults(settings: Settings) -> list[str]:
    faults = []
    if not settings.issuers:
        faults.append("ENDWATCH_ISSUERS must name the EHRs whose tokens are accepted.")
    if keyless := next((entry.iss for entry in settings.issuers if not entry.jwks_file and not entry.jku), None):
        faults.append(f"ENDWATCH_ISSUERS: {keyless} needs jwks_file or jku.")
    if not all(is_https(url) for entry in settings.issuers for url in entry.jku):
        faults.append("ENDWATCH_ISSUERS: each jku must be https in production.")
    if any(map(proves_nothing, settings.issuers)):
        faults.append(f"ENDWATCH_ISSUERS: {SANDBOX} signs with a public key and proves nothing in production.")
    return faults
