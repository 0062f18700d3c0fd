"""Which numbers the network sees: the features and finding terms of an artifact, and a row as two vectors."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fhir_mappings.inputs import Assertion, Finding, ModelInputs

Vector = NDArray[np.float32]

STRENGTH: tuple[Assertion, ...] = ("present", "uncertain", "absent", "historical", "asked")
"""What wins where sentences differ: a finding once read as present stays present for the stay."""

NO_REPORT = "no_report"


@dataclass(frozen=True)
class FindingTerm:
    """One additive 0/1 input made from findings: name and assertion, then any narrowing.

    ``at_most`` and ``at_least`` bound the finding's value (ASPECTS points, mm, %).
    """

    id: str
    label: str
    name: str
    assertion: Assertion
    sites: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    at_most: float | None = None
    at_least: float | None = None

    def matches(self, finding: Finding) -> bool:
        """True where the finding fires this term."""
        if (finding.name, finding.assertion) != (self.name, self.assertion):
            return False
        narrowed = ((self.sites, finding.site), (self.grades, finding.grade))
        if any(allowed and said not in allowed for allowed, said in narrowed):
            return False
        return self._within(finding.value)

    def _within(self, value: float | None) -> bool:
        if self.at_most is None and self.at_least is None:
            return True
        if value is None:
            return False
        low = -math.inf if self.at_least is None else self.at_least
        return low <= value <= (math.inf if self.at_most is None else self.at_most)


@dataclass(frozen=True)
class Modality:
    """Features that are mostly there or missing together, such as all laboratory values."""

    id: str
    label: str
    features: tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """The columns of an artifact: features in order, which are logged or flags, finding terms, modalities."""

    features: tuple[str, ...]
    labels: tuple[str, ...]
    log: frozenset[str]
    flags: frozenset[str]
    terms: tuple[FindingTerm, ...]
    modalities: tuple[Modality, ...] = ()

    @property
    def members(self) -> Vector:
        """Which features belong to each modality [M, F]."""
        rows = [[float(name in modality.features) for name in self.features] for modality in self.modalities]
        return np.array(rows, dtype=np.float32).reshape(len(rows), len(self.features))

    @property
    def term_count(self) -> int:
        """How many finding columns there are: the terms, then ``no_report``."""
        return len(self.terms) + 1


@dataclass(frozen=True)
class Numbers:
    """One row as the network reads it; unobserved values are 0 with ``observed`` 0."""

    values: Vector  # [features], logged where the design says so, not yet standardized
    observed: Vector  # [features]
    findings: Vector  # [terms + 1], the last one "no report"


def design_from(raw: Mapping[str, Any]) -> Design:
    """The design written in ``net.json``."""
    names, labels = tuple(raw["features"]), tuple(raw["labels"])
    return Design(
        names, labels, frozenset(raw["log"]), frozenset(raw["flags"]), terms_from(raw["terms"]),
        modalities_from(raw["modalities"], names),
    )  # fmt: skip


def modalities_from(rows: Sequence[Mapping[str, Any]], features: Sequence[str]) -> tuple[Modality, ...]:
    """The modalities of a config or of ``net.json``; ``ValueError`` on a feature that there is none of."""
    found = tuple(Modality(row["id"], row["label"], tuple(row["features"])) for row in rows)
    if unknown := sorted({name for one in found for name in one.features} - set(features)):
        raise ValueError(f"a modality names no feature: {unknown[0]}")
    return found


def terms_from(rows: Sequence[Mapping[str, Any]]) -> tuple[FindingTerm, ...]:
    """The finding terms of a config or of ``net.json``."""
    lists = ("sites", "grades")
    return tuple(FindingTerm(**(dict(row) | {key: tuple(row.get(key, ())) for key in lists})) for row in rows)


def design_as_json(design: Design) -> dict[str, Any]:
    """The design as plain JSON, ordered, so that the same design gives the same bytes."""
    terms = [{key: value for key, value in vars(term).items() if value not in (None, ())} for term in design.terms]
    return {
        "features": list(design.features),
        "labels": list(design.labels),
        "log": sorted(design.log),
        "flags": sorted(design.flags),
        "terms": terms,
        "modalities": [vars(modality) | {"features": list(modality.features)} for modality in design.modalities],
    }


def join_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that count: for each name only those of its strongest assertion, in reading order."""
    held = tuple(findings)
    strongest: dict[str, int] = {}
    for finding in held:
        rank = STRENGTH.index(finding.assertion)
        strongest[finding.name] = min(rank, strongest.get(finding.name, rank))
    return tuple(f for f in held if STRENGTH.index(f.assertion) == strongest[f.name])


def numbers_of(inputs: ModelInputs, design: Design) -> Numbers:
    """One row as vectors; raises ``ValueError`` where the inputs lack a feature of the design."""
    held = {feature.name: feature.value for feature in inputs.features}
    if absent := [name for name in design.features if name not in held]:
        raise ValueError(f"the inputs have no feature {absent[0]!r}")
    column = [_scaled(name, held[name], design.log) for name in design.features]
    return Numbers(
        np.array([0.0 if value is None else value for value in column], dtype=np.float32),
        np.array([value is not None for value in column], dtype=np.float32),
        finding_columns(inputs.findings, design, has_report=bool(inputs.sentences)),
    )


def finding_columns(findings: Iterable[Finding], design: Design, *, has_report: bool) -> Vector:
    """The finding columns [terms + 1] of what the rules read: 0 or 1."""
    joined = join_findings(findings)
    fired = [float(any(term.matches(finding) for finding in joined)) for term in design.terms]
    return np.array([*fired, float(not has_report)], dtype=np.float32)


def _scaled(name: str, value: float | None, log: frozenset[str]) -> float | None:
    # log1p: D-dimer, CRP and the like span two orders of magnitude and may be charted as 0
    return math.log1p(max(value, 0.0)) if value is not None and name in log else value


def stacked(rows: Sequence[Numbers]) -> tuple[Vector, Vector, Vector]:
    """Rows as three matrices: values, observed, findings."""
    return (
        np.stack([row.values for row in rows]),
        np.stack([row.observed for row in rows]),
        np.stack([row.findings for row in rows]),
    )
