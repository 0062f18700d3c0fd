"""Which version of each report stands at a moment: superseded, twice reached, added to."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from fhir_mappings.report_filed import Filed
from fhir_mappings.report_text import ENOUGH_WORDS, statements
from fhir_mappings.snapshot import Issue, Report

EARLY = frozenset({"preliminary", "partial"})
"""Statuses of a report that may still change."""

_REVISED = frozenset({"amended", "corrected"})
_SAME_EXAMINATION = timedelta(hours=1)
"""Two reports of one order, or with one text, that lie further apart are of two examinations (assumption)."""

_ADDENDUM = re.compile(r"(?<!\W)\W*+addend(?:um|a)\b[^:\n]{0,60}(?::|\n|$)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Version:
    """One report as it was filed, with its text."""

    filed: Filed
    report: Report

    @property
    def rank(self) -> int:
        """0 before it is final, 1 final, 2 revised since."""
        status = self.report.status
        return 0 if status in EARLY else 2 if status in _REVISED else 1

    @cached_property
    def said(self) -> frozenset[str]:
        """Its statements."""
        return statements(self.report.text)

    @property
    def is_addendum(self) -> bool:
        """True where it adds to another report, by its status, its links, its title or its first words."""
        told = any(_ADDENDUM.match(text) for text in (self.report.title, self.report.text))
        return bool(self.filed.appends) or told or self.report.status == "appended"


def standing_at(
    versions: Sequence[Version], as_of: datetime | None = None
) -> tuple[tuple[Report, ...], tuple[Issue, ...]]:
    """The reports that stand at ``as_of``, or with all that is held: oldest first; and what was superseded.

    A version that was not available then supersedes nothing, so that a preliminary report is read
    until the final one is there. A report reached twice stands once. An addendum stands below its
    report, and both are available from then on: earlier moments have to be asked for by themselves.
    """
    there = [one for one in versions if as_of is None or one.report.available <= as_of]
    once = _without_twins(sorted(there, key=lambda one: (-one.rank, one.report.available, one.report.source)))
    addenda = sorted((one for one in once if one.is_addendum), key=_moment)
    standing, issues = _without_superseded(sorted((one for one in once if not one.is_addendum), key=_moment))
    issues += [issue for one in (*standing, *addenda) for issue in _reservations(one.filed)]
    for addendum in addenda:
        standing = _added(standing, addendum)
    return tuple(sorted((one.report for one in standing), key=lambda one: (one.effective, one.source))), tuple(issues)


def newest_final_first(reports: Iterable[Report]) -> tuple[Report, ...]:
    """Reports by time, the newest first, those that may still change after all others."""
    newest = sorted(reports, key=lambda one: one.effective, reverse=True)
    return tuple(sorted(newest, key=lambda one: one.status in EARLY))


def _moment(version: Version) -> tuple[datetime, int, str]:
    return version.report.available, version.rank, version.report.source


def _without_twins(versions: Sequence[Version]) -> list[Version]:
    """One of those that say the same of one examination, the first, and none that is a part of another."""
    kept: list[Version] = []
    for version in versions:
        if not any(_twins(version, one) for one in kept) and not any(_part_of(version, one) for one in versions):
            kept.append(version)
    return kept


def _twins(one: Version, other: Version) -> bool:
    """True for one text; but of versions of one study in different status the card says which counts.

    Two examinations within the hour may both be "normal"; a longer text is one report filed twice.
    """
    if one.said != other.said:
        return False
    if _same_study(one, other):
        return one.rank == other.rank
    long = len(one.report.text.split()) >= ENOUGH_WORDS
    return _close(one, other) and (long or not _told_apart(one.filed, other.filed))


def _part_of(one: Version, other: Version) -> bool:
    """True where the other report says all that this one does; a revision may have taken something back."""
    if not one.said < other.said or one.rank != other.rank or not _same_study(one, other):
        return False
    return one.rank < 2 or not _supersedes(one, other)


def _without_superseded(versions: Sequence[Version]) -> tuple[list[Version], list[Issue]]:
    """Those that nothing supersedes that stands itself, and what a card says of the others."""
    issues: list[Issue] = []
    standing = list(versions)
    for version in versions:
        later = [other for other in standing if other is not version and _supersedes(other, version)]
        if later:
            standing.remove(version)
            source, by = version.report.source, max(later, key=lambda one: (one.rank, _moment(one))).report.source
            issues.append(Issue("not-final", f"{source} left out: superseded by {by}", source, "reports"))
    return standing, issues


def _supersedes(one: Version, other: Version) -> bool:
    """True where a report says that it replaces another, or is a later version of the same study."""
    if other.report.source in one.filed.replaces or one.report.source in other.filed.replaces:
        return other.report.source in one.filed.replaces
    if not _same_study(one, other):
        return False
    if one.rank != other.rank:
        return one.rank > other.rank
    numbered = bool(one.filed.identifiers & other.filed.identifiers)
    return numbered and one.report.available > other.report.available


def _same_study(one: Version, other: Version) -> bool:
    """True for reports of one examination: nothing tells them apart, and something joins them.

    One accession number or order may cover a CT and a CT angiography, so codes and names must not
    differ; one order may cover a series, so its reports must lie close together. In doubt both stand.
    """
    a, b = one.filed, other.filed
    if _told_apart(a, b):
        return False
    if a.identifiers & b.identifiers or (a.orders & b.orders and _close(one, other)):
        return True
    return bool(a.codes & b.codes) and a.charted is not None and a.charted == b.charted


def _told_apart(a: Filed, b: Filed) -> bool:
    """True where codes or names say that the examinations were two."""
    return bool((a.codes and b.codes and not a.codes & b.codes) or (a.name and b.name and a.name != b.name))


def _close(one: Version, other: Version) -> bool:
    return abs(one.report.effective - other.report.effective) <= _SAME_EXAMINATION


def _reservations(filed: Filed) -> Iterator[Issue]:
    """What a card says of a report that is read all the same."""
    if filed.status in EARLY:
        yield Issue("not-final", f"{filed.source} is {filed.status}", filed.source, "reports")
    if filed.doubt:
        yield Issue("assumed", f"{filed.source} has {filed.doubt}", filed.source, "reports")


def _added(standing: list[Version], addendum: Version) -> list[Version]:
    """With the addendum below its report; where none of them is its report, it stands alone."""
    related = [one for one in standing if _adds_to(addendum, one)]
    if not related:
        return [*standing, addendum]
    base = max(related, key=lambda one: (_same_study(addendum, one), one.report.effective))
    own = addendum.report.text
    text = own if base.said <= addendum.said else f"{base.report.text}\n\nADDENDUM:\n{_ADDENDUM.sub('', own, count=1)}"
    available = max(base.report.available, addendum.report.available)
    joined = replace(base, report=replace(base.report, text=text, available=available, status="appended"))
    return [joined if one is base else one for one in standing]


def _adds_to(addendum: Version, base: Version) -> bool:
    """True where it says so, shares a number or an order, or is of the same study."""
    a, b = addendum.filed, base.filed
    linked = base.report.source in a.appends or a.identifiers & b.identifiers or a.orders & b.orders
    later = base.report.effective <= addendum.report.effective
    return bool(linked and later) or _same_study(addendum, base)
