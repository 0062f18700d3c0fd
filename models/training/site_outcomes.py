"""A site's own recalibration: what followed the calls that it showed, as one more stage on top of the training's."""

import csv
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from models.artifact import FILES, Artifact, read_artifact, read_json, write_json
from models.calibrate import Calibration, Floats, Pairs, Recalibration, calibration_as_json
from models.errors import ArtifactError
from models.predictor import Predictor, golden_risks
from models.reader import load_reader
from models.seal import seal
from models.training.bands import band_figures, thresholds_of
from models.training.recalibrate import fit_recalibration, followed
from models.training.report import write_documents

COLUMNS = ("stay", "hours", "risk", "end")
"""Of the file of outcomes: whose stay, hours after arrival of the call, the shown risk, END by 168 h (1 or 0)."""

FEWEST_EACH = 20
"""Stays with END, and stays without, below which nothing is fitted (assumption)."""

FEWEST_FOR_SLOPE = 100
"""Stays with END from which the slope is fitted too, not only the level (assumption; Van Calster 2016 asks for 200)."""


class OutcomesError(ValueError):
    """Why a file of outcomes cannot be used, with the line and column."""


@dataclass(frozen=True)
class Outcomes:
    """What followed B calls."""

    stays: tuple[str, ...]
    hours: Floats
    risks: Floats
    ended: Floats


def read_outcomes(path: Path) -> Outcomes:
    """The outcomes of a CSV with the columns `COLUMNS`; `OutcomesError` names line and column."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if lacking := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise OutcomesError(f"{path.name} lacks the column {lacking[0]!r}; it needs {', '.join(COLUMNS)}")
        rows = list(_rows(path.name, reader))
    stays = tuple(stay for stay, *_ in rows)
    hours, risks, ended = (np.array([row[place] for row in rows], dtype=np.float64) for place in (1, 2, 3))
    _refuse_too_few(path.name, stays, ended)
    return Outcomes(stays, hours, risks, ended)


def _rows(name: str, rows: "csv.DictReader[str]") -> Iterator[tuple[str, float, float, float]]:
    for line, row in enumerate(rows, 2):

        def read(column: str, low: float, high: float, row: Mapping[str, str | None] = row, line: int = line) -> float:
            text = (row[column] or "").strip()
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if not low <= value <= high:
                raise OutcomesError(f"{name}, line {line}: {column} must lie in {low:g} to {high:g}, not {text!r}")
            return value

        stay, end = (row["stay"] or "").strip(), read("end", 0, 1)
        if not stay or end not in (0, 1):
            raise OutcomesError(f"{name}, line {line}: {'end is 1 or 0' if stay else 'stay is empty'}")
        yield stay, read("hours", 0, 168), read("risk", 0, 1), end


def _refuse_too_few(name: str, stays: Sequence[str], ended: Floats) -> None:
    with_end = {stay for stay, end in zip(stays, ended.tolist(), strict=True) if end}
    for what, count in (("with END", len(with_end)), ("without", len(set(stays) - with_end))):
        if count < FEWEST_EACH:
            raise OutcomesError(f"{name}: {count} stays {what}, where {FEWEST_EACH} are needed")


def recalibrate(artifact: Path, outcomes: Path, out: Path) -> Calibration:
    """The artifact recalibrated to the site, written to the new folder ``out``.

    ``outcomes`` holds risks that this very artifact gave. `OutcomesError`, or `ArtifactError` where the
    artifact cannot be read or ``out`` is there already.
    """
    held, followed_by = read_artifact(artifact), read_outcomes(outcomes)
    if out.exists():
        raise ArtifactError(f"{out} is there already; name a new folder")
    calibration = at_site(held.calibration, followed_by)
    shutil.copytree(artifact, out)
    _rewrite(out, held, calibration)
    return calibration


def at_site(calibration: Calibration, outcomes: Outcomes) -> Calibration:
    """The calibration with the site's stage on top.

    Thresholds move with the risks, so that the same calls are flagged as before; their figures are the site's.
    The comparator is moved in the same way, though it is a mean (approximation).
    """
    stage = site_stage(outcomes)
    bands = _moved(calibration.thresholds, stage)
    risks = stretched(outcomes.risks, outcomes.hours, stage)
    figures = band_figures(risks, thresholds_of(bands, outcomes.hours), outcomes.ended, outcomes.stays)
    return replace(
        calibration, stages=(*calibration.stages, stage), thresholds=bands,
        comparator=_moved(calibration.comparator, stage), figures=figures,
    )  # fmt: skip


def site_stage(outcomes: Outcomes) -> Recalibration:
    """One intercept for all hours, and one slope where enough stays had END.

    `OutcomesError` where END did not come more often at higher risks: no stretching mends that.
    """
    with_end = len({stay for stay, end in zip(outcomes.stays, outcomes.ended.tolist(), strict=True) if end})
    rows = followed(*(torch.from_numpy(one) for one in (outcomes.risks, outcomes.hours, outcomes.ended == 1)))
    stage = fit_recalibration(rows, "this site's calls", knots=(0.0,), slope=with_end >= FEWEST_FOR_SLOPE)
    if stage.slopes[0] <= 0:
        raise OutcomesError("END did not come more often where the shown risk was higher: nothing can be recalibrated")
    return stage


def stretched(risks: Floats, hours: Floats, stage: Recalibration) -> Floats:
    """Shown risks [B] after one more stage."""
    start = torch.from_numpy(hours)
    left = followed(torch.from_numpy(risks), start, torch.zeros(len(risks), dtype=torch.bool)).log_left
    return np.asarray(-torch.expm1(-torch.exp(stage(left, start))).numpy())


def _moved(pairs: Pairs, stage: Recalibration) -> Pairs:
    hours, values = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    return tuple(zip(hours.tolist(), stretched(values, hours, stage).tolist(), strict=True))


def _rewrite(out: Path, held: Artifact, calibration: Calibration) -> None:
    """The copied folder with its new calibration, and what follows from that."""
    write_json(out / "net.json", read_json(out / "net.json") | {"version": f"{held.identity.version}+site"})
    write_json(out / "calibration.json", calibration_as_json(calibration))
    write_documents(out)
    seal(out, FILES)
    fresh = read_artifact(out)
    write_json(out / "golden.json", golden_risks(Predictor(fresh, load_reader(out)), fresh))
    seal(out, FILES)
