"""Real patients: our structured branch beside logistic regression and gradient boosting on IST-1.

``python benchmarks/ist1.py --train IST.csv [--held-out OTHER.csv] --out results.json``

The outcome is "severe early worsening" (`benchmarks.ist1_patients`); the predictors are exactly
those known at randomization (`benchmarks.ist1_features`). The file is not part of the project:
International Stroke Trial database, doi:10.7488/ds/104, ODC-By.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # started as a file, the project's root is not on the path

from benchmarks.ist1_features import FEATURES
from benchmarks.ist1_run import benchmark, read_plan


def main() -> None:
    """Write the results, or say in one sentence why there are none."""
    parser = argparse.ArgumentParser(prog="ist1", description="IST-1: figures with hospital-clustered intervals")
    parser.add_argument("--train", type=Path, required=True, help="CSV to train on and to validate in grouped folds")
    parser.add_argument("--held-out", type=Path, help="CSV of other hospitals, scored by what all of --train taught")
    parser.add_argument("--out", type=Path, required=True, help="results.json")
    parser.add_argument("--features", type=Path, default=FEATURES, help="feature list, folds and grids")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    asked = parser.parse_args()
    try:
        plan = read_plan(asked.features)
        results = benchmark(asked.train, asked.held_out, plan, asked.features, asked.workers)
    except (OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    asked.out.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    print(table(results))


def table(results: dict[str, Any]) -> str:
    """The figures as lines for a terminal."""
    parts = (part for part in ("grouped_cv", "held_out") if part in results)
    return "\n".join(line for part in parts for line in [part, *_lines(results[part])])


def _lines(part: dict[str, Any]) -> list[str]:
    rows = [(f"{method} {name}", one) for method in part for name, one in part[method].items()]
    return [f"  {name:45} {one['value']:7.4f} ({one['low']:.4f} to {one['high']:.4f})" for name, one in rows]


if __name__ == "__main__":
    main()
