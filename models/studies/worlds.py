"""The study of one world, top to bottom: sets, oracles, methods, documents; it goes on where it was interrupted."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from models.encode import fastest_device, load_encoder, read_identity, sha256_of
from models.evaluation.document import About, evaluation, write_evaluation
from models.evaluation.metrics import auc
from models.evaluation.plan import Plan
from models.evaluation.report_html import write_report
from models.evaluation.rows import Scored
from models.notes import Readers
from models.reader import DEFAULT_READER, IDENTITY, MANIFEST, load_reader
from models.simulation.phrasebook import phrases_sha256
from models.simulation.world import load_world
from models.studies.held import HeldSet, kept
from models.studies.oracles import oracle_answers
from models.studies.protocol import run_protocol
from models.studies.scoring import answers, methods
from models.studies.sets import STUDY, SetPlan, Study, made, read_study
from models.training.stages import Stage, quiet
from models.training.table import stacked_tables
from models.workers import shared

STATEMENT = (
    "Every figure here is on simulated patients of world {world}: it says how the methods compare inside the "
    "simulation, and nothing about real patients. The oracles are approximate: the best of several flexible "
    "models on {rows} simulated rows."
)
"""What opens each document of a study."""

PROTOCOL_STATEMENT = (
    "Spread of test AUCs over simulated cohorts of the paper's size in world {world}, as deviations from each "
    "method's own mean. Simulated patients: neither level nor spread says anything about real ones."
)


@dataclass(frozen=True)
class WorldRun:
    """One world's study as it goes: its sets, where its files are, how it tells its progress."""

    world: str
    study: Study
    out: Path
    stage: Stage
    train: HeldSet
    tests: Mapping[str, HeldSet]


def run_world(world: str, out: Path, stage: Stage, *, config: Path = STUDY, processes: int = 1) -> dict[str, Any]:
    """The study of a world in the folder ``out``; its summary is returned and written as ``summary.json``.

    Documents: ``<size> stays, <phrasing> phrases/evaluation.json`` and ``report.html``. ``ValueError``
    where the folder holds a study of other settings.
    """
    torch.set_num_threads(1)
    study = read_study(config)
    _same_study(out, _identity(world, config))
    run = _with_sets(world, study, out, stage, processes)
    oracles = oracle_answers(world, study, run.tests, out / "oracles", stage, processes=processes)
    if processes > 1:
        _fit_side_by_side(run, config, processes)
    summary = {
        "statement": _statement(run), "world": world, "config_sha256": _identity(world, config),
        "by_size": [_size(run, size, oracles) for size in study.train_sizes],
    }  # fmt: skip
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    return summary


def _identity(world: str, config: Path) -> str:
    reader = sha256_of(DEFAULT_READER / MANIFEST)
    told = f"{config.read_text('utf-8')}\n{load_world(world).sha256}\n{phrases_sha256()}\n{reader}"
    return hashlib.sha256(told.encode()).hexdigest()


def _same_study(out: Path, identity: str) -> None:
    """Nothing, where the folder is new or of this study."""
    mark = out / "study.sha256"
    if mark.is_file() and mark.read_text("utf-8") != identity:
        raise ValueError(f"{out} holds a study of other settings; name another folder")
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text(identity, "utf-8")


def _with_sets(world: str, study: Study, out: Path, stage: Stage, processes: int = 1) -> WorldRun:
    @cache
    def readers() -> Readers:
        """Loaded once, and only where a set has to be made."""
        return Readers(load_reader(device=fastest_device()), load_encoder(read_identity(DEFAULT_READER / IDENTITY)))

    def held(name: str, plan: SetPlan) -> HeldSet:
        """A set, made where it is not there."""
        stage(f"Set: {name}")
        return kept(out / "sets" / name, lambda: made(plan, study, readers(), stage, processes))

    train = held("train", SetPlan(world, study.train_seed, study.train_patients, "training", latent=False))
    tests = {
        str(phrasing): held(
            f"test {phrasing}", SetPlan(world, study.test_seed, study.test_patients, phrasing, latent=True)
        )
        for phrasing in study.phrasings
    }
    return WorldRun(world, study, out, stage, train, tests)


@dataclass(frozen=True)
class _Fit:
    """Which training set of which study a process trains all methods on."""

    world: str
    config: Path
    out: Path
    size: int
    number: int


def _fit_side_by_side(run: WorldRun, config: Path, processes: int) -> None:
    """Train all methods on every training set, the largest first; what they answer is then on disk."""
    done = run.stage("Methods")
    jobs = [
        _Fit(run.world, config, run.out, size, number)
        for size in sorted(run.study.train_sizes, reverse=True)
        for number in range(_replicates(run.study, size))
    ]
    for count, _ in enumerate(shared(_fit, jobs, processes), 1):
        done(count, len(jobs))


