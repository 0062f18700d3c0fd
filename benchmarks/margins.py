"""NIHSS and age of simulated patients beside those of real admissions (SOOP, OpenNeuro ds004889, CC0).

``python -m benchmarks.margins --participants participants.tsv --out margins.svg`` draws them. They need not
agree: the simulation follows the cohorts that its config names, most of them of another country and of
stronger selection (MCA strokes without thrombectomy); the plot shows how far apart they are.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.simulation.checks import nihss_and_age
from models.simulation.world import load_world

Floats = NDArray[np.float64]

STROKE = "acuteischaemicstroke"
OLDEST = 90.0
"""Ages above 89 stand as "89+" in the file."""


def real(path: Path) -> tuple[Floats, Floats]:
    """NIHSS and age of the acute ischemic strokes that have them; ``ValueError`` where the columns are others."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or {"nihss", "age", STROKE} - rows[0].keys():
        raise ValueError(f"{path.name} has no columns nihss, age and {STROKE}")
    strokes = [row for row in rows if row[STROKE] == "1"]
    return np.array([*_numbers(strokes, "nihss")]), np.array([*_numbers(strokes, "age")])


def _numbers(rows: list[dict[str, str]], name: str) -> Iterator[float]:
    for row in rows:
        if row[name] and row[name] != "n/a":
            yield OLDEST if row[name].endswith("+") else float(row[name])


def told(name: str, simulated: Floats, observed: Floats) -> dict[str, Any]:
    """Quartiles of both."""
    points = (0.25, 0.5, 0.75)
    return {
        "variable": name, "simulated": np.quantile(simulated, points).round(1).tolist(),
        "real": np.quantile(observed, points).round(1).tolist(), "real_n": len(observed),
    }  # fmt: skip


def drawn(figure: Figure, pairs: dict[str, tuple[Floats, Floats]]) -> None:
    """Two panels of histograms, as shares of patients."""
    axes = figure.subplots(1, len(pairs))
    for one, (name, (simulated, observed)) in zip(axes, pairs.items(), strict=True):
        step = 2 if name == "NIHSS" else 5
        bins = np.arange(0, max(simulated.max(), observed.max()) + step, step)
        for values, label, color in ((observed, f"real (SOOP, n = {len(observed)})", "#0072b2"),
                                     (simulated, f"simulated (n = {len(simulated):,})", "#c04a00")):  # fmt: skip
            shares = np.full(len(values), 100 / len(values))
            one.hist(values, bins, weights=shares, histtype="step", linewidth=1.8, label=label, color=color)
        one.set(xlabel=name + (" at arrival" if name == "NIHSS" else ", years"), ylabel="% of patients")
        one.spines[["top", "right"]].set_visible(False)
        one.legend(frameon=False, fontsize=8)


@click.command()
@click.option("--participants", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--world", default="a", show_default=True)
@click.option("--patients", default=10_000, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="An .svg or .png file.")
def main(participants: Path, world: str, patients: int, out: Path) -> None:
    """Draw both distributions and print their quartiles."""
    (nihss, age), (real_nihss, real_age) = nihss_and_age(load_world(world), patients, 1), real(participants)
    pairs = {"NIHSS": (nihss, real_nihss), "age": (age, real_age)}
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    drawn(figure, pairs)
    figure.savefig(out, dpi=110)
    for name, (simulated, observed) in pairs.items():
        click.echo(told(name, simulated, observed))


if __name__ == "__main__":
    main()
