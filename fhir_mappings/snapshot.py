"""What is known of one patient at one moment, free of FHIR.

Every fact carries the resource it came from (``source``, such as ``Observation/77``), the
moment it describes (``effective``) and the moment the chart held it (``available``).
Whatever could not be used is an `Issue`, so that the card can say it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Raw = Mapping[str, Any]
"""One FHIR resource as it arrived: parsed JSON, not yet trusted."""

IssueCode = Literal[
    "assumed",  # an assumption of ours was needed, such as an undated Condition counted for the stay
    "contradictory",  # two sources disagree and neither is used, or both are shown
    "implausible",  # outside the plausible range of its analyte
    "incomplete",  # a query's answer is known not to be the whole one
    "malformed",  # not valid FHIR; left out
    "not-available",  # charted after as_of
    "not-final",  # a status that is not used, or used with a word on the card
    "query-failed",  # a query could not be answered: unknown, never "none"
    "unit-unknown",  # the unit is missing, unknown or does not fit the code
    "unread",  # text or an attachment in a form or a language that is not read
    "untestable",  # an NIHSS item that could not be examined
    "wrong-patient",  # a resource of another patient; refused
]


@dataclass(frozen=True)
class Issue:
    """One thing the card has to say about the data.

    ``text`` is a short phrase in American English without PHI beyond the resource's id; ``about``
    is the analyte, feature or query key concerned.
    """

    code: IssueCode
    text: str
    source: str | None = None
    about: str | None = None


@dataclass(frozen=True)
class Patient:
    """Who the chart is about. ``age_years`` is whole years at arrival, else at ``as_of``."""

    id: str
    age_years: int | None
    sex: Literal["female", "male"] | None
    birth_date: str | None = None


@dataclass(frozen=True)
class Stay:
    """The linked emergency and inpatient Encounters of this admission.

    ``t0`` is their earliest start; ``encounters`` holds references such as ``Encounter/9``, the
    inpatient one first. ``reasons`` are the Encounters' reason texts.
    """

    t0: datetime
    encounters: tuple[str, ...]
    end: datetime | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One value of one analyte in its canonical unit; ``as_sent`` is what the chart shows."""

    analyte: str
    value: float
    unit: str
    effective: datetime
    available: datetime
    source: str
    as_sent: str


@dataclass(frozen=True)
class NihssScore:
    """One examination with the NIH Stroke Scale.

    ``total`` is as charted, else the sum of all items; None where unknown. ``items`` maps item
    names ("1a" ... "11") to points; None means untestable. ``not_a_baseline`` says why a score
    cannot serve as baseline ("prehospital", "sedated", "intubated"). ``untestable_unnamed``: the
    total is of the testable items only and nothing says which these are ("7+X").
    """

    effective: datetime
    available: datetime
    total: int | None
    items: Mapping[str, int | None]
    source: str
    not_a_baseline: str | None = None
    untestable_unnamed: bool = False


@dataclass(frozen=True)
class Report:
    """One imaging report, or another text, as plain text with its headings and line breaks."""

    title: str
    text: str
    effective: datetime
    available: datetime
    source: str
    status: str = "final"


DiagnosisKind = Literal[
    "ischemic_stroke",
    "hemorrhagic_stroke",
    "unspecific_stroke",
    "atrial_fibrillation",
    "coronary_disease",
    "diabetes",
    "heart_failure",
    "hypertension",
    "smoking",
    "stroke_history",
]


@dataclass(frozen=True)
class Diagnosis:
    """One Condition (or smoking Observation) that concerns us.

    ``in_stay`` is True where its encounter or dates put it in this stay, None where undated.
    """

    kind: DiagnosisKind
    text: str
    source: str
    in_stay: bool | None = None
    onset: datetime | None = None
    available: datetime | None = None


TreatmentKind = Literal["thrombolysis", "thrombectomy", "craniectomy", "antiplatelet", "anticoagulant", "statin"]
TreatmentState = Literal["done", "not_done", "before_admission", "in_stay"]


@dataclass(frozen=True)
class Treatment:
    """A reperfusion procedure or a drug.

    Procedures and thrombolysis are ``done`` or ``not_done`` (decided against); antithrombotics and
    statins are ``before_admission`` or ``in_stay``.
    """

    kind: TreatmentKind
    state: TreatmentState
    text: str
    source: str
    effective: datetime | None = None
    available: datetime | None = None


@dataclass(frozen=True)
class ClinicalSnapshot:
    """All that was known of the patient at ``as_of``.

    ``unanswered`` holds the keys of queries that failed: what they would have told is unknown,
    never "none". ``seen`` holds the keys that were answered, with or without data.
    """

    as_of: datetime
    patient: Patient
    stay: Stay | None = None
    last_known_well: datetime | None = None
    pre_stroke_mrs: Measurement | None = None
    measurements: tuple[Measurement, ...] = ()
    nihss: tuple[NihssScore, ...] = ()
    reports: tuple[Report, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    unanswered: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    issues: tuple[Issue, ...] = field(default=())

    @property
    def hours_since_arrival(self) -> float | None:
        """Hours from ``t0`` to ``as_of``; None where the stay is unknown."""
        return None if self.stay is None else (self.as_of - self.stay.t0).total_seconds() / 3600
