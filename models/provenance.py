"""Which rule files turned charts into inputs, as one hash, so that a difference can be said."""

import hashlib
from importlib import resources
from importlib.resources.abc import Traversable

HASHED = (".csv", ".toml")
SITE_OWN = "local_codes"  # a site's own maps differ by design and are never hashed


def mappings_sha256() -> str:
    """The SHA-256 over the mappings' tables and lexicons, by name and content."""
    digest = hashlib.sha256()
    for name, file in sorted(_files(resources.files("fhir_mappings"), "")):
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir() and entry.name != SITE_OWN:
            found += _files(entry, f"{name}/")
        elif entry.name.endswith(HASHED):
            found.append((name, entry))
    return found
