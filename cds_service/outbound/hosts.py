"""Which FHIR server may be called, under which of our names, and with what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from cds_service.settings import LOOPBACK, URL, FhirServer, Settings, is_https

STRICT = re.compile(URL)
PORTS = {"http": 80, "https": 443}
"""The port of each scheme where a URL names none."""


@dataclass(frozen=True)
class Target:
    """A FHIR base that may be called; ``open`` means also without a token, ``backend`` with one of our own.

    ``also_known_as``: its other names, which are never called.
    """

    base: str
    open: bool
    backend: bool = False
    profile: str = "generic"
    also_known_as: tuple[str, ...] = ()


def target_for(url: str, settings: Settings, issuer: str | None = None) -> Target | None:
    """The listed FHIR server that a caller's URL names; None where it is not listed, or not for this issuer.

    The URL is only ever compared: what is called is the base of our own list.
    """
    entry = _entry(url, settings.fhir_servers, loopback_is_one=settings.mode != "production")
    production = settings.mode == "production"
    if entry is None or (production and not (is_https(url) and is_https(entry.base)) and not entry.allow_http):
        return None
    if entry.issuers and (production or issuer is not None) and issuer not in entry.issuers:
        return None
    return Target(
        entry.base.rstrip("/"), entry.auth == "none", entry.auth == "backend", entry.profile, entry.also_known_as
    )


def only_base(settings: Settings, issuer: str | None) -> str | None:
    """The base that calls of an EHR mean when they name none: the only one that lists this issuer."""
    bases = [entry.base for entry in settings.fhir_servers if issuer in entry.issuers]
    return bases[0] if len(bases) == 1 else None


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a URL in the strict form of `settings.URL`; None for any other text."""
    parts = _normal(url, loopback_is_one=False)
    return parts[:3] if parts else None


def _entry(url: str, entries: Sequence[FhirServer], *, loopback_is_one: bool) -> FhirServer | None:
    wanted = _normal(url, loopback_is_one=loopback_is_one)
    for entry in entries:
        names = {_normal(name, loopback_is_one=loopback_is_one) for name in (entry.base, *entry.also_known_as)}
        if wanted is not None and wanted in names:
            return entry
    return None


def _normal(url: str, *, loopback_is_one: bool) -> tuple[str, str, int, str] | None:
    """Scheme, host, port and path of a URL in the strict form of `settings.URL`; None for any other text.

    Host case, the scheme's own port, one trailing slash and the spelling of an IPv6 address do not
    count. All else does: no part is decoded, no dot segment resolved, no letter beyond ASCII mapped.
    """
    parts = STRICT.fullmatch(url)
    if parts is None:
        return None
    port = int(parts["port"] or PORTS[parts["scheme"]])
    host = _spelled(parts["host"].lower())
    if loopback_is_one and host in LOOPBACK:
        host = "localhost"
    return parts["scheme"], host, port, parts["path"].removesuffix("/")


def _spelled(host: str) -> str:
    """A host in its one spelling, an IPv6 address without its brackets."""
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        return host
