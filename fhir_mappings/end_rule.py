"""Early neurological deterioration by the charted NIHSS, as one pure rule.

END: total up by >= 2, or the motor items (5a, 5b, 6a, 6b) up by >= 1, against the baseline, within
168 h of arrival (Sun et al., Front Neurol 2026, doi 10.3389/fneur.2026.1787921; the clinical
contract settles baseline, comparison and variants).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from fhir_mappings.codes import nihss_table
from fhir_mappings.snapshot import Issue, NihssScore

BEFORE_ARRIVAL = timedelta(hours=1)
"""Clocks differ: a baseline may stand this long before arrival (assumption)."""

BASELINE_UNTIL = timedelta(hours=6)
"""The latest baseline after arrival (assumption)."""

_ELSEWHERE = "prehospital"
"""A score from before arrival is no follow-up, whenever it was charted."""

HORIZON = timedelta(hours=168)
TOTAL_RISE = 2
MOTOR_RISE = 1
SEVERE_RISE = 4


@dataclass(frozen=True)
class EndState:
    """What the charted series says by the END rule.

    ``last_clear`` and ``raised`` enclose the event (it is interval-censored); ``rise`` is of the
    total where that meets the rule, else of the motor items. ``confirmed``: the next known score meets the rule too.
    """

    baseline: NihssScore | None
    no_baseline: str | None = None
    last_clear: NihssScore | None = None
    raised: NihssScore | None = None
    how: Literal["total", "motor"] | None = None
    rise: int | None = None
    confirmed: bool = False
    variants: Mapping[str, bool] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()

    @property
    def met(self) -> bool:
        """True where END is charted."""
        return self.raised is not None


def apply_end_rule(scores: Sequence[NihssScore], t0: datetime) -> EndState:
    """The END rule on a series of examinations; without a baseline there is no END rule."""
    series = sorted((score for score in scores if score.effective <= t0 + HORIZON), key=lambda score: score.effective)
    baseline, why = _baseline(series, t0)
    if baseline is None:
        return EndState(None, no_baseline=why)
    later = [score for score in series if score.effective > baseline.effective and score.not_a_baseline != _ELSEWHERE]
    judged = [(score, _meets(baseline, score)) for score in later]
    first = next((place for place, (_, met) in enumerate(judged) if met), None)
    issues = tuple(_unknown(score) for score, met in judged if met is None)
    variants = _variants(baseline, later, judged)
    if first is None:
        clear = [score for score, met in judged if met is False]
        return EndState(baseline, last_clear=clear[-1] if clear else baseline, variants=variants, issues=issues)
    clear = [score for score, met in judged[:first] if met is False]
    raised = judged[first][0]
    total = total_rise(baseline, raised)
    by_total = total is not None and total >= TOTAL_RISE
    return EndState(
        baseline=baseline,
        last_clear=clear[-1] if clear else baseline,
        raised=raised,
        how="total" if by_total else "motor",
        rise=total if by_total else motor_rise(baseline, raised),
        confirmed=_next_known(judged[first + 1 :]) is True,
        variants=variants,
        issues=issues,
    )


def total_rise(before: NihssScore, after: NihssScore) -> int | None:
    """Points that the total rose; None where one is unknown, or the untestable items differ or are not named."""
    if before.total is None or after.total is None or before.untestable_unnamed or after.untestable_unnamed:
        return None
    return after.total - before.total if _untestable(before) == _untestable(after) else None


def motor_rise(before: NihssScore, after: NihssScore) -> int | None:
    """Points that the motor items rose in sum; None unless both sets are known whole."""
    sums = [motor_score(score) for score in (before, after)]
    return None if sums[0] is None or sums[1] is None else sums[1] - sums[0]


def motor_score(score: NihssScore) -> int | None:
    """Sum of the motor items 5a, 5b, 6a, 6b (0-16); None where one is missing or untestable."""
    points = [score.items.get(item) for item in nihss_table().motor]
    known = [value for value in points if value is not None]
    return sum(known) if len(known) == len(points) else None


def _untestable(score: NihssScore) -> frozenset[str]:
    return frozenset(name for name, points in score.items.items() if points is None)


def _baseline(series: Sequence[NihssScore], t0: datetime) -> tuple[NihssScore | None, str | None]:
    window = [score for score in series if t0 - BEFORE_ARRIVAL <= score.effective <= t0 + BASELINE_UNTIL]
    counted = [score for score in window if score.total is not None and score.not_a_baseline is None]
    if counted:
        return counted[0], None
    reasons = sorted({score.not_a_baseline for score in window if score.not_a_baseline})
    if reasons:
        return None, f"the NIHSS within 6 h of arrival was {' or '.join(reasons)}"
    return None, "no NIHSS total within 6 h of arrival"


def _meets(baseline: NihssScore, score: NihssScore) -> bool | None:
    """True or False by the rule; None where neither comparison is known."""
    total, motor = total_rise(baseline, score), motor_rise(baseline, score)
    if (total is not None and total >= TOTAL_RISE) or (motor is not None and motor >= MOTOR_RISE):
        return True
    return None if total is None else False


def _next_known(judged: Sequence[tuple[NihssScore, bool | None]]) -> bool | None:
    return next((met for _, met in judged if met is not None), None)


def _unknown(score: NihssScore) -> Issue:
    text = f"NIHSS {score.source} cannot be compared with the baseline"
    return Issue("contradictory" if score.total is None else "untestable", text, score.source, "nihss")


def _variants(
    baseline: NihssScore, later: Sequence[NihssScore], judged: Sequence[tuple[NihssScore, bool | None]]
) -> dict[str, bool]:
    """The named variants: sustained on the next score; four points; against the lowest earlier score."""
    known = [met for _, met in judged if met is not None]
    lowest, against_lowest = baseline, False
    for score in later:
        rise = total_rise(lowest, score)
        against_lowest |= rise is not None and rise >= TOTAL_RISE
        if rise is not None and rise < 0:
            lowest = score
    return {
        "sustained": any(one and two for one, two in pairwise(known)),
        "four_points": any((total_rise(baseline, score) or 0) >= SEVERE_RISE for score in later),
        "against_lowest": against_lowest,
    }
