"""Which FHIR server may be called, under which of our names, and with what."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cds_service.settings import LOOPBACK, FhirServer, Settings


@dataclass(frozen=True)
class Target:
    """A FHIR base that may be called; ``open`` means also without a token."""

    base: str
    open: bool


def target_for(url: str, settings: Settings, issuer: str | None = None) -> Target | None:
    """The listed FHIR server that a caller's URL names; None where it is not listed, or not for this issuer.

    The URL is only ever compared: what is called is the base of our own list.
    """
    entry = _entry(url, settings.fhir_servers, loopback_is_one=settings.mode != "production")
    production = settings.mode == "production"
    if entry is None or (production and urlsplit(entry.base).scheme != "https" and not entry.allow_http):
        return None
    if entry.issuers and (production or issuer is not None) and issuer not in entry.issuers:
        return None
    return Target(entry.base.rstrip("/"), entry.auth == "none")


def _entry(url: str, entries: Sequence[FhirServer], *, loopback_is_one: bool) -> FhirServer | None:
    wanted = _normal(url, loopback_is_one=loopback_is_one)
    for entry in entries:
        names = {_normal(name, loopback_is_one=loopback_is_one) for name in (entry.base, *entry.also_known_as)}
        if wanted is not None and wanted in names:
            return entry
    return None


def _normal(url: str, *, loopback_is_one: bool) -> tuple[str, str, int, str] | None:
    """Scheme, host, port and path; None where the URL carries anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return None
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        return None
    host = parts.hostname.lower()
    if loopback_is_one and host in LOOPBACK:
        host = "localhost"
    return parts.scheme, host, port, parts.path.rstrip("/")
