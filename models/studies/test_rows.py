"""The rows of a cohort as the statistics read them."""

from collections.abc import Sequence

import numpy as np

from models.comparators.columns import feature_column
from models.design import Design
from models.evaluation.groups import schedules_of, subgroup_features, subgroups_of
from models.evaluation.rows import EndKind, Floats, TestRows
from models.net import EDGES_H
from models.simulation.told import Told
from models.training.cohort import patient_of
from models.training.labels import Outcome
from models.training.stays import Cohort, StayRecord

_ENDED: dict[str, EndKind] = {
    "end": "end", "competing": "competing", "censored": "censored", "event_free": "event_free",
}  # fmt: skip


def rows_for_statistics(cohort: Cohort, design: Design, truth: Sequence[Told] | None = None) -> TestRows:
    """The cohort's rows with outcome, subgroups, NIHSS series and ends of follow-up.

    With the truth of simulated patients come the true event and the schedules. An event that happened
    before the moment of a row, yet uncharted, leaves the row without a true outcome (NaN).
    """
    table = cohort.table
    hours, outcome = table.targets.start.double().numpy().round(6), table.outcomes()
    raised = np.where(outcome == 1, table.targets.until.double().numpy(), np.nan)
    records = {record.stay: record for record in cohort.stays}
    groups = subgroups_of({name: feature_column(table, design, name) for name in subgroup_features()})
    event = None
    if truth is not None:
        told = {one.patient: one for one in truth}
        of_rows = [told[patient_of(stay)] for stay in table.stays]
        event = _event(of_rows, hours)
        groups |= schedules_of([one.schedule for one in of_rows])
    kept = set(table.stays)
    return TestRows(
        stays=table.stays,
        hours=hours,
        outcome=outcome,
        raised_h=raised,
        event=event,
        groups=groups,
        series={stay: record.scores for stay, record in records.items() if stay in kept},
        ends={stay: _end(record) for stay, record in records.items() if stay in kept},
    )


def _event(truths: Sequence[Told], hours: Floats) -> Floats:
    at = np.array([np.inf if one.end_event_hours is None else one.end_event_hours for one in truths])
    return np.where(at < hours, np.nan, (at <= EDGES_H[-1]).astype(float))


def _end(record: StayRecord) -> tuple[EndKind, float]:
    outcome: Outcome = record.outcome
    return _ENDED[outcome.kind], outcome.watched_until_h
