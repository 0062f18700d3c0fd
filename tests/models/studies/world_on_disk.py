"""A world's study on disk, made of numbers whose answers are known; no patient is simulated for it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from models.evaluation.rows import Floats, TestRows
from models.studies.held import HeldSet, kept
from models.studies.scoring import write_answer
from models.training.table import Table
from tests.models.trained import table

HOURS = (1.0, 6.0, 24.0, 48.0, 72.0)

_SHARED = ("is_flag", "modalities")  # the members of a table that are not of single rows


def logistic(eta: Floats) -> Floats:
    """The probability of a log-odds."""
    return np.asarray(1 / (1 + np.exp(-eta)))


def evenly(risk: Floats) -> Floats:
    """Outcomes that hold to their risks as evenly as whole numbers can: END wherever the risks add up to one more."""
    order = np.argsort(risk)
    steps = np.floor(np.cumsum(risk[order]))
    outcome = np.empty(len(risk))
    outcome[order] = np.diff(steps, prepend=0.0)
    return outcome


def rows_of(stays: tuple[str, ...], hours: Floats, outcome: Floats) -> TestRows:
    """Rows for the statistics, without subgroups."""
    every = dict(zip(stays, outcome.tolist(), strict=True))
    return TestRows(
        stays, hours, outcome, np.where(outcome == 1, 100.0, np.nan), None, {},
        dict.fromkeys(every, ((0.5, 9.0),)),
        {stay: ("end" if end == 1 else "event_free", 100.0) for stay, end in every.items()},
    )  # fmt: skip


def held_of(rows: Table) -> HeldSet:
    """A table as a set of a study."""
    outcome = rows.outcomes()
    return HeldSet(
        rows, rows.findings, rows.findings, rows_of(rows.stays, rows.targets.start.double().numpy(), outcome), {}
    )


def write_world(folder: Path, world: str, sets: Mapping[str, HeldSet], answers: Mapping[str, Floats]) -> Path:
    """The folder of a study: sets by name, answers by file ("oracles/observed on held-out")."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.sha256").write_text("5" * 64, "utf-8")
    (folder / "summary.json").write_text(json.dumps({"world": world}), "utf-8")
    for name, held in sets.items():
        kept(folder / "sets" / name, lambda held=held: held)
    for file, risks in answers.items():
        path = folder / f"{file}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_answer(path, risks, None)
    return folder


def known_world(folder: Path, world: str, method: Mapping[str, Floats], stays: int = 1500) -> Path:
    """A study of 10,000 stays in held-out phrases whose oracle is the truth, with these answers of methods."""
    rows = known_rows(stays)
    same = _repeated(table(10), rows.stays)
    held = HeldSet(same, same.findings, same.findings, rows, {})
    answers = {
        "oracles/observed on held-out": at_hours(known_risks(stays)[0]),
        "oracles/structured on held-out": at_hours(known_risks(stays)[1]),
    }
    answers |= {f"risks/10000-00/{name} on held-out": risks for name, risks in method.items()}
    return write_world(folder, world, {"test held-out": held}, answers)


def _repeated(rows: Table, stays: tuple[str, ...]) -> Table:
    """The first row again for each of the stays: nothing reads its numbers."""
    places = torch.zeros(len(stays), dtype=torch.long)
    columns = {
        name: column[places] for name, column in vars(rows).items() if torch.is_tensor(column) and name not in _SHARED
    }
    targets = type(rows.targets)(*(column[places] for column in vars(rows.targets).values()))
    return replace(rows, **columns | {"stays": stays, "targets": targets})


def known_risks(stays: int = 1500) -> tuple[Floats, Floats]:
    """The true risk of each stay, from structured values and text, and that from structured values alone."""
    rng = np.random.default_rng(11)
    structured, text = rng.normal(-0.8, 1.0, stays), rng.normal(0.0, 1.0, stays)
    return logistic(structured + text), logistic(structured)


def at_hours(risk: Floats) -> Floats:
    """The same at each hour."""
    return np.repeat(risk, len(HOURS))


def known_rows(stays: int = 1500) -> TestRows:
    """The rows of the known world, outcomes as even as their true risks allow."""
    names = tuple(f"s{number:05d}" for number in range(stays) for _ in HOURS)
    return rows_of(names, np.tile(HOURS, stays), at_hours(evenly(known_risks(stays)[0])))


def quiet(_title: str):
    """No progress is shown."""
    return lambda _done, _total: None


class ByValues:
    """A method that needs no training: the true log-odds of `tests.models.trained.table`, with or without findings."""

    def __init__(self, place: int, *, findings: bool, noise: float = 0.0, seed: int = 0) -> None:
        self.place, self.findings, self.noise, self.seed = place, findings, noise, seed

    def risks(self, rows: Table) -> Floats:
        """A rising function of the NIHSS, and of the first finding."""
        eta = 0.16 * (rows.values[:, self.place] - 10) + 1.5 * rows.findings[:, 0] * self.findings
        eta = eta.double().numpy() + self.noise * np.random.default_rng(self.seed).normal(size=len(rows))
        return torch.sigmoid(torch.from_numpy(eta)).numpy()
