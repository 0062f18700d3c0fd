"""A world's study as it lies on disk: sets, answers of oracles and of methods, for what is computed afterwards."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from models.evaluation.rows import Scored
from models.studies.held import HeldSet, kept
from models.studies.oracle_rows import NAMES, Kind
from models.studies.scoring import read_answer


@dataclass(frozen=True)
class WorldFolder:
    """The folder of `models.studies.worlds.run_world`; ``identity`` is the sha256 of its settings."""

    path: Path
    world: str
    identity: str

    def held(self, name: str) -> HeldSet:
        """The set "train" or "test <phrasing>"; ``ValueError`` where the study has not made it."""
        return kept(self.path / "sets" / name, lambda: self._lacks(f"sets/{name}"))

    def oracles(self, phrasing: str) -> Mapping[Kind, Scored]:
        """The answers of the oracles with reports and without them."""
        kinds: tuple[Kind, ...] = ("observed", "structured")
        return {kind: self._answer(f"oracles/{kind} on {phrasing}.safetensors", NAMES[kind]) for kind in kinds}

    def method(self, name: str, stays: int, phrasing: str) -> Scored:
        """The answers of a method trained on the first set of so many stays."""
        return self._answer(f"risks/{stays}-00/{name} on {phrasing}.safetensors", name)

    def _answer(self, file: str, name: str) -> Scored:
        return read_answer(self.path / file, name) if (self.path / file).is_file() else self._lacks(file)

    def _lacks(self, what: str) -> NoReturn:
        raise ValueError(f"{self.path} lacks {what}: run `endwatch study world --world {self.world}` there first")


def world_folder(path: Path, world: str) -> WorldFolder:
    """The folder of a world's study; ``ValueError`` where there is none, or one of another world."""
    folder = WorldFolder(path, world, _identity(path))
    summary = path / "summary.json"
    if summary.is_file() and (said := json.loads(summary.read_text("utf-8"))["world"]) != world:
        raise ValueError(f"{path} holds a study of world {said}, not of {world}")
    return folder


def _identity(path: Path) -> str:
    mark = path / "study.sha256"
    if not mark.is_file():
        raise ValueError(f"{path} holds no study of a world")
    return mark.read_text("utf-8")
