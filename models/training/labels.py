"""What happened in a stay, by the charted END rule, and the moments at which it is predicted.

One table decides; the first event counts, and hours are after ``t0``:

=============================================  ==================================================
no baseline NIHSS                              no label
charted rise first                             END between the last clear and the raised score
neurological death, no charted rise            END up to the death (or competing, by argument)
discharge alive, other death, comfort care     competing
thrombectomy or craniectomy, no rise before    competing
transfer out                                   censored
a gap in the scores before any of these        censored at the last adequate score (deaths excepted)
none of these                                  free of END at 168 h, or censored where the chart ends
=============================================  ==================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from fhir_mappings.chart import RawChart
from fhir_mappings.end_rule import HORIZON, EndState, apply_end_rule
from fhir_mappings.pipeline import History, history_from
from fhir_mappings.site import DEFAULT_SITE, Site
from fhir_mappings.snapshot import ClinicalSnapshot
from models.training.cohort import latest_moment
from models.training.departures import Departure, departure_table, departures_from

_HORIZON_H = HORIZON.total_seconds() / 3600
_DEATHS = ("neurological_death", "other_death")


@dataclass(frozen=True)
class Outcome:
    """The label of one stay, in hours after ``t0``; of the three endings at most one is set.

    END lies in ``(last_clear_h, raised_h]``. ``end_state`` holds the rule's variants; a stay with
    ``kind`` "event_free" was followed to 168 h, one with "no_label" has no baseline or no stay.
    """

    kind: Literal["end", "competing", "censored", "event_free", "no_label"]
    reason: str
    last_clear_h: float | None = None
    raised_h: float | None = None
    competing: str | None = None
    competing_h: float | None = None
    censored_h: float | None = None
    end_state: EndState | None = None

    @property
    def watched_until_h(self) -> float:
        """The hour at which the watch for END was over, whatever ended it; 0 without a label."""
        if self.kind == "no_label":
            return 0.0
        hours = (self.raised_h, self.competing_h, self.censored_h)
        return next((hour for hour in hours if hour is not None), _HORIZON_H)


def label_chart(chart: RawChart, site: Site = DEFAULT_SITE) -> tuple[History, Outcome]:
    """The mapped history of a chart and its label, through the mapping functions of serving."""
    history = history_from(chart, latest_moment(chart), live=False, site=site)
    return history, outcome_of(history, departures_from(chart, history))


def outcome_of(
    history: ClinicalSnapshot,
    departures: Sequence[Departure] = (),
    *,
    neurological_death: Literal["end", "competing"] = "end",
) -> Outcome:
    """The label of one mapped history; the table is this module's docstring.

    ``neurological_death="competing"`` is the sensitivity analysis.
    """
    if history.stay is None:
        return Outcome("no_label", "no Encounter of a stay")
    t0 = history.stay.t0
    state = apply_end_rule(history.nihss, t0)
    if state.baseline is None:
        return Outcome("no_label", state.no_baseline or "no baseline", end_state=state)
    first = next((one for one in sorted(departures, key=lambda one: one.at) if t0 <= one.at <= t0 + HORIZON), None)
    if state.raised is not None and (first is None or state.raised.effective <= first.at):
        return _end(history, state)
    if first is None:
        return _no_event(history, state)
    if first.kind == "neurological_death" and neurological_death == "end":
        clear, died = _last_clear_h(history, state, first.at), _hours(history, first.at)
        return Outcome("end", "neurological death without a charted rise", clear, died, end_state=state)
    return _competing(history, state, first)


def _hours(history: ClinicalSnapshot, moment: datetime) -> float:
    start = history.stay.t0 if history.stay else moment
    return (moment - start).total_seconds() / 3600


def _last_clear_h(history: ClinicalSnapshot, state: EndState, before: datetime) -> float:
    """The last score without a rise before that moment."""
    raised = state.raised.effective if state.raised else None
    clear = [
        score.effective
        for score in history.nihss
        if score.total is not None and score.effective < before and (raised is None or score.effective < raised)
    ]
    return max((_hours(history, moment) for moment in clear), default=0.0)


def _end(history: ClinicalSnapshot, state: EndState) -> Outcome:
    """END by a charted rise, unless the scores before it have a gap."""
    if state.raised is None or state.last_clear is None:
        raise ValueError("END without a raised score")
    raised_h = _hours(history, state.raised.effective)
    followed_h = _followed_until(history, state, raised_h)
    if followed_h < raised_h:
        return _gap(followed_h, state)
    clear_h = _hours(history, state.last_clear.effective)
    return Outcome("end", f"charted rise ({state.how})", clear_h, raised_h, end_state=state)


def _competing(history: ClinicalSnapshot, state: EndState, first: Departure) -> Outcome:
    hour = _hours(history, first.at)
    followed_h = _followed_until(history, state, hour)
    if followed_h < hour and first.kind not in _DEATHS:
        return _gap(followed_h, state)
    reason = first.kind.replace("_", " ")
    if first.kind == "transfer":
        return Outcome("censored", reason, censored_h=hour, end_state=state)
    return Outcome("competing", reason, competing=first.kind, competing_h=hour, end_state=state)


def _no_event(history: ClinicalSnapshot, state: EndState) -> Outcome:
    """Nothing happened while the chart tells of the patient."""
    known_h = min(_hours(history, history.as_of), _HORIZON_H)
    followed_h = _followed_until(history, state, known_h)
    if followed_h < known_h:
        return _gap(followed_h, state)
    if known_h < _HORIZON_H:
        return Outcome("censored", "the chart ends", censored_h=max(known_h, 0.0), end_state=state)
    return Outcome("event_free", "followed to 168 h", end_state=state)


def _gap(followed_h: float, state: EndState) -> Outcome:
    return Outcome("censored", "gap in the NIHSS series", censored_h=followed_h, end_state=state)


def _followed_until(history: ClinicalSnapshot, state: EndState, until_h: float) -> float:
    """``until_h`` where the scores reach it without a gap, else the hour of the last adequate score."""
    limits = departure_table()["follow_up"]
    baseline_h = _hours(history, state.baseline.effective) if state.baseline else 0.0
    scored = sorted(_hours(history, score.effective) for score in history.nihss if score.total is not None)
    last, allowed = baseline_h, float(limits["first_score_within_h"])
    for hour in [hour for hour in scored if baseline_h < hour <= until_h]:
        if hour - last > allowed:
            return max(last, 0.0)
        last, allowed = hour, float(limits["largest_gap_h"])
    return until_h if until_h - last <= allowed else max(last, 0.0)


def landmarks(history: ClinicalSnapshot, outcome: Outcome, rng: np.random.Generator) -> tuple[datetime, ...]:
    """The moments of prediction of one stay, in order: fixed hours and a few random ones.

    Each lies after arrival and before the watch is over: no END is charted, nothing has competed
    and the follow-up goes on.
    """
    if history.stay is None or outcome.kind == "no_label":
        return ()
    table = departure_table()["landmarks"]
    low, high = table["random_between_h"]
    drawn = rng.uniform(low, high, size=int(table["random"])).tolist()
    hours = sorted({*map(float, table["hours"]), *(round(hour, 2) for hour in drawn)})
    return tuple(history.stay.t0 + timedelta(hours=hour) for hour in hours if hour < outcome.watched_until_h)
