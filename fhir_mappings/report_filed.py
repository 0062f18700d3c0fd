"""DiagnosticReports and DocumentReferences as one thing: a report that was filed in the chart."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_mappings.observations import codings_of, source_of
from fhir_mappings.value_sets import is_imaging
from fhir_mappings.windows import doubt_of_time, effective_of, instant

_ANY_EXAMINATION = frozenset({"http://loinc.org|18748-4"})
"""LOINC "diagnostic imaging study", which many servers give to every report (code from memory)."""

_OF_STATUS = re.compile(r"\b(?:addendum|amended|corrected|final|preliminary|prelim|report|revised)\b")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Filed:
    """What both resources tell of a report besides its text.

    ``codes`` and ``name`` (in lower case) say which examination it was, ``identifiers`` are report,
    accession and ImagingStudy numbers, ``orders`` references to what asked for it; ``replaces`` and
    ``appends`` are references to other reports. ``charted`` is the moment of the examination where it
    is known to the minute. ``imaging`` is None where nothing says what kind of report it is.
    """

    resource: Any
    source: str
    status: str
    title: str
    imaging: bool | None
    effective: datetime | None
    charted: datetime | None
    doubt: str | None
    issued: datetime | None
    codes: frozenset[str]
    name: str
    identifiers: frozenset[str]
    orders: frozenset[str] = frozenset()
    replaces: frozenset[str] = frozenset()
    appends: frozenset[str] = frozenset()


def report_filed(resource: Any) -> Filed:
    """What a DiagnosticReport tells."""
    title, effective = _named(resource.code), effective_of(resource)
    timed = isinstance(getattr(resource, "effectiveDateTime", None), datetime)
    return Filed(
        resource=resource,
        source=source_of(resource),
        status=resource.status or "unknown",
        title=title,
        imaging=is_imaging(_codes(resource.category), codings_of(resource.code), title),
        effective=effective,
        charted=effective if timed else None,
        doubt=doubt_of_time(resource),
        issued=instant(resource.issued),
        codes=_examinations(resource.code),
        name=_plain_name(title),
        identifiers=frozenset((*_identifiers(resource.identifier), *_references(resource.imagingStudy))),
        orders=frozenset(_references(resource.basedOn)),
    )


def document_filed(resource: Any) -> Filed:
    """What a DocumentReference tells; ``date`` is when it was filed, and its time where it names no other."""
    described = [resource.description, *(one.attachment.title for one in resource.content or ())]
    specific, kind = " ".join(filter(None, described)), _named(resource.type)
    title = next(filter(None, (*described, kind)), "")
    context = resource.context
    start = context.period.start if context and context.period else None
    issued, links = instant(resource.date), resource.relatesTo or ()
    own = (resource.masterIdentifier,) if resource.masterIdentifier else ()
    return Filed(
        resource=resource,
        source=source_of(resource),
        status=_document_status(resource),
        title=title,
        imaging=is_imaging(_codes(resource.category), codings_of(resource.type), f"{kind} {specific}"),
        effective=instant(start) or issued,
        charted=instant(start) if isinstance(start, datetime) else None,
        doubt=None if isinstance(start, datetime) else "no time of its own, the time of its filing is used",
        issued=issued,
        codes=_examinations(resource.type),
        name=_plain_name(specific or kind),
        identifiers=frozenset(_identifiers((*own, *(resource.identifier or ())))),
        orders=frozenset(_references(context.related if context else ())),
        replaces=frozenset(_references(one.target for one in links if one.code in ("replaces", "transforms"))),
        appends=frozenset(_references(one.target for one in links if one.code == "appends")),
    )


def _document_status(resource: Any) -> str:
    """The status of the document where the reference to it is current, in the words of a report."""
    return (resource.docStatus or "final") if resource.status == "current" else (resource.status or "unknown")


def plain_reference(reference: str) -> str:
    """``Type/id`` of a reference, which may be absolute or name a version; ``#id`` stays."""
    return "/".join(reference.split("/_history/", maxsplit=1)[0].rsplit("/", maxsplit=2)[-2:])


def _references(links: Iterable[Any] | None) -> Iterator[str]:
    return (plain_reference(link.reference) for link in links or () if link is not None and link.reference)


def _identifiers(identifiers: Iterable[Any] | None) -> Iterator[str]:
    return (f"{one.system or ''}|{one.value.strip()}" for one in identifiers or () if one.value and one.value.strip())


def _examinations(concept: Any) -> frozenset[str]:
    return frozenset(f"{system or ''}|{code}" for system, code in codings_of(concept) if code) - _ANY_EXAMINATION


def _plain_name(title: str) -> str:
    """``Final Report - CT Head`` and ``CT head (preliminary)`` are ``ct head``."""
    return " ".join(_WORD.findall(_OF_STATUS.sub(" ", title.lower())))


def _codes(concepts: Iterable[Any] | None) -> list[str]:
    return [code for concept in concepts or () for _, code in codings_of(concept) if code]


def _named(concept: Any) -> str:
    if concept is None:
        return ""
    return concept.text or next((one.display for one in concept.coding or () if one.display), "")
