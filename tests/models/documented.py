"""Made-up files of an artifact, as its pages for people read them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.artifact import write_json
from models.calibrate import Calibration, Recalibration, calibration_as_json
from models.encode import EncoderIdentity


def figure(value: float | None, half: float = 0.05) -> dict[str, Any]:
    """A figure with an interval around it; none without a value."""
    return {"value": value, "interval_95": None if value is None else [value - half, value + half]}


def figures(auc: float) -> dict[str, Any]:
    """The figures of one set of rows."""
    held = {"auc": figure(auc), "brier": figure(0.161), "calibration_slope": figure(0.917)}
    return {"stays": 546, "rows": 5011, "end_rows": 1456, "censored_rows_left_out": 150, **held}


EVALUATION: dict[str, Any] = {
    "statement": "All figures are on simulated patients.",
    "target": "END from as_of to 168 h after arrival",
    "intervals": "95 %, bootstrap over stays",
    "all_rows": figures(0.797),
    "by_landmark_hour": {"1": figures(0.674), "24": figures(0.763)},
    "counts": {"train": {"stays": 1462, "rows": 13090}, "test": {"stays": 568, "rows": 5161}},
}
MANIFEST: dict[str, Any] = {
    "name": "end-made-up-1",
    "version": "1",
    "training_population": "simulated",
    "cohort": {"world": "a", "patients": 3000},
    "fit": {"seed": 1, "heads": 5},
    "reach": {"sd": 6.0, "distance": 13.25},
}
CALIBRATION = Calibration(
    stages=(Recalibration((1.0, 24.0), (-0.13, 0.02), (0.989, 1.01), "held-out folds", 4000, 900),),
    alert_budget=25.0,
    thresholds=((1.0, 0.378), (24.0, 0.291)),
    comparator=((0.0, 0.3), (24.0, 0.2)),
    figures={"flagged_per_100": 25.4, "rows": 900, "ppv": figure(0.61)},
)
ENCODER = EncoderIdentity("made-up encoder", 384, "ab" * 32, "cd" * 32)
READER: dict[str, Any] = {
    "names": ["occlusion"] * 30,
    "adapter": {"rank": 8, "targets": ["query", "value"]},
    "weights_sha256": "5a" * 32,
}


def written(folder: Path, evaluation: dict[str, Any]) -> Path:
    """The folder with the files that the pages are made from."""
    folder.mkdir()
    files = {"net": MANIFEST, "evaluation": evaluation, "calibration": calibration_as_json(CALIBRATION)}
    for name, held in (files | {"encoder": asdict(ENCODER), "reader": READER}).items():
        write_json(folder / f"{name}.json", held)
    return folder
