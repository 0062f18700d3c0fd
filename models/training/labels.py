"""What happened in a stay, by the charted END rule, and the hours at which it is asked for.

The decisions are the rows of ``labels.toml``; the first event counts, and hours are after ``t0``.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from fhir_mappings.chart import RawChart
from fhir_mappings.end_rule import HORIZON, EndState
from fhir_mappings.pipeline import History, history_from
from fhir_mappings.site import DEFAULT_SITE, Site
from fhir_mappings.snapshot import ClinicalSnapshot
from fhir_mappings.windows import instant
from models.training.cohort import latest_moment
from models.training.departures import Departure, departure_table, departures_from
from models.training.rises import Definition, Rise, Series, read_series

_HORIZON_H = HORIZON.total_seconds() / 3600
_DEATHS = ("neurological_death", "other_death")
_PROCEDURES = ("thrombectomy", "craniectomy")
_AN_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Outcome:
    """The label of one stay, in hours after ``t0``; of the three endings at most one is set.

    END lies in ``(last_clear_h, raised_h]``. ``row`` is the id of the decision in ``labels.toml``;
    ``end_state`` holds the rule's variants; ``charted_h`` is a charted rise that the decision does
    not count as END, but after which END is charted all the same.
    """

    kind: Literal["end", "competing", "censored", "event_free", "no_label"]
    reason: str
    last_clear_h: float | None = None
    raised_h: float | None = None
    competing: str | None = None
    competing_h: float | None = None
    censored_h: float | None = None
    end_state: EndState | None = None
    charted_h: float | None = None
    row: str = ""

    @property
    def watched_until_h(self) -> float:
        """The hour at which the watch for END was over, whatever ended it; 0 without a label."""
        if self.kind == "no_label":
            return 0.0
        hours = (self.charted_h, self.raised_h, self.competing_h, self.censored_h)
        return next((hour for hour in hours if hour is not None), _HORIZON_H)


@dataclass(frozen=True)
class LabelRule:
    """What counts as END where the analyses differ; the defaults are the primary one.

    ``procedure_within_h``: how long before a thrombectomy or craniectomy a rise may be charted.
    """

    rise: Definition = "rule"
    neurological_death: Literal["end", "competing"] = "end"
    procedure_within_h: float | None = None


PRIMARY = LabelRule()
SENSITIVITY: Mapping[str, LabelRule] = MappingProxyType({
    "sustained": LabelRule(rise="sustained"),
    "four_points": LabelRule(rise="four_points"),
    "against_lowest": LabelRule(rise="against_lowest"),
    "neurological_death_competes": LabelRule(neurological_death="competing"),
    "any_rise_before_procedure": LabelRule(procedure_within_h=_HORIZON_H),
})  # fmt: skip
"""The sensitivity labels of ``labels.toml``."""


@cache
def label_table() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """The rows of ``labels.toml`` by section and id."""
    sections = tomllib.loads((Path(__file__).parent / "labels.toml").read_text("utf-8"))
    return {name: {row["id"]: row for row in rows} for name, rows in sections.items()}


def label_chart(chart: RawChart, site: Site = DEFAULT_SITE) -> tuple[History, Outcome]:
    """The mapped history of a chart's last stay and its label, through the mapping functions of serving."""
    history = history_from(chart, latest_moment(chart), live=False, site=site)
    return history, outcome_of(history, departures_from(chart, history))


def earlier_stays(chart: RawChart, last: History, site: Site = DEFAULT_SITE) -> Iterator[tuple[History, Outcome]]:
    """The stays before the last one, newest first, each as the chart told of it when the next began."""
    history = last
    while history.stay and _begins_before(chart, history):
        history = history_from(chart, history.stay.t0 - _AN_INSTANT, live=False, site=site)
        if history.stay:
            yield history, outcome_of(history, departures_from(chart, history))


def _begins_before(chart: RawChart, history: History) -> bool:
    """True where an Encounter begins before the stay: most charts hold one stay and are mapped once."""
    periods = [raw.get("period") for raw in chart.resources.get("encounters", ())]
    starts = [instant(period.get("start")) for period in periods if isinstance(period, dict)]
    return any(start < history.stay.t0 for start in starts if start and history.stay)


def sensitivity_outcomes(history: ClinicalSnapshot, departures: Sequence[Departure] = ()) -> dict[str, Outcome]:
    """The label of one mapped history under each sensitivity analysis."""
    return {name: outcome_of(history, departures, rule) for name, rule in SENSITIVITY.items()}


