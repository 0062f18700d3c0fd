"""Why the service must not start with the access of its own that is set."""

from collections.abc import Iterator

from cds_service.backend.keys import SigningKey, UnusableKeyError, signing_key
from cds_service.settings import FhirServer, Settings, is_https

_NAME = "ENDWATCH_FHIR_SERVERS"


def backend_faults(settings: Settings) -> list[str]:
    """One sentence a fault, naming the field."""
    return [fault for entry in settings.fhir_servers for fault in _faults(entry, settings)] + _two_keys(settings)


def _faults(entry: FhirServer, settings: Settings) -> Iterator[str]:
    if entry.backend is None:
        if entry.auth == "backend":
            yield f"{_NAME}: {entry.base} needs backend, with client_id, key_file, kid and algorithm."
        return
    if entry.auth != "backend":
        yield f'{_NAME}: {entry.base} has backend, so that its auth must be "backend".'
    if settings.mode == "production" and not is_https(entry.backend.token_url or entry.base):
        yield f"{_NAME}: backend.token_url of {entry.base} must be https in production."
    try:
        signing_key(entry.backend)
    except UnusableKeyError as error:
        yield f"{_NAME}: backend.key_file of {entry.base} {error}."


def _two_keys(settings: Settings) -> list[str]:
    """A kid that stands for two keys: whoever reads our published set could not tell them apart."""
    keys: dict[str, SigningKey] = {}
    faults = []
    for key in _usable(settings):
        if keys.setdefault(key.kid, key).public_jwk() != key.public_jwk():
            faults.append(f"{_NAME}: backend.kid {key.kid} stands for two keys.")
    return faults


def _usable(settings: Settings) -> Iterator[SigningKey]:
    for entry in settings.fhir_servers:
        if entry.backend is not None:
            try:
                yield signing_key(entry.backend)
            except UnusableKeyError:
                continue  # told above
