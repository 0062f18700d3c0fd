"""How much report text of one chart is read."""

from collections.abc import Sequence
from dataclasses import replace

from fhir_mappings.report_regions import is_elsewhere
from fhir_mappings.snapshot import ClinicalSnapshot, Issue, Report

MOST_CHARACTERS = 120_000
"""Some forty reports of 3,000 (assumption); reading them takes about a second of processor time (measured)."""


def with_bounded_text(snapshot: ClinicalSnapshot, most: int = MOST_CHARACTERS) -> ClinicalSnapshot:
    """The snapshot with the newest reports that have together at most so many characters, head and neck first.

    One that does not fit is left out whole, since a report cut short lacks its impression, and is said.
    """
    left, kept, dropped = most, set[int](), list[Report]()
    newest_first = sorted(enumerate(snapshot.reports), key=lambda pair: pair[1].effective, reverse=True)
    for place, report in sorted(newest_first, key=lambda pair: is_elsewhere(pair[1].title)):
        if len(report.text) <= left:
            left -= len(report.text)
            kept.add(place)
        else:
            dropped.append(report)
    if not dropped:
        return snapshot
    reports = tuple(report for place, report in enumerate(snapshot.reports) if place in kept)
    return replace(snapshot, reports=reports, issues=(*snapshot.issues, _left_out(dropped)))


def _left_out(reports: Sequence[Report]) -> Issue:
    """One issue however many there are: a card has no room for fifty."""
    others = f" and {len(reports) - 1} more reports" if len(reports) > 1 else ""
    text = f"{reports[0].source}{others} left out: more report text than is read"
    return Issue("unread", text, reports[0].source, "reports")
