"""The goals of an artifact, computed from the studies of its network and written into its folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.artifact import DEFAULT_ARTIFACT, FILES, read_artifact, read_json, write_json
from models.evaluation.goal_rows import Found, Key
from models.evaluation.goals import Goal, goals_table
from models.evaluation.rows import Flags, Floats, TestRows
from models.seal import seal
from models.studies.goals_of import measured, of_ist1, of_joined, of_reader
from models.training.report import write_documents
from models.training.site_outcomes import Outcomes, site_stage, stretched

WORLDS = ("a", "b", "c", "d", "e")
READING, IST1 = "reading.json", "ist1.json"
SEALED, HELD_OUT = "sealed", "held-out"


def write_goals(runs: Path, artifact: Path | None = None) -> str:
    """The goals measured in the folder ``runs``, written into the artifact's evaluation.json and model card.

    ``runs`` holds a folder a world (``a`` to ``e``: `endwatch study world`, `endwatch study hospital`), and where
    they were run ``reading.json`` (`benchmarks.reading`) and ``ist1.json`` (`benchmarks.ist1`). The table is
    returned. `ArtifactError` where the artifact cannot be read, ``ValueError`` where a study is not whole.
    """
    folder = read_artifact(artifact or DEFAULT_ARTIFACT).folder
    goals = goals_in(runs)
    write_json(
        folder / "evaluation.json",
        read_json(folder / "evaluation.json") | {"goals": [one.as_json() for one in goals]},
    )
    write_documents(folder)
    seal(folder, FILES)
    return goals_table([one.as_json() for one in goals])


def goals_in(runs: Path) -> tuple[Goal, ...]:
    """Every goal, from what lies in the folder; what was not measured says so."""
    worlds = {world: runs / world for world in WORLDS if (runs / world).is_dir()}
    others: dict[Key, Found] = of_ist1(runs / IST1) if (runs / IST1).is_file() else {}
    if (runs / READING).is_file():
        others |= _of_reading(json.loads((runs / READING).read_text("utf-8")))
    return measured(worlds, others, recalibrate=recalibrated_at_site)


def _of_reading(found: Mapping[str, Any]) -> dict[Key, Found]:
    shas = (found["reader_sha256"], found["sentences_sha256"])
    areas = {name: one["auc"] for name, one in found["reports"][HELD_OUT].items() if one["auc"]["value"] is not None}
    return of_reader(areas, shas) | of_joined(found["hand_written"][SEALED]["gain"], shas)


def recalibrated_at_site(rows: TestRows, risks: Floats, learned: Flags) -> Floats:
    """All risks [B], recalibrated by what happened to the rows learned from, as `endwatch recalibrate` does."""
    known = learned & rows.known()
    stays = tuple(np.asarray(rows.stays)[known].tolist())
    stage = site_stage(Outcomes(stays, rows.hours[known], risks[known], rows.outcome[known]))
    return stretched(risks, rows.hours, stage)


def shown_goals(artifact: Path | None) -> str:
    """The table of the goals that the artifact carries."""
    return goals_table(read_artifact(artifact or DEFAULT_ARTIFACT).evaluation.get("goals") or [])
