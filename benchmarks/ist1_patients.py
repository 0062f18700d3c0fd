"""The patients of the IST benchmark: who counts, what is known at randomization, what happened when.

The outcome is "severe early worsening" through day 7. Only the columns named here and in the
feature list are read from the file.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.ist1_features import SHAPES, Column, Features, Floats, columns_of

HOSPITAL = "HOSPNUM"
EXCLUSIONS = ("DDIAGHA", "DNOSTRK")  # hemorrhage, no stroke
STROKE_DEATHS = (1, 2, 3)  # initial stroke, fatal recurrent ischemic or unknown, fatal recurrent hemorrhagic
RECURRENCES = {"DRSISC": "DRSISCD", "DRSH": "DRSHD", "DRSUNK": "DRSUNKD"}  # flag: day after randomization
DEATH_CAUSE, DEATH_DAY = "DDEADC", "DDEADD"
OUTCOME = (DEATH_CAUSE, DEATH_DAY, *RECURRENCES, *RECURRENCES.values())
LAST_DAY = 7

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Patients:
    """B patients."""

    hospitals: NDArray[np.str_]  # [B]
    columns: tuple[Column, ...]
    values: Floats  # [B, F], NaN where unobserved
    day: Floats  # [B] day of the first severe early worsening, NaN without
    other_death: Bools  # [B] died of another cause through day 7, without the outcome

    def __len__(self) -> int:
        return len(self.day)

    @property
    def event(self) -> Bools:
        """Who had the outcome [B]."""
        return ~np.isnan(self.day)

    def where(self, keep: Bools) -> "Patients":
        """The patients that are kept."""
        return Patients(self.hospitals[keep], self.columns, self.values[keep], self.day[keep], self.other_death[keep])

    def shaped(self, shape: str) -> "Patients":
        """The same patients with the columns of one shape of `SHAPES`."""
        kept = SHAPES[: SHAPES.index(shape) + 1]
        places = [place for place, column in enumerate(self.columns) if column.shape in kept]
        columns = tuple(self.columns[place] for place in places)
        return Patients(self.hospitals, columns, self.values[:, places], self.day, self.other_death)


def read_patients(path: Path, features: Features) -> Patients:
    """The patients of a CSV after exclusions; ``ValueError`` names the columns it lacks or a bad value."""
    names = [HOSPITAL, *EXCLUSIONS, *OUTCOME, *(predictor.name for predictor in features.predictors)]
    header = pd.read_csv(path, nrows=0).columns
    if absent := [name for name in names if name not in header]:
        raise ValueError(f"{path.name} lacks the columns {', '.join(absent)}")
    chart = pd.read_csv(path, usecols=names, dtype=str)
    chart = chart[(chart[list(EXCLUSIONS)] != "Y").all(axis=1)]
    columns, values = columns_of(chart, features)
    day, death = event_days(chart), _days(chart, DEATH_DAY)
    other_death = np.isnan(day) & (death <= LAST_DAY)
    return Patients(chart[HOSPITAL].to_numpy(dtype=np.str_), columns, values, day, other_death)


def event_days(chart: pd.DataFrame) -> Floats:
    """The day [B] of the first severe early worsening through day 7, NaN without.

    A death or a recurrence without a day has none.
    """
    of_stroke = pd.to_numeric(chart[DEATH_CAUSE]).isin(STROKE_DEATHS).to_numpy()
    days = [np.where(of_stroke, _days(chart, DEATH_DAY), np.inf)]
    days += [np.where((chart[flag] == "Y").to_numpy(), _days(chart, day), np.inf) for flag, day in RECURRENCES.items()]
    first = np.fmin.reduce(days)  # the earliest, whatever is NaN
    return np.where(first <= LAST_DAY, first, np.nan)


def _days(chart: pd.DataFrame, name: str) -> Floats:
    return np.asarray(pd.to_numeric(chart[name]), dtype=np.float64)


def refuse_shared_hospitals(train: Patients, held_out: Patients) -> None:
    """Nothing; ``ValueError`` where a hospital has patients in both."""
    if shared := sorted(set(train.hospitals.tolist()) & set(held_out.hospitals.tolist())):
        raise ValueError(f"{len(shared)} hospitals are in both files, the first is {shared[0]}")


def refuse_too_little(patients: Patients, hospitals: int) -> None:
    """Nothing; ``ValueError`` with fewer hospitals, or with an outcome that does not vary."""
    if (found := len(np.unique(patients.hospitals))) < hospitals:
        raise ValueError(f"{found} hospitals: at least {hospitals} are needed")
    if (events := int(patients.event.sum())) in (0, len(patients)):
        raise ValueError(f"{events} of {len(patients)} patients have the outcome: there is nothing to tell apart")
