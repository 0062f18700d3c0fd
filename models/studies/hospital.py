"""The methods at a hospital's size, many times: cohorts drawn from a world's training patients, one large test set.

Cohorts come from the same patients and share some: `models.studies.compared.over_cohorts` says how the
intervals count that, the scatter between cohorts, and the test set that all of them share.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.comparators import Comparator
from models.design import Design
from models.evaluation.rows import Scored
from models.notes import Progress
from models.studies.compared import Compared, common
from models.studies.held import HeldSet
from models.studies.hospital_figures import Areas, Cohorts, Oracles, figures
from models.studies.on_disk import world_folder
from models.studies.scoring import answers, methods
from models.studies.sets import read_study
from models.training.stages import Stage
from models.training.table import Table

CONFIG = Path(__file__).parent / "configs" / "hospital.toml"
DOCUMENT = "hospital.json"

STATEMENT = (
    "Every figure here is on simulated patients of world {world}: methods trained on {cohorts} cohorts of {stays} "
    "stays, asked about one test set. It says how they compare in the simulation, and nothing about real patients."
)


@dataclass(frozen=True)
class Hospital:
    """The settings of ``configs/hospital.toml``."""

    title: str
    stays: int
    source: str
    cohorts: int
    seed: int
    phrasings: tuple[str, ...]
    draws: int
    method: str
    without_reports: str
    opponents: tuple[str, ...]

    def chosen(self, known: Mapping[str, Comparator]) -> dict[str, Comparator]:
        """The methods to train; ``ValueError`` naming the first that is not known."""
        names = (self.method, self.without_reports, *self.opponents)
        if lacking := [name for name in names if name not in known]:
            raise ValueError(f"no method is named {lacking[0]!r}; known: {', '.join(known)}")
        return {name: known[name] for name in names}


def read_hospital(path: Path = CONFIG) -> Hospital:
    """The settings of a TOML file; a missing or unknown field raises ``KeyError`` or ``TypeError``."""
    raw = tomllib.loads(path.read_text("utf-8"))
    return Hospital(**raw | {name: tuple(raw[name]) for name in ("phrasings", "opponents")})


@dataclass(frozen=True)
class HospitalRun:
    """What is trained on the rows of ``train``, and asked about ``tests``; answers lie in ``kept``."""

    plan: Hospital
    methods: Mapping[str, Comparator]
    design: Design
    train: Table
    tests: Mapping[str, HeldSet]
    kept: Path

    def answers(self, number: int, stays: frozenset[str]) -> dict[str, dict[str, Scored]]:
        """The answers of each method trained on one cohort, by phrasing of the test."""
        rows = self.train.where([stay in stays for stay in self.train.stays])
        tables, folder = {name: held.table for name, held in self.tests.items()}, self.kept / f"cohort-{number:02d}"
        return {
            name: answers((name, method), rows, tables, self.design, seed=number, kept=folder)
            for name, method in self.methods.items()
        }


def run_hospital(
    world: str, out: Path, stage: Stage, *, known: Mapping[str, Comparator] | None = None, config: Path = CONFIG
) -> dict[str, Any]:
    """The comparison in the folder of a world's study: returned, and written as ``hospital.json``.

    Answers are kept in ``hospital``, cohort by cohort: an interrupted run goes on. ``ValueError`` where the
    world's sets or oracles are not there, a method is not ``known``, or the folder holds cohorts of other settings.
    """
    torch.set_num_threads(1)
    plan, folder, settings = read_hospital(config), world_folder(out, world), read_study().training
    chosen = plan.chosen(known or methods(settings.fit, settings.alert_budget))
    identity = _same_cohorts(out / "hospital", f"{config.read_text('utf-8')}\n{folder.identity}")
    tests = {phrasing: folder.held(f"test {phrasing}") for phrasing in plan.phrasings}
    run = HospitalRun(plan, chosen, settings.design, folder.held("train").table, tests, out / "hospital")
    oracles = {phrasing: folder.oracles(phrasing) for phrasing in plan.phrasings}
    cohorts = cohorts_of(run.train.stays, plan)
    found = {
        "statement": STATEMENT.format(world=world.upper(), cohorts=plan.cohorts, stays=plan.stays),
        "world": world, "config_sha256": identity, "cohorts": plan.cohorts, "stays": plan.stays,
        "by_phrasing": _by_phrasing(run, cohorts, oracles, stage(f"Cohorts of {plan.stays} stays")),
    }  # fmt: skip
    (out / DOCUMENT).write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", "utf-8")
    return found


def _same_cohorts(kept: Path, settings: str) -> str:
    """The sha256 of the settings, where the folder is new or of these."""
    identity, mark = hashlib.sha256(settings.encode()).hexdigest(), kept / "cohorts.sha256"
    if mark.is_file() and mark.read_text("utf-8") != identity:
        raise ValueError(f"{kept} holds cohorts of other settings; remove it or name another folder")
    kept.mkdir(parents=True, exist_ok=True)
    mark.write_text(identity, "utf-8")
    return identity


def cohorts_of(stays: Sequence[str], plan: Hospital) -> list[frozenset[str]]:
    """The stays of each cohort, drawn without replacement within it; ``ValueError`` where there are too few."""
    every = list(dict.fromkeys(stays))
    if len(every) < plan.stays:
        raise ValueError(f"the training set holds {len(every)} stays where {plan.stays} are asked")
    rngs = [np.random.default_rng([plan.seed, number]) for number in range(1, plan.cohorts + 1)]
    return [frozenset(every[place] for place in rng.choice(len(every), plan.stays, replace=False)) for rng in rngs]


def _by_phrasing(
    run: HospitalRun, cohorts: Sequence[frozenset[str]], oracles: Mapping[str, Oracles], told: Progress
) -> dict[str, Any]:
    compared = {name: Compared(held.rows, run.plan.draws, run.plan.seed) for name, held in run.tests.items()}
    areas: dict[str, list[Areas]] = {name: [] for name in compared}
    for number, stays in enumerate(cohorts, 1):
        given = run.answers(number, stays)
        for name, test in compared.items():
            areas[name].append({method: test.area(one[name]) for method, one in given.items()})
        told(number, len(cohorts))
    overlap, held = common(cohorts), run.plan
    return {
        name: figures(Cohorts(test, areas[name], overlap, held.seed), oracles[name], held.method, held.without_reports)
        for name, test in compared.items()
    }
