"""What is said of a finding beyond its name and assertion: site, grade and number, from the rules or the reader."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fhir_mappings.inputs import Finding
from models.design import STRENGTH
from models.reader import SIDES, Detail, ReaderSpec

FloatArray = NDArray[np.float64]

_LIKELY = 0.5  # a detail or side more likely than not is told of a finding


def columns(spec: ReaderSpec, name: str) -> list[tuple[int, Detail]]:
    """The details of a finding, each with its column."""
    return [(column, one) for column, one in enumerate(spec.details) if one.finding == name]


def _tells(finding: Finding, detail: Detail) -> bool | None:
    """Whether the finding has the detail; None where it does not say."""
    if detail.kind in ("site", "grade"):
        own = getattr(finding, detail.kind)
        return None if own is None else own == detail.value
    if finding.value is None:
        return None
    bound = float(detail.value)
    return finding.value >= bound if detail.kind == "at_least" else finding.value <= bound


def strongest(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that no stronger one of the same name and sentence stands beside."""
    ranks: dict[tuple[int, str], int] = {}
    for one in findings:
        key, rank = (one.sentence, one.name), STRENGTH.index(one.assertion)
        ranks[key] = min(rank, ranks.get(key, rank))
    return [one for one in findings if STRENGTH.index(one.assertion) == ranks[one.sentence, one.name]]


def told_details(findings: Sequence[Finding], read: FloatArray, spec: ReaderSpec) -> FloatArray:
    """The reader's details [n, D], but for those that the rules tell."""
    told: dict[tuple[int, int], bool] = {}
    for one in strongest(findings):
        for column, detail in columns(spec, one.name):
            if (has := _tells(one, detail)) is not None:
                told[one.sentence, column] = has or told.get((one.sentence, column), False)
    details = read.copy()
    for place, has in told.items():
        details[place] = float(has)
    return details


def filled(finding: Finding, details: FloatArray, sides: NDArray[np.float32], spec: ReaderSpec) -> Finding:
    """The finding with the side, site and grade that the reader reads, where the rules tell none."""
    told: dict[str, Any] = {}
    for column, detail in sorted(columns(spec, finding.name), key=lambda one: details[one[0]]):
        if detail.kind in ("site", "grade") and details[column] > _LIKELY and getattr(finding, detail.kind) is None:
            told[detail.kind] = detail.value
    side = SIDES[int(sides.argmax())]
    if finding.side is None and side != SIDES[0] and sides.max() > _LIKELY:
        told["side"] = side
    return replace(finding, **told)
