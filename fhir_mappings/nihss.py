"""NIHSS examinations: what Observations and forms say of one moment, joined and checked against itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fhir_mappings.codes import nihss_table
from fhir_mappings.nihss_charted import Charted, Reading
from fhir_mappings.nihss_forms import filled_in
from fhir_mappings.nihss_observations import ONE_EXAMINATION, charted_in
from fhir_mappings.nihss_points import Points
from fhir_mappings.snapshot import Issue, NihssScore

_CHARTED_TWICE = timedelta(minutes=10)
"""A form with the same numbers this near to charted ones is their copy: no check is repeated that soon (assumption)."""


@dataclass
class _Examination:
    """What was charted for one moment, while it is gathered."""

    effective: datetime
    available: datetime
    sources: list[str] = field(default_factory=list)
    readings: set[Reading] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)
    forms: set[str] = field(default_factory=set)
    lacks_members: bool = False

    def add(self, one: Charted) -> None:
        """Take what another resource says; what says nothing new delays nothing."""
        if not one.readings <= self.readings:
            self.available = max(self.available, one.available)
        self.sources.append(one.source)
        self.readings |= one.readings
        self.reasons |= {one.not_a_baseline} if one.not_a_baseline else set()
        self.forms |= one.forms
        self.lacks_members |= one.lacks_members


def scores_from(
    observations: Sequence[Any], *, live: bool, forms: Sequence[Any] = ()
) -> tuple[tuple[NihssScore, ...], tuple[Issue, ...]]:
    """Every examination, oldest first; what was charted for one moment is one examination.

    A total that contradicts its items, or another total, is unknown (None) and said.
    """
    charted, issues = charted_in(observations, live=live)
    filled, form_issues = filled_in(forms, live=live)
    finished = [_finish(one) for one in _joined(charted, filled)]
    said = (issue for _, some in finished for issue in some)
    return tuple(score for score, _ in finished if score is not None), (*issues, *form_issues, *said)


def _joined(charted: Sequence[Charted], filled: Sequence[Charted]) -> list[_Examination]:
    """One examination a moment; forms join the Observations that name or repeat them."""
    examinations: dict[datetime, _Examination] = {}
    for one in sorted(charted, key=_order):
        _at(examinations, one.effective, one)
    of_observations = list(examinations.values())
    for form in sorted(filled, key=_order):
        same = _same(form, of_observations)
        _at(examinations, same.effective if same else form.effective, form)
    return [one for _, one in sorted(examinations.items())]


def _order(one: Charted) -> tuple[datetime, str]:
    return one.available, one.source


def _at(examinations: dict[datetime, _Examination], moment: datetime, one: Charted) -> None:
    examinations.setdefault(moment, _Examination(moment, one.available)).add(one)


def _same(form: Charted, examinations: Iterable[_Examination]) -> _Examination | None:
    """The examination that names this form, else that of its moment, else the nearest with the same numbers."""

    def apart(one: _Examination) -> timedelta:
        return abs(one.effective - form.effective)

    near = sorted(examinations, key=lambda one: (apart(one), one.effective))
    named = [one for one in near if form.source in one.forms and apart(one) <= ONE_EXAMINATION]
    at_once = [one for one in near if not apart(one)]
    copied = [one for one in near if apart(one) <= _CHARTED_TWICE and _agree(form.readings, one.readings)]
    return next(iter(named or at_once or copied), None)


def _agree(some: Iterable[Reading], others: Iterable[Reading]) -> bool:
    """True where two sets of readings share a number and contradict in none."""
    one, two = _by_name(some), _by_name(others)
    common = one.keys() & two.keys()
    return bool(common) and all(one[name] == two[name] for name in common)


def _by_name(readings: Iterable[Reading]) -> dict[str, set[Points]]:
    found: dict[str, set[Points]] = {}
    for name, points in readings:
        found.setdefault(name, set()).add(points)
    return found


@dataclass(frozen=True)
class _Numbers:
    """An examination's numbers: all totals charted, and the items that are charted once.

    ``plus``: a total is of the testable items alone. ``items`` that could not be tested are None.
    """

    totals: frozenset[int]
    plus: bool
    items: Mapping[str, int | None]
    twice: tuple[str, ...]

    @property
    def sums(self) -> range:
        """The totals that the items allow: one where all fifteen have points.

        An untestable item counts as missing, since some add nothing for it and some the most; in a
        total with a "+X" it is known to add nothing.
        """
        points = sum(value for value in self.items.values() if value is not None)
        known = {name for name, value in self.items.items() if self.plus or value is not None}
        most = sum(item.most for name, item in nihss_table().items.items() if name not in known)
        return range(points, points + most + 1)

    @property
    def all_items(self) -> bool:
        """True where every item is charted, untestable ones too."""
        return len(self.items) == len(nihss_table().items)


def _numbers(one: _Examination) -> _Numbers:
    charted = _by_name(one.readings)
    totals = charted.pop("total", set())
    known = frozenset(points.number for points in totals if points.number is not None)
    return _Numbers(
        totals=known,
        plus=bool(known) and any(points.plus_untestable or points.number is None for points in totals),
        items={name: next(iter(points)).number for name, points in sorted(charted.items()) if len(points) == 1},
        twice=tuple(sorted(name for name, points in charted.items() if len(points) > 1)),
    )


def _finish(one: _Examination) -> tuple[NihssScore | None, list[Issue]]:
    """The score of one moment; contradictions make its total unknown, and an item charted twice absent."""
    source, numbers = min(one.sources), _numbers(one)
    why = _contradiction(numbers, source)
    total = None if why else _total(numbers)
    issues = [Issue("contradictory", why, source, "nihss")] if why else []
    issues += _unknowns(one, numbers, total, source)
    if not (numbers.totals or numbers.items or numbers.twice):
        return None, issues
    reason = next((why for why in nihss_table().not_a_baseline if why in one.reasons), None)
    unnamed = numbers.plus and total is not None and not numbers.all_items
    return NihssScore(one.effective, one.available, total, numbers.items, source, reason, unnamed), issues


def _total(numbers: _Numbers) -> int | None:
    """As charted, else the sum of all items."""
    return next(iter(numbers.totals or (numbers.sums if len(numbers.sums) == 1 else ())), None)


def _contradiction(numbers: _Numbers, source: str) -> str | None:
    """What contradicts in one examination; None where nothing does."""
    sums, totals = numbers.sums, numbers.totals
    if numbers.twice:
        return f"NIHSS items charted twice for one moment ({source}): {', '.join(numbers.twice)}"
    if len(totals) > 1:
        return f"NIHSS totals contradict ({source}): {' and '.join(map(str, sorted(totals)))}"
    if numbers.plus and numbers.all_items and None not in numbers.items.values():
        return f"NIHSS total contradicts its items ({source}): {min(totals)}+X, but all items have points"
    if totals - set(sums):
        allowed = str(sums.start) if len(sums) == 1 else f"{sums.start} to {sums.stop - 1}"
        return f"NIHSS total contradicts its items ({source}): {min(totals)}, items allow {allowed}"
    return None


def _unknowns(one: _Examination, numbers: _Numbers, total: int | None, source: str) -> Iterator[Issue]:
    """What could not be tested, and what a panel lacks."""
    if untestable := [name for name, points in numbers.items.items() if points is None]:
        text = f"NIHSS items untestable ({source}): {', '.join(untestable)}"
        yield Issue("untestable", text, source, "nihss")
    if numbers.plus and total is not None and not numbers.all_items:
        yield Issue("untestable", f"NIHSS {total}+X ({source}): untestable items not named", source, "nihss")
    if ("total", Points(None)) in one.readings:
        yield Issue("untestable", f"NIHSS total charted as untestable ({source})", source, "nihss")
    if one.lacks_members and total is None and not numbers.all_items:
        yield Issue("incomplete", f"NIHSS {source}: parts of this panel are not in the chart", source, "nihss")
