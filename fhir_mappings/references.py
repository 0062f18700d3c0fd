"""What a resource refers to and a second round may read: by ``Type/id``, and whether on our own server."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from fhir_mappings.reading import reference_of
from fhir_mappings.snapshot import Raw

# An id never climbs out of a server's base or adds parameters.
_READABLE = re.compile(
    r"(?P<base>(?i:https?)://[^\s?#]+/)?"
    r"(?P<name>(?:Encounter|Medication|Binary|Observation)/(?=[._-]*[A-Za-z0-9])[A-Za-z0-9._-]{1,64})"
    r"(?:/_history/[A-Za-z0-9.-]{1,64})?"
)
_PORTS = {"http": 80, "https": 443}


def follow_ups(raws: Iterable[Raw], held: Iterable[Raw], bases: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a second round has to fetch for ``raws``, as ``Type/id``, in order and once, as far as not ``held``.

    ``partOf`` Encounters, drugs by reference, and of reports and documents the attachments that stand in
    Binary resources and the results. ``bases`` are the names of the FHIR server that the chart is read from:
    an absolute reference counts only where it begins with one of them. Versions are left out.
    """
    return _referred(raws, held, bases, ours=True)


def elsewhere(raws: Iterable[Raw], held: Iterable[Raw], bases: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What of the same stands on other servers than that of ``bases``, as ``Type/id`` there: it is never read."""
    return _referred(raws, held, bases, ours=False)


def _referred(raws: Iterable[Raw], held: Iterable[Raw], bases: tuple[str, ...], *, ours: bool) -> tuple[str, ...]:
    known = {reference_of(raw) for raw in held}
    links = (link for raw in raws for link in _links_of(raw, bases))
    return tuple(dict.fromkeys(name for name, own in links if own is ours and name not in known))


def are_linked(encounters: Collection[Raw]) -> bool:
    """True where each of these is part of another, or another of them is part of it."""
    parts = [{name for name, _ in _links_of(raw)} for raw in encounters]
    wholes = set[str]().union(*parts)
    return bool(encounters) and all(
        part or reference_of(raw) in wholes for raw, part in zip(encounters, parts, strict=True)
    )


def _links_of(raw: Raw, bases: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
    """``Type/id`` of each readable reference, and whether it is relative or stands directly below one of ``bases``.

    These are the names of one server. Elsewhere the same id is another resource, perhaps of another
    patient. Without a base only relative references are ours.
    """
    ours = {_base(base) for base in bases} - {None}
    for reference in _references(raw):
        if found := _READABLE.fullmatch(reference):
            absolute = found["base"]
            yield found["name"], absolute is None or _base(absolute) in ours


def _base(url: str) -> tuple[str, str, int, str] | None:
    """Scheme, host in lower case, port and path without a trailing slash; None where it says more or is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    if "@" in parts.netloc or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port, parts.path.rstrip("/")


def _references(raw: Raw) -> Iterator[str]:
    """The references that a resource's type makes worth following, whatever they look like."""
    kind = raw.get("resourceType")
    if kind == "Encounter":
        links = [raw.get("partOf")]
    elif kind == "DiagnosticReport":
        bare = not any(raw.get(member) for member in ("conclusion", "presentedForm", "text"))
        links = [{"reference": one.get("url")} for one in _list(raw.get("presentedForm"))]
        links += _list(raw.get("result")) if bare else []  # elsewhere the text is here, and results are numbers
    elif kind == "DocumentReference":
        attachments = (one.get("attachment") for one in _list(raw.get("content")))
        links = [{"reference": one.get("url")} for one in attachments if isinstance(one, dict)]
    else:
        links = [raw.get("medicationReference")]
    for link in links:
        reference = link.get("reference") if isinstance(link, dict) else None
        if isinstance(reference, str):
            yield reference


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
