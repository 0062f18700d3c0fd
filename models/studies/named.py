"""The studies by the names that `endwatch study` knows, each run to its table."""

from pathlib import Path

from models.studies.hospital import run_hospital
from models.studies.hospital_figures import hospital_table
from models.studies.tables import protocol_table, world_table
from models.studies.worlds import run_protocol_of, run_world
from models.training.stages import Stage


def run_study(name: str, world: str, out: Path, stage: Stage, *, processes: int = 1) -> str:
    """The table of a study in the folder ``out``: "world", "protocol", "hospital"; ``ValueError`` for another name."""
    if name == "world":
        return world_table(run_world(world, out, stage, processes=processes))
    if name == "protocol":
        return protocol_table(run_protocol_of(world, out, stage))
    if name == "hospital":
        return hospital_table(run_hospital(world, out, stage))
    raise ValueError(f"there is no study {name!r}; known: world, protocol, hospital")