def outcome_of(history: ClinicalSnapshot, departures: Sequence[Departure] = (), rule: LabelRule = PRIMARY) -> Outcome:
    """The label of one mapped history: the decisions of ``labels.toml``."""
    if history.stay is None:
        return _decided("no_stay")
    t0 = history.stay.t0
    series = read_series(history.nihss, t0, rule.rise)
    if series.state.baseline is None:
        return _decided("no_baseline", series, reason=series.state.no_baseline)
    ended = [one for one in sorted(departures, key=lambda one: one.at) if t0 <= one.at <= t0 + HORIZON]
    first = next(iter(ended), None)
    if series.rise and (first is None or series.rise.raised_h <= _hours(history, first)):
        return _risen(history, series, series.rise, first, rule)
    if first is None:
        return _no_event(history, series)
    return _departed(series, first, _hours(history, first), rule)


def _hours(history: ClinicalSnapshot, departure: Departure) -> float:
    start = history.stay.t0 if history.stay else departure.at
    return (departure.at - start).total_seconds() / 3600


def _decided(row: str, series: Series | None = None, *, reason: str | None = None, **hours: Any) -> Outcome:
    """The outcome that a decision of the table gives."""
    decision = label_table()["decision"][row]
    state = series.state if series else None
    return Outcome(decision["kind"], reason or decision["reason"], **hours, end_state=state, row=row)


def _risen(history: ClinicalSnapshot, series: Series, rise: Rise, first: Departure | None, rule: LabelRule) -> Outcome:
    """END by a charted rise, unless the scores before it have a gap or a procedure comes long after it."""
    if series.followed_until(rise.raised_h) < rise.raised_h:
        return _gap(series, rise.raised_h)
    hours: dict[str, Any] = {"last_clear_h": rise.clear_h, "raised_h": rise.raised_h}
    if first is None or first.kind not in _PROCEDURES:
        return _decided("rise", series, reason=f"charted rise ({rise.how})", **hours)
    at_h, within_h = _hours(history, first), rule.procedure_within_h
    if at_h - rise.raised_h <= (_procedure_within_h() if within_h is None else within_h):
        return _decided("rise_before_procedure", series, **hours)
    row = "rise_long_before_procedure"
    return _decided(row, series, competing=first.kind, competing_h=at_h, charted_h=rise.raised_h)


def _procedure_within_h() -> float:
    return float(departure_table()["procedures"]["rise_within_h"])


def _departed(series: Series, first: Departure, at_h: float, rule: LabelRule) -> Outcome:
    """What ended or overtook the watch before any rise; only a death is known across a gap."""
    if first.kind == "neurological_death" and rule.neurological_death == "end":
        return _decided(first.kind, series, last_clear_h=series.clear_before(at_h), raised_h=at_h)
    if series.followed_until(at_h) < at_h and first.kind not in _DEATHS:
        return _gap(series, at_h)
    if first.kind == "transfer":
        return _decided(first.kind, series, censored_h=at_h)
    if first.kind == "neurological_death":
        return _decided("other_death", series, reason="neurological death", competing=first.kind, competing_h=at_h)
    row = "procedure" if first.kind in _PROCEDURES else first.kind
    return _decided(row, series, competing=first.kind, competing_h=at_h)


def _no_event(history: ClinicalSnapshot, series: Series) -> Outcome:
    """Nothing happened while the chart tells of the patient."""
    known_h = min(history.hours_since_arrival or 0.0, _HORIZON_H)
    if series.followed_until(known_h) < known_h:
        return _gap(series, known_h)
    if known_h < _HORIZON_H:
        return _decided("chart_ends", series, censored_h=max(known_h, 0.0))
    return _decided("event_free", series)


def _gap(series: Series, until_h: float) -> Outcome:
    """Censored at the last adequate score: what came after the gap is not known."""
    last_h = series.followed_until(until_h)
    row = "no_follow_up" if last_h <= series.adequate_h[0] else "gap"
    return _decided(row, series, censored_h=max(last_h, 0.0))


def drawn_hours(rng: np.random.Generator) -> tuple[float, ...]:
    """The hours after arrival at which training asks of a stay, in order: the landmarks and a few random ones."""
    table = departure_table()["landmarks"]
    low, high = table["random_between_h"]
    drawn = rng.uniform(low, high, size=int(table["random"])).tolist()
    return tuple(sorted({*map(float, table["hours"]), *(round(hour, 2) for hour in drawn)}))


def refusal(outcome: Outcome, hour: float) -> str | None:
    """Why a labeled stay gives no row at that hour: the watch for END was over; None where it goes on."""
    if hour < outcome.watched_until_h:
        return None
    if outcome.kind == "end" or outcome.charted_h is not None:
        row = "outcome_precedes"
    else:
        row = "competing_precedes" if outcome.kind == "competing" else "beyond_follow_up"
    return str(label_table()["refusal"][row]["reason"])
