"""What one resource of the chart says of one examination with the NIH Stroke Scale."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fhir_mappings.codes import NihssItem, nihss_table
from fhir_mappings.nihss_points import NotAScore, Points, points_of
from fhir_mappings.snapshot import Issue

Reading = tuple[str, Points]
"""Points by the name of their item, or of "total"."""

_NEGATED = re.compile(
    r"\b(?:no|not|non|without|before|prior to|off)[\s-]+(?:(?:any|being|currently|longer|on|under|yet)\s+){0,2}"
    r"(?:sedat|intubat|ana?esthe|ventilat)\w*"
)
"""A negation right before the word; "not possible while sedated" still says sedated."""


@dataclass(frozen=True)
class Charted:
    """The readings of one Observation or form.

    ``forms`` holds the forms that it names as part or origin of the same examination; ``lacks_members``
    says that some of its members are not in the chart.
    """

    source: str
    effective: datetime
    available: datetime
    readings: frozenset[Reading]
    not_a_baseline: str | None = None
    forms: frozenset[str] = field(default=frozenset())
    lacks_members: bool = False


def part_of_scale(codes: Iterable[str]) -> NihssItem | None:
    """The item, the total or the panel that these LOINC codes name; of several the total, then the panel."""
    named, scale = set(codes), nihss_table()
    return next((one for one in (*scale.wholes.values(), *scale.items.values()) if one.loinc in named), None)


def readings_of(parts: Sequence[tuple[NihssItem, Any]], source: str) -> tuple[frozenset[Reading], list[Issue]]:
    """The points of these parts, and one issue for each reason why some are left out."""
    readings: set[Reading] = set()
    faults: dict[str, list[str]] = {}
    issues: list[Issue] = []
    for item, part in parts:
        try:
            points = points_of(part, item)
        except NotAScore as error:
            faults.setdefault(str(error), []).append(_label(item))
            continue
        readings.add(("total" if item.name in nihss_table().wholes else item.name, points))
        if item.name == "panel value":
            text = f"NIHSS total read from the panel's own value ({source})"
            issues.append(Issue("assumed", text, source, "nihss"))
    for why, labels in faults.items():
        text = f"NIHSS {', '.join(dict.fromkeys(labels))} left out ({source}): {why}"
        issues.append(Issue("malformed", text, source, "nihss"))
    return frozenset(readings), issues


def _label(item: NihssItem) -> str:
    return f"item {item.name}" if item.name in nihss_table().items else item.name


def why_no_baseline(texts: Iterable[str | None]) -> str | None:
    """Why a score cannot be a baseline, as remarks on it say; None where they say nothing of the kind."""
    said = " ".join(" ".join(text.lower().split()) for text in texts if text)
    for phrase in nihss_table().says_nothing:
        said = said.replace(phrase, " ")
    said = _NEGATED.sub(" ", said)
    words = nihss_table().not_a_baseline
    return next((why for why, some in words.items() if any(re.search(rf"\b{word}\b", said) for word in some)), None)
