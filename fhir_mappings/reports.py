"""The imaging reports of a chart, as texts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic
from typing import Any

from fhir_mappings.observations import source_of
from fhir_mappings.report_filed import Filed, document_filed, report_filed
from fhir_mappings.report_order import EARLY, Version
from fhir_mappings.report_text import Held, text_of_filed
from fhir_mappings.snapshot import Issue, IssueCode, Report
from fhir_mappings.windows import available_at

_USED = EARLY | {"final", "amended", "corrected", "appended"}
_EVER = datetime.min.replace(tzinfo=UTC)


REPORTS_BEFORE = timedelta(hours=24)
"""Reports from this long before arrival count for the stay: transfers bring their scans (assumption)."""


def filed_from(
    resources: Sequence[Any],
    *,
    live: bool,
    observations: Sequence[Any] = (),
    documents: Sequence[Any] = (),
    binaries: Mapping[str, Any] | None = None,
    since: datetime | None = None,
    seconds: float = inf,
) -> tuple[tuple[Version, ...], tuple[Issue, ...]]:
    """Every imaging report of a chart in all its versions, with its text, and why others are not read.

    ``resources`` are DiagnosticReports; ``observations`` their results; ``binaries`` raw Binary
    resources by reference. ``documents`` are DocumentReferences, read only where no report from
    ``since`` on has a text. A report of another kind is passed over in silence; one of an unknown
    kind is said. PDF and RTF are read for so many ``seconds`` together. Which of them stand at a
    moment: `report_order.standing_at`.
    """
    held = Held({source_of(one): one for one in observations}, binaries or {}, monotonic() + seconds)
    versions, issues = _versions(map(report_filed, resources), held, live=live)
    if not any(one.report.effective >= (since or _EVER) for one in versions):
        filed = [one for one in map(document_filed, documents) if one.imaging]
        more, said = _versions(filed, held, live=live)
        versions, issues = (*versions, *more), (*issues, *said)
    return versions, issues


def _versions(filed: Iterable[Filed], held: Held, *, live: bool) -> tuple[tuple[Version, ...], tuple[Issue, ...]]:
    """The newest are read first, so that a limit on the whole spares them."""
    found: list[Version] = []
    issues: list[Issue] = []
    for one in sorted(filed, key=lambda one: one.effective or _EVER, reverse=True):
        version, said = _version(one, held, live=live)
        found += [version] if version else []
        issues += said
    return tuple(found), tuple(issues)


def _version(filed: Filed, held: Held, *, live: bool) -> tuple[Version | None, list[Issue]]:
    if filed.imaging is None:
        return None, [_issue(filed, "unread", "left out: not known to be imaging")]
    if not filed.imaging:
        return None, []
    if filed.status not in _USED or filed.effective is None:
        return None, [_left_out(filed)]
    text, reasons = text_of_filed(filed, held)
    issues = [Issue("unread", f"{filed.source}: {reason}", filed.source, "reports") for reason in reasons]
    if not text:
        return None, [*issues, _issue(filed, "unread", "has no text that is read")]
    available = available_at("reports", filed.effective, filed.issued, live=live)
    title = (filed.title or "Report")[:120]
    return Version(filed, Report(title, text, filed.effective, available, filed.source, filed.status)), issues


def _left_out(filed: Filed) -> Issue:
    if filed.status not in _USED:
        return _issue(filed, "not-final", f"left out: {filed.status[:40]}")
    return _issue(filed, "malformed", "left out: no time")


def _issue(filed: Filed, code: IssueCode, what: str) -> Issue:
    return Issue(code, f"{filed.source} {what}", filed.source, "reports")
