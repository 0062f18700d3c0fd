"""The charted NIHSS series of one stay in hours: which rise counts, and how far the scores reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fhir_mappings.end_rule import HORIZON, EndState, apply_end_rule
from fhir_mappings.snapshot import NihssScore
from models.training.departures import departure_table

Definition = Literal["rule", "sustained", "four_points", "against_lowest"]
"""Which rise is END: the rule itself, or one of its named variants."""


@dataclass(frozen=True)
class Rise:
    """END lies in ``(clear_h, raised_h]``, hours after ``t0``."""

    clear_h: float
    raised_h: float
    how: str


@dataclass(frozen=True)
class Series:
    """What the rule says, the hours of the scores that follow a patient up, and the rise.

    ``adequate_h`` begins with the baseline; a score that cannot be compared with it is not among
    them. Without a baseline it is empty.
    """

    state: EndState
    adequate_h: tuple[float, ...]
    rise: Rise | None

    def followed_until(self, until_h: float) -> float:
        """``until_h`` where the scores reach it without a gap, else the hour of the last adequate one."""
        limits = departure_table()["follow_up"]
        last, allowed = self.adequate_h[0], float(limits["first_score_within_h"])
        for hour in [hour for hour in self.adequate_h[1:] if hour <= until_h]:
            if hour - last > allowed:
                return last
            last, allowed = hour, float(limits["largest_gap_h"])
        return until_h if until_h - last <= allowed else last

    def clear_before(self, hour: float) -> float:
        """The last adequate score before that hour; 0, the arrival, where there is none."""
        return max((one for one in self.adequate_h if one < hour), default=0.0)


def read_series(scores: Sequence[NihssScore], t0: datetime, definition: Definition = "rule") -> Series:
    """The series of one stay; scores may come in any order."""
    ordered = sorted(scores, key=lambda score: score.effective)
    state = apply_end_rule(ordered, t0)
    adequate = _adequate(ordered, state, t0)
    rise = _by_rule(state, t0) if definition == "rule" else _by_variant(ordered, t0, definition)
    return Series(state, tuple(_hours(score, t0) for score in adequate), rise)


def _hours(score: NihssScore, t0: datetime) -> float:
    return (score.effective - t0).total_seconds() / 3600


def _adequate(ordered: Sequence[NihssScore], state: EndState, t0: datetime) -> list[NihssScore]:
    """The baseline and every later score that can be compared with it."""
    if state.baseline is None:
        return []
    unknown = {issue.source for issue in state.issues}
    later = [score for score in ordered if state.baseline.effective < score.effective <= t0 + HORIZON]
    compared = [score for score in later if score.source not in unknown and score.not_a_baseline != "prehospital"]
    return [state.baseline, *compared]


def _by_rule(state: EndState, t0: datetime) -> Rise | None:
    if state.raised is None or state.last_clear is None:
        return None
    return Rise(_hours(state.last_clear, t0), _hours(state.raised, t0), str(state.how))


def _by_variant(ordered: Sequence[NihssScore], t0: datetime, variant: Definition) -> Rise | None:
    """The rise with which the rule's variant is first met; one that is sustained began a score earlier."""
    for count in range(1, len(ordered) + 1):
        state = apply_end_rule(ordered[:count], t0)
        if state.variants.get(variant):
            hours = [_hours(score, t0) for score in _adequate(ordered[:count], state, t0)]
            place = len(hours) - (2 if variant == "sustained" else 1)
            return Rise(hours[place - 1], hours[place], variant)
    return None
