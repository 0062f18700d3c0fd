"""Certificate authorities of a site's own, each for the hosts of its entry and for no other."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from cds_service.outbound.hosts import PORTS, STRICT, origin_of
from cds_service.settings import Settings


def authorities_of(settings: Settings) -> tuple[tuple[str, Path], ...]:
    """The file of authorities for each beginning of a URL that needs one, as a session is told them."""
    return tuple((start, file) for _, url, file in _listed(settings) for start in starts_of(url))


def authority_faults(settings: Settings) -> list[str]:
    """Why the files cannot serve, one sentence a fault naming the setting."""
    listed = list(_listed(settings))
    faults = [
        f"{name}: ca_file of {url} {why}." for name, url, file in listed if (why := file_fault(file))
    ]  # a file of two URLs is told for both
    files: dict[tuple[str, str, int] | None, Path] = {}
    for name, url, file in listed:
        if files.setdefault(origin_of(url), file) != file:
            faults.append(f"{name}: ca_file of {url} is another one than an entry of the same host has.")
    return faults


def _listed(settings: Settings) -> Iterator[tuple[str, str, Path]]:
    """Setting, URL and file, for each URL that an entry with a file names."""
    for server in settings.fhir_servers:
        if server.ca_file is not None:
            told = server.backend.token_url if server.backend else None
            yield from (("ENDWATCH_FHIR_SERVERS", url, server.ca_file) for url in (server.base, told) if url)
    for issuer in settings.issuers:
        if issuer.ca_file is not None:
            yield from (("ENDWATCH_ISSUERS", url, issuer.ca_file) for url in issuer.jku)


def starts_of(url: str) -> tuple[str, ...]:
    """How URLs on the same host begin; the slash keeps out hosts whose names only begin alike."""
    parts = STRICT.fullmatch(url)
    if parts is None:
        return ()
    scheme, host, own = parts["scheme"], parts["host"].lower(), PORTS[parts["scheme"]]
    port = int(parts["port"] or own)
    return (f"{scheme}://{host}:{port}/", *([f"{scheme}://{host}/"] if port == own else []))


def file_fault(file: Path) -> str | None:
    """Why a file is none of authorities."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        return "holds no certificate"
    except OSError:
        return "cannot be read"
    return None
