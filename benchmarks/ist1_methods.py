"""The three methods of the IST benchmark, each tuned in folds of whole hospitals inside its training rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import ParameterGrid, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.ist1_features import Floats
from benchmarks.ist1_patients import LAST_DAY, Patients
from models.likelihood import Targets
from models.net import EDGES_H
from models.training.figures import risks_of
from models.training.fit import FitSettings, fit
from models.training.table import Table

DAY_H = EDGES_H[-1] / LAST_DAY

Setting = Mapping[str, Any]
Risks = Callable[[Patients], Floats]


@dataclass(frozen=True)
class Plan:
    """Folds, seed, draws and grids, from the feature list's file."""

    seed: int
    outer_folds: int
    inner_folds: int
    draws: int
    fixed: Mapping[str, Setting]
    grid: Mapping[str, Mapping[str, list[Any]]]

    def settings(self, method: str) -> list[Setting]:
        """Every setting of a method's grid."""
        return [dict(self.fixed[method]) | point for point in ParameterGrid(dict(self.grid[method]))]


def endwatch(train: Patients, setting: Setting, seed: int) -> Risks:
    """The structured branch of the network: numbers, flags and their absence; no findings, no text.

    What it tunes itself it tunes in folds of whole hospitals, which stand in for stays.
    """
    others = {name: value for name, value in setting.items() if name != "shape"}
    settings = FitSettings(seed=seed, axes=0, dropped=0.0, **others)
    found = fit(table_of_patients(train.shaped(setting["shape"])), (), settings)

    def risks(patients: Patients) -> Floats:
        return risks_of(found.net, (), table_of_patients(patients.shaped(setting["shape"])))

    return risks


def table_of_patients(patients: Patients) -> Table:
    """The patients as the network's rows: every one starts at hour 0, without findings and without text."""
    rows = len(patients)
    seen, nothing = ~np.isnan(patients.values), torch.zeros(rows, 0)
    return Table(
        stays=tuple(patients.hospitals.tolist()),
        values=torch.from_numpy(np.where(seen, patients.values, 0.0)).float(),
        observed=torch.from_numpy(seen).float(),
        findings=nothing,
        joined=nothing,
        note=nothing,
        pooled=nothing,
        has_note=torch.zeros(rows),
        targets=targets_of_days(patients.day),
        is_flag=torch.tensor([column.flag for column in patients.columns]),
        modalities=torch.zeros(0, len(patients.columns)),
    )


def targets_of_days(day: Floats) -> Targets:
    """Days as intervals of hours after randomization.

    A day is a difference of dates, so day d lies between (d - 1) and (d + 1) times 24 h; day 7
    ends with the horizon. Without an event the patient is free of it through the horizon.
    """
    event = ~np.isnan(day)
    after = np.where(event, np.clip((day - 1) * DAY_H, 0, None), 0.0)
    until = np.where(event, np.clip((day + 1) * DAY_H, None, EDGES_H[-1]), EDGES_H[-1])
    return Targets(
        torch.zeros(len(day)), torch.from_numpy(after).float(), torch.from_numpy(until).float(), torch.from_numpy(event)
    )


def logistic_regression(train: Patients, setting: Setting, seed: int) -> Risks:
    """Ridge logistic regression on standardized linear columns, medians and an indicator where unobserved."""
    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        LogisticRegression(random_state=seed, **setting),
    )
    return _fitted(model, train)


def gradient_boosting(train: Patients, setting: Setting, seed: int) -> Risks:
    """Boosted trees on the linear columns; unobserved values find their own side of a split."""
    return _fitted(HistGradientBoostingClassifier(random_state=seed, **setting), train)


def _fitted(model: Any, train: Patients) -> Risks:
    model.fit(train.shaped("linear").values, train.event)
    return lambda patients: model.predict_proba(patients.shaped("linear").values)[:, 1]


METHODS: Mapping[str, Callable[[Patients, Setting, int], Risks]] = {
    "endwatch": endwatch,
    "logistic_regression": logistic_regression,
    "gradient_boosting": gradient_boosting,
}


def hospital_folds(patients: Patients, folds: int, seed: int) -> NDArray[np.intp]:
    """The fold of each patient [B]: whole hospitals, with about as many events in each."""
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold = np.zeros(len(patients), dtype=np.intp)
    for place, (_, rows) in enumerate(splitter.split(patients.values, patients.event, patients.hospitals)):
        fold[rows] = place
    return fold


def tuned(method: str, train: Patients, plan: Plan) -> Setting:
    """The setting of the grid with the lowest log loss over inner folds of whole hospitals."""
    fold = hospital_folds(train, plan.inner_folds, plan.seed)
    settings = plan.settings(method)
    losses = [log_loss(train.event, _out_of_fold(method, setting, train, fold, plan.seed)) for setting in settings]
    return settings[int(np.argmin(losses))]


def _out_of_fold(method: str, setting: Setting, patients: Patients, fold: NDArray[np.intp], seed: int) -> Floats:
    risks = np.zeros(len(patients))
    for train, test in splits(fold):
        risks[test] = METHODS[method](patients.where(train), setting, seed)(patients.where(test))
    return risks


def splits(fold: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """For each fold who is in training and who is tested."""
    for place in range(int(fold.max()) + 1):
        yield fold != place, fold == place
