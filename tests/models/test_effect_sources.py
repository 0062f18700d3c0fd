"""Where a reason's effect comes from: the simulator's own list of effects, and nothing else."""

import json
import tomllib
from pathlib import Path

import pytest

from cds_service.cards.reasons import LONGEST_SOURCE
from models.artifact import DEFAULT_ARTIFACT

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "models/training/configs"
CALLED = {"nihss": "nihss_baseline", "diastolic_bp": "diastolic_bp_first", "heart_rate": "heart_rate_first"}
"""Effects of the world whose input of the model has another name."""


def sources(population: str) -> dict[str, str]:
    """The named sources of a population."""
    return tomllib.loads((CONFIGS / f"effect_sources_{population}.toml").read_text("utf-8"))["sources"]


def test_every_effect_of_the_world_is_named_and_nothing_else():
    """An assumption is called one; what follows a study names it."""
    world = tomllib.loads((ROOT / "models/simulation/worlds/a.toml").read_text("utf-8"))
    given = {CALLED.get(one["on"], one["on"]): one["source"] for one in world["effect"]}
    named = sources("simulated")
    assert given.keys() == named.keys()
    assumed = {name for name, source in given.items() if source.startswith("assumption")}
    assert assumed == {name for name, source in named.items() if source == "assumed in the simulation"}
    assert [] == [name for name in given.keys() - assumed if given[name].split()[0] not in named[name]]


def test_each_name_is_an_input_of_the_shipped_model():
    """A source under a name that no input has would never be shown."""
    design = json.loads((DEFAULT_ARTIFACT / "net.json").read_text("utf-8"))["design"]
    assert sources("simulated").keys() <= {*design["features"], *(term["id"] for term in design["terms"])}


def test_the_shipped_model_has_them():
    """Byte for byte."""
    held = (DEFAULT_ARTIFACT / "effect_sources.toml").read_bytes()
    assert (CONFIGS / "effect_sources_simulated.toml").read_bytes() == held


@pytest.mark.parametrize("population", ["simulated", "local"])
def test_a_card_has_room_for_every_source(population: str):
    """Cut off, a source would lose its study or its unit."""
    held = tomllib.loads((CONFIGS / f"effect_sources_{population}.toml").read_text("utf-8"))
    assert [] == [one for one in (held["otherwise"], *held["sources"].values()) if len(one) > LONGEST_SOURCE]


def test_a_local_model_claims_nothing_of_the_simulation():
    """Its effects were learned from the hospital's patients alone."""
    held = tomllib.loads((CONFIGS / "effect_sources_local.toml").read_text("utf-8"))
    assert ({}, "learned from local patients") == (held["sources"], held["otherwise"])