def _fit(job: _Fit) -> None:
    torch.set_num_threads(1)  # processes share the cores
    _trained(_on_disk(job.world, job.config, job.out), job.size, job.number)


@cache
def _on_disk(world: str, config: Path, out: Path) -> WorldRun:
    """A study whose sets are there."""
    return _with_sets(world, read_study(config), out, quiet)


def _replicates(study: Study, size: int) -> int:
    return study.replicates if size == min(study.train_sizes) else 1


def _size(run: WorldRun, size: int, oracles: Mapping[str, list[Scored]]) -> dict[str, Any]:
    """All methods trained on ``size`` stays: the documents of the first training set, AUCs of all of them."""
    replicates = _replicates(run.study, size)
    done = run.stage(f"Methods: {size} stays")
    found: list[dict[str, list[Scored]]] = []
    for number in range(replicates):
        found.append(_trained(run, size, number))
        done(number + 1, replicates)
    for phrasing, held in run.tests.items():
        _document(run, size, phrasing, held, [*found[0][phrasing], *oracles[phrasing]])
    areas = {phrasing: [_areas(held, one[phrasing]) for one in found] for phrasing, held in run.tests.items()}
    of_oracles = {phrasing: _areas(held, oracles[phrasing]) for phrasing, held in run.tests.items()}
    return {"stays": size, "replicates": replicates, "auc": areas, "oracles": of_oracles}


def _trained(run: WorldRun, size: int, number: int) -> dict[str, list[Scored]]:
    """The answers of every method, by phrasing of the test."""
    training, folder = run.study.training, run.out / "risks" / f"{size}-{number:02d}"
    train = run.train.first_stays(number * size, size)
    tables = {phrasing: held.table for phrasing, held in run.tests.items()}
    given = [
        answers(method, train, tables, training.design, seed=number, kept=folder)
        for method in methods(training.fit, training.alert_budget).items()
    ]
    return {phrasing: [one[phrasing] for one in given] for phrasing in tables}


def _areas(held: HeldSet, models: list[Scored]) -> dict[str, dict[str, float | None]]:
    """AUC by method and landmark, on rows with a known outcome; rows of all landmarks under "all"."""
    rows = held.rows
    chosen = {"all": rows.known()} | {f"{hour:g}": rows.known() & rows.at(hour) for hour in _hours(held)}
    return {
        model.name: {name: auc(rows.outcome[keep], model.risks[keep]) for name, keep in chosen.items()}
        for model in models
    }


def _hours(held: HeldSet) -> Iterator[float]:
    yield from sorted({round(hour, 3) for hour in held.rows.hours.tolist()})


def _document(run: WorldRun, size: int, phrasing: str, held: HeldSet, models: list[Scored]) -> None:
    folder = run.out / f"{size} stays, {phrasing} phrases"
    if (folder / "report.html").is_file():
        return
    about = About(
        statement=_statement(run),
        training_population="simulated",
        config_sha256=(run.out / "study.sha256").read_text("utf-8"),
        lost=held.lost,
        title=f"World {run.world}: {size} training stays, {phrasing} phrases",
    )
    plan = Plan(landmarks_h=run.study.landmarks_h)
    document = evaluation(held.rows, models, about, plan, run.stage(f"Figures: {size} stays, {phrasing} phrases"))
    folder.mkdir(parents=True, exist_ok=True)
    write_evaluation(folder / "evaluation.json", document)
    write_report(folder / "report.html", document)


def _statement(run: WorldRun) -> str:
    rows = json.loads((run.out / "oracles" / "observed.json").read_text("utf-8"))["rows"]
    return STATEMENT.format(world=run.world.upper(), rows=f"{rows:,}")


def run_protocol_of(world: str, out: Path, stage: Stage, config: Path = STUDY) -> dict[str, Any]:
    """The paper's protocol on the training and test sets of a world's study, which is begun where there is none.

    The table of the spread is returned and written as ``protocol.json``.
    """
    torch.set_num_threads(1)
    study = read_study(config)
    _same_study(out, _identity(world, config))
    run, training = _with_sets(world, study, out, stage), study.training
    pool = stacked_tables([run.train.table, run.tests["training"].table])
    found = run_protocol(
        pool, training.design, methods(training.fit, training.alert_budget), out / "protocol",
        progress=stage("Cohorts of the paper's size"),
    )  # fmt: skip
    found |= {"statement": PROTOCOL_STATEMENT.format(world=world.upper())}
    (out / "protocol.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return found
