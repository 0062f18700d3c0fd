"""The goals of the network from what studies left on disk: worlds, cohorts of a hospital's size, reader, IST-1."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from models.evaluation.goal_rows import Found, Key, Measure, Measuring, Shas, judged, measuring, rows
from models.evaluation.goals import CALLED, Goal
from models.evaluation.measure import Measured
from models.evaluation.refuse import Figure
from models.evaluation.rows import Flags, Floats, Scored, TestRows
from models.studies.compared import Compared, less, share
from models.studies.hospital import DOCUMENT, read_hospital
from models.studies.on_disk import WorldFolder, world_folder

Recalibrate = Callable[[TestRows, Floats, Flags], Floats]
"""Risks of all rows, recalibrated by what happened to the flagged ones: rows, risks [B], flags [B] -> risks [B]."""


@dataclass(frozen=True)
class WorldFigures:
    """The figures of one world's study, each computed when it is asked for."""

    folder: WorldFolder
    plan: Measuring
    recalibrate: Recalibrate | None

    @cached_property
    def test(self) -> Compared:
        """The test set in the wording that no method has seen."""
        return Compared(self.folder.held(f"test {self.plan.phrasing}").rows, self.plan.draws, self.plan.seed)

    @cached_property
    def network(self) -> Scored:
        """The network's answers."""
        return self._method(read_hospital().method)

    def _method(self, name: str) -> Scored:
        return self.folder.method(name, self.plan.stays, self.plan.phrasing)

    @cached_property
    def oracles(self) -> Mapping[str, Measured]:
        """The AUCs of the oracles."""
        return {kind: self.test.area(one) for kind, one in self.folder.oracles(self.plan.phrasing).items()}

    @cached_property
    def gain(self) -> Measured:
        """The AUC that the network gains from reports."""
        without = self._method(read_hospital().without_reports)
        return less(self.test.area(self.network), self.test.area(without))

    def auc_lost(self) -> list[Measure]:
        """The AUC of O_obs less the network's."""
        return [self._whole(less(self.oracles["observed"], self.test.area(self.network)))]

    def share_by_text(self) -> list[Measure]:
        """The gain from reports over that of the oracle."""
        return [self._whole(share(self.gain, less(self.oracles["observed"], self.oracles["structured"])))]

    def gain_from_text(self) -> list[Measure]:
        """The gain from reports."""
        return [self._whole(self.gain)]

    def calibration(self) -> list[Measure]:
        """Slope, O:E and ICI at each landmark."""
        return list(self._calibration(self.network, np.ones(len(self.test.rows), dtype=bool)))

    def recalibrated(self) -> list[Measure]:
        """The same after recalibration on a part of the admissions, on the others."""
        if self.recalibrate is None:
            raise ValueError("nothing to recalibrate with")
        stays, rng = np.unique(self.test.rows.stays), np.random.default_rng(self.plan.seed)
        learned = rng.choice(stays, round(self.plan.recalibration_share * len(stays)), replace=False)
        flags = np.isin(self.test.rows.stays, learned)
        risks = self.recalibrate(self.test.rows, self.network.risks, flags)
        return list(self._calibration(Scored(self.network.name, risks), ~flags))

    def _whole(self, measured: Measured) -> Measure:
        return Measure(self.test.figure(measured))

    def _calibration(self, model: Scored, keep: Flags) -> Iterator[Measure]:
        for hour in self.plan.landmarks_h:
            held = self.test.answers(model, keep & self.test.rows.at(hour)).figures()
            yield from (Measure(held[metric], metric, f"{hour:g} h") for metric in CALLED)


FIGURES: Mapping[str, Callable[[WorldFigures], list[Measure]]] = {
    "auc lost": WorldFigures.auc_lost,
    "auc lost elsewhere": WorldFigures.auc_lost,
    "share by text": WorldFigures.share_by_text,
    "gain from text": WorldFigures.gain_from_text,
    "calibration": WorldFigures.calibration,
    "calibration after recalibration": WorldFigures.recalibrated,
}
"""How each goal of a world is computed."""


def of_world(world: str, path: Path, *, recalibrate: Recalibrate | None = None) -> dict[Key, Found]:
    """The goals of one world whose study lies in the folder; ``ValueError`` where something is not there.

    Without ``recalibrate`` the goal that needs it is not measured.
    """
    figures = WorldFigures(world_folder(path, world), measuring(), recalibrate)
    shas = (figures.folder.identity, figures.test.sha256)
    asked = [row.id for row in rows() if row.id in FIGURES and world in row.worlds]
    if recalibrate is None:
        asked = [id_ for id_ in asked if FIGURES[id_] is not WorldFigures.recalibrated]
    return {(id_, world): Found(FIGURES[id_](figures), shas) for id_ in asked}


def of_cohorts(world: str, path: Path) -> dict[Key, Found]:
    """The goals at a hospital's size, from the folder's ``hospital.json``; none where there is no such file."""
    file = path / DOCUMENT
    if not file.is_file():
        return {}
    document = json.loads(file.read_text("utf-8"))
    held = document["by_phrasing"][measuring().phrasing]
    figures = {f"cohorts: to {method}": figure for method, figure in held["gains"].items()}
    figures |= {"cohorts: share by text": held["share_by_text"]}
    return _goals_among(figures, world, (document["config_sha256"], held["test_set_sha256"]))


def of_ist1(file: Path) -> dict[Key, Found]:
    """The goals on real patients, from what `benchmarks.ist1` wrote."""
    document = json.loads(file.read_text("utf-8"))
    about, paired = document["about"], document["grouped_cv"]["paired"]
    counted = {name: about["grouped_cv"][name] for name in ("n", "events")}
    figures = {f"IST-1: {name}": figure | counted for name, figure in paired.items()}
    return _goals_among(figures, "", (about["features_sha256"], about["train_sha256"]))


def of_reader(areas: Mapping[str, Figure], shas: Shas) -> dict[Key, Found]:
    """The goals of the reader from its AUC for each finding."""
    grave = {name: areas[name] for name in measuring().grave_findings}
    ids = {"reader": areas, "reader: grave findings": grave}
    return {(id_, ""): Found([Measure(area, where=name) for name, area in of.items()], shas) for id_, of in ids.items()}


def of_joined(gain: Figure, shas: Shas) -> dict[Key, Found]:
    """The goal of the reader joined with the rules, from its paired difference to the rules alone."""
    return _goals_among({"reader with rules": gain}, "", shas)


def _goals_among(figures: Mapping[str, Figure], world: str, shas: Shas) -> dict[Key, Found]:
    wanted = {row.id for row in rows() if world in row.worlds}
    return {(id_, world): Found([Measure(figure)], shas) for id_, figure in figures.items() if id_ in wanted}


def measured(
    worlds: Mapping[str, Path], others: Mapping[Key, Found] | None = None, *, recalibrate: Recalibrate | None = None
) -> tuple[Goal, ...]:
    """Every goal in order, from the folders of the worlds' studies beside ``others`` (reader, rules, IST-1).

    What was not measured is said to be so, and is not met.
    """
    found = dict(others or {})
    for world, path in worlds.items():
        found |= of_world(world, path, recalibrate=recalibrate) | of_cohorts(world, path)
    return judged(found)
