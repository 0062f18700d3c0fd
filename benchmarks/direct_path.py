"""The direct path against FHIR: are the rows of 1,000 stays of each world equal, and what does a row cost?"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from fhir_mappings.features import load_features
from models.simulation.cohort import draw_charts, simulate
from models.simulation.direct import Plan, part_of
from models.simulation.direct_rows import direct_rows
from models.simulation.population import draw_people
from models.simulation.world import known_worlds, load_world
from models.training.cohort import read_charts
from models.training.dataset import rows_of
from models.training.train import read_config

STAYS, SEED = 1000, 20260316
HOURS = (1.0, 6.0, 24.0, 48.0, 72.0)
TIMED = 1500

_CONFIG = Path(__file__).parents[1] / "models" / "training" / "configs" / "demo.toml"


def direct_path() -> dict[str, Any]:
    """Stays that differ, by world, and the CPU milliseconds of a row with and without reading the text."""
    return {
        "stays": STAYS,
        "differing": {name: _differing(name) for name in known_worlds()},
        "write_s_for_1000": _writing_s(),
        "ms_per_row": {"text read": _row_ms(read_text=True), "stated only": _row_ms(read_text=False)},
    }


def _differing(name: str) -> int:
    """Stays of a world whose rows, targets, outcome, scores or losses differ."""
    features, rng = load_features(), np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        simulate(STAYS, SEED, name, Path(folder))
        pairs = zip(draw_charts(load_world(name), STAYS, SEED), read_charts(Path(folder)), strict=True)
        count = 0
        for chart, raw in pairs:
            hours = (*HOURS, float(rng.uniform(0.25, 120)))
            count += rows_of(raw, features, hours=hours) != (direct_rows(chart, features, hours),)
    return count


def _writing_s() -> float:
    """CPU seconds of writing 1,000 patients of world A as FHIR."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        simulate(1000, SEED, "a", Path(folder))
        return round(time.process_time() - begun, 2)


def _row_ms(*, read_text: bool) -> float:
    """CPU milliseconds a row, drawing the stays and their truth included; the first stays warm up."""
    world, design = load_world("a"), read_config(_CONFIG).design
    plan = Plan(world, SEED, design, load_features(), HOURS, "training", read_text, latent=False)
    people = list(draw_people(world, TIMED, SEED))
    part_of(plan, people[: TIMED // 3])
    begun = time.process_time()
    part = part_of(plan, people[TIMED // 3 :])
    return round((time.process_time() - begun) / len(part.stays) * 1000, 2)
