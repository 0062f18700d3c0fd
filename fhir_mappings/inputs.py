"""What the model reads: numbers with masks, and the reports' sentences with the rules' findings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Assertion = Literal["present", "uncertain", "absent", "historical", "asked"]
Section = Literal["history", "technique", "comparison", "findings", "impression", "other"]


@dataclass(frozen=True)
class Sentence:
    """One sentence of one report; ``report`` is its source, such as ``DiagnosticReport/3``.

    ``elsewhere``: the report's title names a part of the body away from head and neck.
    """

    text: str
    section: Section
    report: str
    effective: datetime
    elsewhere: bool = False


@dataclass(frozen=True)
class Finding:
    """One thing a sentence says; ``sentence`` indexes ``ModelInputs.sentences``.

    ``value`` is points for ``aspects``, mm for ``midline_shift`` and % for ``stenosis``; ``site``,
    ``side`` and ``grade`` only where the sentence says them.
    """

    name: str
    assertion: Assertion
    sentence: int
    side: Literal["left", "right", "both"] | None = None
    site: str | None = None
    grade: str | None = None
    value: float | None = None


@dataclass(frozen=True)
class Feature:
    """One structured input: its value in the canonical unit, or None where it was not observed.

    ``effective`` and ``source`` tell where the value came from; flags are 0.0 or 1.0, which ``is_flag`` tells.
    A value more than ``max_age_hours`` before the moment of prediction is old, and the card says so.
    """

    name: str
    label: str
    unit: str
    value: float | None
    effective: datetime | None = None
    source: str | None = None
    is_flag: bool = False
    max_age_hours: float | None = None

    @property
    def observed(self) -> bool:
        """True where the chart held a value."""
        return self.value is not None


@dataclass(frozen=True)
class ModelInputs:
    """One row of data: a stay at ``as_of``. Features stand in the order of ``features.toml``."""

    as_of: datetime
    t0: datetime
    features: tuple[Feature, ...]
    sentences: tuple[Sentence, ...]
    findings: tuple[Finding, ...]

    @property
    def hours(self) -> float:
        """Hours from arrival to ``as_of``."""
        return (self.as_of - self.t0).total_seconds() / 3600

    @property
    def stale(self) -> tuple[tuple[Feature, float], ...]:
        """The values that are old at ``as_of``, each with its age in hours."""
        ages = [(one, (self.as_of - one.effective).total_seconds() / 3600) for one in self.features if one.effective]
        return tuple((one, age) for one, age in ages if one.max_age_hours is not None and age > one.max_age_hours)
