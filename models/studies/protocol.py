"""The paper's protocol at its size, many times: how far the figures of one such study scatter.

No level of the paper stands here, and ours are shown only as deviations from each method's own mean:
the simulation's effects are not those of real patients.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from models.comparators import Comparator
from models.design import Design
from models.evaluation.metrics import auc
from models.notes import Progress
from models.training.table import Table

CONFIG = Path(__file__).parent / "configs" / "protocol.toml"


@dataclass(frozen=True)
class Protocol:
    """The settings of ``configs/protocol.toml``."""

    patients: int
    source: str
    cohorts: int
    seed: int
    landmark_h: float
    occlusion_term: str
    complete: tuple[str, ...]
    splits: Mapping[str, float]


def read_protocol(path: Path = CONFIG) -> Protocol:
    """The protocol of a TOML file."""
    raw = tomllib.loads(path.read_text("utf-8"))
    splits = {row["name"]: float(row["test_share"]) for row in raw.pop("split")}
    return Protocol(**raw | {"complete": tuple(raw["complete"]), "splits": splits})


def included(table: Table, design: Design, protocol: Protocol) -> Table:
    """The rows that the paper would have included: at admission, an occlusion read, nothing missing, outcome known."""
    terms = [term.id for term in design.terms]
    keep = np.abs(table.targets.start.numpy() - protocol.landmark_h) < 1e-3
    keep &= table.findings[:, terms.index(protocol.occlusion_term)].numpy() > 0
    for name in protocol.complete:
        keep &= table.observed[:, design.features.index(name)].numpy() > 0
    keep &= ~np.isnan(table.outcomes())
    return table.where(keep.tolist())


def one_cohort(
    pool: Table, design: Design, methods: Mapping[str, Comparator], protocol: Protocol, number: int
) -> Iterator[dict[str, Any]]:
    """The training and test AUC of each method in one cohort of the paper's size, by split.

    ``beyond`` is the AUC on all rows of the pool outside the cohort: what a large test would have said.
    """
    rng = np.random.default_rng([protocol.seed, number])
    chosen = rng.choice(len(pool), protocol.patients, replace=False)
    outside = np.setdiff1d(np.arange(len(pool)), chosen)
    outcome = pool.outcomes()[chosen]
    for split, share in protocol.splits.items():
        train, test = train_test_split(chosen, test_size=share, stratify=outcome, random_state=number)
        tables = {name: _rows(pool, places) for name, places in
                  {"train": train, "test": test, "beyond": outside}.items()}  # fmt: skip
        for name, method in methods.items():
            fitted = method(tables["train"], design, number)
            areas = {which: auc(table.outcomes(), fitted.risks(table)) for which, table in tables.items()}
            yield {"cohort": number, "split": split, "method": name, **areas}


def _rows(pool: Table, places: NDArray[np.intp]) -> Table:
    keep = np.zeros(len(pool), dtype=bool)
    keep[places] = True
    return pool.where(keep.tolist())


def run_protocol(
    pool: Table,
    design: Design,
    methods: Mapping[str, Comparator],
    kept: Path,
    *,
    progress: Progress | None = None,
    protocol: Protocol | None = None,
) -> dict[str, Any]:
    """All cohorts, each kept on disk when done; the table of their spread. ``ValueError`` on a pool too small."""
    protocol = protocol or read_protocol()
    rows = included(pool, design, protocol)
    if len(rows) < 2 * protocol.patients:
        raise ValueError(f"the pool has {len(rows)} rows as included; {2 * protocol.patients} are needed")
    kept.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for number in range(1, protocol.cohorts + 1):
        path = kept / f"cohort-{number:02d}.json"
        if not path.is_file():
            path.write_text(json.dumps(list(one_cohort(rows, design, methods, protocol, number))), "utf-8")
        found += json.loads(path.read_text("utf-8"))
        if progress:
            progress(number, protocol.cohorts)
    return {"patients": protocol.patients, "cohorts": protocol.cohorts, "pool": len(rows), "spread": spread(found)}


def spread(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """By split and method: SD and 95 % range of the test AUC about the method's own mean, and the gaps."""
    keys = dict.fromkeys((one["split"], one["method"]) for one in found)
    return [_spread(split, method, [one for one in found if (one["split"], one["method"]) == (split, method)])
            for split, method in keys]  # fmt: skip


def _spread(split: str, method: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    train, test, beyond = (np.array([one[which] for one in rows]) for which in ("train", "test", "beyond"))
    low, high = np.quantile(test - test.mean(), [0.025, 0.975])
    return {
        "split": split, "method": method, "cohorts": len(rows), "sd": float(test.std(ddof=1)),
        "low": float(low), "high": float(high), "train_test_gap": float((train - test).mean()),
        "test_error_sd": float((test - beyond).std(ddof=1)), "sd_of_a_large_test": float(beyond.std(ddof=1)),
    }  # fmt: skip
