"""An artifact evaluated on a cohort in FHIR: `endwatch evaluate`, for a hospital's own patients too."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from fhir_mappings.site import DEFAULT_SITE, Site
from models.artifact import DEFAULT_ARTIFACT, Artifact, read_artifact
from models.comparators import COMPARATORS
from models.encode import load_encoder
from models.evaluation.document import SIMULATED, About, evaluation, write_evaluation
from models.evaluation.plan import Plan
from models.evaluation.report_html import write_report
from models.evaluation.rows import Scored
from models.notes import Readers
from models.reader import load_reader
from models.simulation.told import read_told
from models.studies.scoring import thresholds_of
from models.studies.test_rows import rows_for_statistics
from models.training.bands import thresholds_of as thresholds_at
from models.training.dataset import build_cohort
from models.training.figures import LOCAL, cohort_of, risks_of
from models.training.figures import SIMULATED as SIMULATED_STATEMENT
from models.training.split import Part, check_split, part_of
from models.training.stages import Stage
from models.training.stays import Cohort
from models.training.table import Table

LEARNED_FROM: tuple[Part, ...] = ("train",)
"""The parts of the artifact's own cohort that its opponents learn from."""


def evaluate_artifact(
    artifact: Path | None,
    data: Path,
    out: Path,
    stage: Stage,
    *,
    site: Site = DEFAULT_SITE,
    plan: Plan | None = None,
) -> dict[str, Any]:
    """``evaluation.json`` and ``report.html`` in the folder ``out``; the document is returned too.

    Of the cohort it was trained on only the test split counts, beside opponents that learn from the
    artifact's training stays; of any other one, all of it, and the artifact stands alone.
    Raises `CohortError` where the cohort cannot be evaluated, `ArtifactError` where the artifact cannot be read.
    """
    torch.set_num_threads(1)
    plan = plan or Plan()
    held = read_artifact(artifact or DEFAULT_ARTIFACT)
    same = held.manifest["cohort"] == cohort_of(data)
    readers = Readers(load_reader(held.folder), load_encoder(held.encoder) if same else None)
    cohort = build_cohort(
        data, held.design, held.features, readers, stage("Reading charts"), site=site, hours=plan.landmarks_h,
        sentences=stage("Reading sentences"),
    )  # fmt: skip
    tested, models = _scored(held, cohort, stage("Opponents"), same=same)
    rows = rows_for_statistics(tested, held.design, read_told(data))
    document = evaluation(rows, models, _about(held, data, tested), plan, stage("Figures"))
    out.mkdir(parents=True, exist_ok=True)
    write_evaluation(out / "evaluation.json", document)
    write_report(out / "report.html", document)
    return document


def _scored(
    held: Artifact, cohort: Cohort, told: Callable[[int, int], None], *, same: bool
) -> tuple[Cohort, list[Scored]]:
    """What is tested, and the answers to it: the artifact's first."""
    seed, table = int(held.manifest["fit"]["seed"]), cohort.table
    tested = _where(table, seed, ("test",)) if same else table
    own = thresholds_at(held.calibration.thresholds, tested.targets.start.double().numpy())
    models = [Scored(held.identity.name, risks_of(held.net, held.calibration.stages, tested), thresholds=own)]
    if same:
        train = _where(table, seed, LEARNED_FROM)
        check_split({"train": train.stays, "test": tested.stays})
        for done, (name, comparator) in enumerate(COMPARATORS.items(), 1):
            fitted = comparator(train, held.design, seed)
            models.append(Scored(name, fitted.risks(tested), thresholds=thresholds_of(fitted, train, tested)))
            told(done, len(COMPARATORS))
    return Cohort(tested, cohort.stays, cohort.lost), models


def _where(table: Table, seed: int, parts: tuple[Part, ...]) -> Table:
    return table.where([part_of(stay, seed) in parts for stay in table.stays])


def _about(held: Artifact, data: Path, tested: Cohort) -> About:
    simulated = held.identity.training_population == SIMULATED or bool(cohort_of(data))
    config = json.dumps({"artifact": dict(held.manifest), "cohort": dict(cohort_of(data))}, sort_keys=True)
    return About(
        statement=SIMULATED_STATEMENT if simulated else LOCAL,
        training_population=held.identity.training_population,
        config_sha256=hashlib.sha256(config.encode()).hexdigest(),
        lost=tested.lost,
        title=f"Evaluation of {held.identity.name}",
    )
