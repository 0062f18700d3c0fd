"""Why the service must not start as it is set."""

from cds_service.backend.faults import backend_faults
from cds_service.outbound.authorities import authority_faults
from cds_service.settings import LOOPBACK, SANDBOX, Settings, is_https, proves_nothing


def start_faults(settings: Settings, training_population: str) -> tuple[str, ...]:
    """Why the service must not start as it is set, one sentence a fault naming the setting."""
    faults = []
    if settings.mode == "demo" and settings.host not in LOOPBACK:
        faults.append("ENDWATCH_HOST must be a loopback address in demo mode, which has no authentication.")
    if settings.mode == "test" and not settings.fhir_servers:
        faults.append("ENDWATCH_FHIR_SERVERS (or --fhir URL) must name the FHIR server to test with.")
    if settings.mode == "production":
        faults += _production_faults(settings, training_population)
    if settings.reserve_ms >= min(
        settings.deadline_ms, *(one.deadline_ms or 60_000 for one in settings.issuers), 60_000
    ):
        faults.append("ENDWATCH_RESERVE_MS must be below ENDWATCH_DEADLINE_MS and each issuer's deadline_ms.")
    return (*faults, *backend_faults(settings), *authority_faults(settings))


def _production_faults(settings: Settings, training_population: str) -> list[str]:
    faults = []
    if not settings.fhir_servers:
        faults.append("ENDWATCH_FHIR_SERVERS must name the FHIR servers that may be called.")
    plain = (entry.base for entry in settings.fhir_servers if not (entry.allow_http or is_https(entry.base)))
    if base := next(plain, None):
        faults.append(f"ENDWATCH_FHIR_SERVERS: {base} must be https in production, or its entry say allow_http.")
    if not settings.issuers:
        faults.append("ENDWATCH_ISSUERS must name the EHRs whose tokens are accepted.")
    if keyless := next((entry.iss for entry in settings.issuers if not entry.jwks_file and not entry.jku), None):
        faults.append(f"ENDWATCH_ISSUERS: {keyless} needs jwks_file or jku.")
    if not all(is_https(url) for entry in settings.issuers for url in entry.jku):
        faults.append("ENDWATCH_ISSUERS: each jku must be https in production.")
    if any(map(proves_nothing, settings.issuers)):
        faults.append(f"ENDWATCH_ISSUERS: {SANDBOX} signs with a public key and proves nothing in production.")
    if training_population == "simulated" and settings.simulated_risk is None:
        faults.append(
            "ENDWATCH_SIMULATED_RISK must say what to do with a model trained on simulated patients: show or withhold."
        )
    return faults
