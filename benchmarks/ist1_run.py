"""The whole IST benchmark: folds of whole hospitals, a held-out file, sensitivity analyses, what is said with them."""

import hashlib
import os
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.ist1_features import ALLOCATION, FEATURES, PREDICTORS, Floats, read_features
from benchmarks.ist1_methods import METHODS, Plan, Setting, hospital_folds, splits, tuned
from benchmarks.ist1_patients import Patients, read_patients, refuse_shared_hospitals, refuse_too_little
from benchmarks.ist1_statistics import figures

Settings = Mapping[str, list[Setting]]  # of each method, one a fold
Found = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One method trained on some patients and asked about others; tuned first where no setting is given."""

    method: str
    train: Patients
    test: Patients
    plan: Plan
    setting: Setting | None = None


@dataclass(frozen=True)
class Answer:
    """The risks of the tested patients and the setting that was used."""

    risks: Floats
    setting: Setting


def read_plan(path: Path = FEATURES) -> Plan:
    """Folds, seed, draws and grids of a feature list's file."""
    raw = tomllib.loads(path.read_text("utf-8"))
    return Plan(**raw["plan"], fixed=raw["fixed"], grid=raw["grid"])


def benchmark(train: Path, held_out: Path | None, plan: Plan, features: Path = FEATURES, workers: int = 1) -> Found:
    """All of ``results.json``; ``ValueError`` says why there is none."""
    listed = read_features(features)
    patients = read_patients(train, listed)
    refuse_too_little(patients, 2 * plan.outer_folds)
    others = None if held_out is None else _held_out(held_out, patients, features)
    fold = hospital_folds(patients, plan.outer_folds, plan.seed)
    cv, settings = _grouped_cv(patients, fold, plan, workers)
    results = {"grouped_cv": cv}
    said = {"grouped_cv": _counts(patients) | {"settings": settings}}
    if others is not None:
        found = _answers([Task(method, patients, others, plan) for method in METHODS], workers)
        results["held_out"] = _figures(others, {one: a.risks for one, a in zip(METHODS, found, strict=True)}, plan)
        chosen = {one: a.setting for one, a in zip(METHODS, found, strict=True)}
        said["held_out"] = _counts(others) | {"settings": chosen}
    allocated = read_patients(train, read_features(features, allocation=True))
    kept = ~patients.other_death
    said["sensitivity"] = {
        "other_early_deaths_left_out": _sensitivity(patients.where(kept), fold[kept], plan, workers, settings),
        "with_treatment_allocation": _sensitivity(allocated, fold, plan, workers, settings),
    }
    return results | {"about": _about(train, features, plan) | said}


def _held_out(path: Path, train: Patients, features: Path) -> Patients:
    others = read_patients(path, read_features(features))
    refuse_too_little(others, 2)
    refuse_shared_hospitals(train, others)
    return others


def _grouped_cv(
    patients: Patients, fold: NDArray[np.intp], plan: Plan, workers: int, settings: Settings | None = None
) -> tuple[Found, Settings]:
    """Figures of the risks from the folds without the patient's hospital; tuned where no settings are given."""
    tasks = [
        Task(method, patients.where(train), patients.where(test), plan, settings[method][place] if settings else None)
        for method in METHODS
        for place, (train, test) in enumerate(splits(fold))
    ]
    found = _answers(tasks, workers)
    risks = {method: np.zeros(len(patients)) for method in METHODS}
    used: dict[str, list[Setting]] = {method: [] for method in METHODS}
    for task, one in zip(tasks, found, strict=True):
        risks[task.method][fold == len(used[task.method])] = one.risks
        used[task.method].append(one.setting)
    return _figures(patients, risks, plan), used


def _sensitivity(patients: Patients, fold: NDArray[np.intp], plan: Plan, workers: int, settings: Settings) -> Found:
    """The same folds and settings on other patients or columns."""
    return _counts(patients) | _grouped_cv(patients, fold, plan, workers, settings)[0]


def _answers(tasks: Sequence[Task], workers: int) -> list[Answer]:
    """The answers in the tasks' order."""
    if workers == 1:
        return [answer(task) for task in tasks]
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes share the cores, not their threads
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(answer, tasks))


def answer(task: Task) -> Answer:
    """What a task asks for; says on the error stream what was chosen and how long it took."""
    torch.set_num_threads(1)
    begun = time.process_time()
    setting = task.setting or tuned(task.method, task.train, task.plan)
    risks = METHODS[task.method](task.train, setting, task.plan.seed)(task.test)
    print(f"{task.method} {dict(setting)} {time.process_time() - begun:.0f} s", file=sys.stderr, flush=True)
    return Answer(risks, setting)


def _figures(patients: Patients, risks: Mapping[str, Floats], plan: Plan) -> Found:
    return figures(patients, risks, draws=plan.draws, seed=plan.seed)


def _counts(patients: Patients) -> Found:
    return {
        "n": len(patients),
        "events": int(patients.event.sum()),
        "hospitals": len(np.unique(patients.hospitals)),
        "other_early_deaths": int(patients.other_death.sum()),
    }


def _about(train: Path, features: Path, plan: Plan) -> Found:
    """What must be said with the figures, and what they were made from."""
    said: Found = tomllib.loads(features.read_text("utf-8"))["about"]
    return said | {
        "predictors": list(PREDICTORS),
        "predictors_of_with_treatment_allocation": [*PREDICTORS, *ALLOCATION],
        "seed": plan.seed,
        "draws": plan.draws,
        "features_sha256": hashlib.sha256(features.read_bytes()).hexdigest(),
        "train_sha256": hashlib.sha256(train.read_bytes()).hexdigest(),
    }
