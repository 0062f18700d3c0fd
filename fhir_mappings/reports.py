"""The text of imaging reports."""

from collections.abc import Sequence
from typing import Any

from fhir_mappings.observations import codings_of, source_of
from fhir_mappings.snapshot import Issue, Report
from fhir_mappings.text.decode import UnreadableText, text_of
from fhir_mappings.value_sets import is_imaging
from fhir_mappings.windows import available_at, effective_of, instant

_USED = frozenset({"final", "amended", "corrected", "appended", "preliminary", "partial"})
_EARLY = frozenset({"preliminary", "partial"})


def reports_from(resources: Sequence[Any], *, live: bool) -> tuple[tuple[Report, ...], tuple[Issue, ...]]:
    """Every imaging report with its text, oldest first, and why others are not read.

    A report of another kind is passed over in silence; one of an unknown kind is said.
    """
    found: list[Report] = []
    issues: list[Issue] = []
    for resource in resources:
        source, effective = source_of(resource), effective_of(resource)
        imaging = _is_imaging(resource)
        if imaging is None:
            issues.append(Issue("unread", f"{source} left out: not known to be imaging", source, "reports"))
        if not imaging:
            continue
        if resource.status not in _USED or effective is None:
            why = "no time" if effective is None else resource.status
            issues.append(Issue("not-final", f"{source} left out: {why}", source, "reports"))
            continue
        text, said = _text(resource, source)
        issues += said
        if not text:
            issues.append(Issue("unread", f"{source} has no text that is read", source, "reports"))
            continue
        if resource.status in _EARLY:
            issues.append(Issue("not-final", f"{source} is {resource.status}", source, "reports"))
        available = available_at("reports", effective, instant(resource.issued), live=live)
        found.append(Report((_title(resource) or "Report")[:120], text, effective, available, source, resource.status))
    return tuple(sorted(found, key=lambda one: (one.effective, one.source))), tuple(issues)


def _is_imaging(resource: Any) -> bool | None:
    categories = [code for concept in (resource.category or ()) for _, code in codings_of(concept) if code]
    return is_imaging(categories, codings_of(resource.code), _title(resource))


def _title(resource: Any) -> str:
    return resource.code.text or next((one.display for one in resource.code.coding or () if one.display), "")


def _text(resource: Any, source: str) -> tuple[str, list[Issue]]:
    """All text of a report, each part once; the narrative only where nothing else has text."""
    parts: list[str] = []
    issues: list[Issue] = []
    for attachment in resource.presentedForm or ():
        try:
            parts.append(_attached(attachment))
        except UnreadableText as error:
            issues.append(Issue("unread", f"{source}: {error}", source, "reports"))
    if resource.conclusion and not any(resource.conclusion.strip() in part for part in parts):
        parts.append(f"IMPRESSION: {resource.conclusion}" if parts else resource.conclusion)
    if not parts and resource.text is not None and resource.text.div:
        parts.append(text_of("application/xhtml+xml", str(resource.text.div).encode()))
    return "\n".join(part.strip() for part in parts if part.strip()), issues


def _attached(attachment: Any) -> str:
    """The text of one attachment. Raises `UnreadableText` where it holds none that is read."""
    if attachment.data is None:
        raise UnreadableText("an attachment without data is not read")
    # the reading of FHIR has decoded the base64 already
    return text_of(attachment.contentType or "text/plain", bytes(attachment.data))
