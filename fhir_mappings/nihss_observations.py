"""NIHSS in Observations: totals, panels with components or members, single items."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from fhir_mappings.codes import LOINC, NihssItem
from fhir_mappings.nihss_charted import Charted, part_of_scale, readings_of, why_no_baseline
from fhir_mappings.nihss_points import has_value
from fhir_mappings.observations import USED, codings_of, reservations, source_of
from fhir_mappings.snapshot import Issue
from fhir_mappings.windows import available_at, effective_of, instant

ONE_EXAMINATION = timedelta(hours=1)
"""A panel and what it refers to are one examination where their times differ by no more (assumption)."""

_TIMES = ("effectiveDateTime", "effectiveInstant", "effectivePeriod")
_FORM = "QuestionnaireResponse/"
_Moments = Mapping[str, frozenset[datetime]]


def charted_in(observations: Sequence[Any], *, live: bool) -> tuple[tuple[Charted, ...], tuple[Issue, ...]]:
    """What each Observation of the scale says, and why others are left out; the rest are passed over.

    A member of a panel is of the panel's moment.
    """
    ours = [(one, parts) for one in observations if (parts := list(_parts(one)))]
    panels, known = _panels([one for one, _ in ours]), frozenset(map(source_of, observations))
    read = [_charted(one, parts, panels, known, live=live) for one, parts in ours]
    return tuple(one for one, _ in read if one is not None), tuple(issue for _, said in read for issue in said)


def _parts(observation: Any) -> Iterator[tuple[NihssItem, Any]]:
    """The Observation and its components, as far as they are of the scale."""
    for part in (observation, *(observation.component or ())):
        codes = [code for system, code in codings_of(part.code) if system == LOINC and code]
        if codes and (item := part_of_scale(codes)):
            yield item, part


def _members(observation: Any) -> frozenset[str]:
    """``Type/id`` of what a panel names as its members."""
    return frozenset(_relative(link.reference) for link in observation.hasMember or () if link.reference)


def _forms(observation: Any) -> frozenset[str]:
    """The forms that an Observation names as its origin."""
    origins = {_relative(link.reference) for link in observation.derivedFrom or () if link.reference}
    return frozenset(origin for origin in origins if origin.startswith(_FORM))


def _relative(reference: str) -> str:
    return "/".join(reference.split("/_history/", maxsplit=1)[0].split("/")[-2:])


def _panels(ours: Iterable[Any]) -> _Moments:
    """The moments of those that refer to a resource, by that resource."""
    moments: dict[str, frozenset[datetime]] = {}
    for one in ours:
        effective = effective_of(one)
        if effective is not None and one.status in USED:
            moments |= {name: moments.get(name, frozenset()) | {effective} for name in _members(one)}
    return moments


def _moment(observation: Any, panels: _Moments) -> tuple[datetime | None, Sequence[Issue]]:
    """When it was examined, and what is doubtful about that: a member takes its panel's time."""
    source, own = source_of(observation), effective_of(observation)
    said = reservations(observation, "nihss")
    of_panels = panels.get(source, frozenset())
    if len(of_panels) != 1:
        return own, said
    panel, timed = min(of_panels), any(getattr(observation, name) is not None for name in _TIMES)
    if own is not None and timed:
        return (panel if abs(own - panel) <= ONE_EXAMINATION else own), said
    early = [issue for issue in said if issue.code != "assumed"]
    return panel, [*early, Issue("assumed", f"{source} has no time of its own, its panel's is used", source, "nihss")]


def _charted(
    observation: Any,
    parts: Sequence[tuple[NihssItem, Any]],
    panels: _Moments,
    known: frozenset[str],
    *,
    live: bool,
) -> tuple[Charted | None, Sequence[Issue]]:
    source, (effective, said) = source_of(observation), _moment(observation, panels)
    if observation.status not in USED:
        return None, [Issue("not-final", f"NIHSS {source} left out: {observation.status}", source, "nihss")]
    if effective is None:
        return None, [Issue("malformed", f"NIHSS {source} left out: no time", source, "nihss")]
    readings, issues = readings_of([one for one in parts if not _only_a_heading(*one, observation)], source)
    members = _members(observation)
    charted = Charted(
        source,
        effective,
        available_at("nihss", effective, instant(observation.issued), live=live),
        readings,
        why_no_baseline(_remarks(observation, parts)),
        frozenset(name for name in members if name.startswith(_FORM)) | _forms(observation),
        lacks_members=any(name not in known and not name.startswith(_FORM) for name in members),
    )
    return charted, [*said, *issues]


def _only_a_heading(item: NihssItem, part: Any, observation: Any) -> bool:
    """True where a panel, or a total with parts, has no value of its own, as it need not."""
    if part is not observation or has_value(part):
        return False
    return item.name == "panel value" or bool((observation.component or observation.hasMember) and not _absent(part))


def _absent(part: Any) -> bool:
    return part.dataAbsentReason is not None


def _remarks(observation: Any, parts: Sequence[tuple[NihssItem, Any]]) -> Iterator[str | None]:
    """Notes, method, interpretation, and values in words."""
    yield from (note.text for note in observation.note or ())
    yield from (part.valueString for _, part in parts)
    for concept in (observation.method, *(observation.interpretation or ())):
        if concept is not None:
            yield concept.text
            yield from (coding.display for coding in concept.coding or ())
