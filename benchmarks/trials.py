"""``make trials``: every trial writes ``benchmarks/trials/<name>.json`` with commit and date.

``python -m benchmarks.trials faults fetching`` runs only those that are named.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.direct_path import direct_path
from benchmarks.faults import faults
from benchmarks.fetching import fetching
from benchmarks.fuzz.trial import fuzz
from benchmarks.latency import latency
from benchmarks.mapping import mapping
from benchmarks.random_resources import random_resources

OUT = Path(__file__).parent / "trials"
TRIALS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "direct_path": direct_path,
    "faults": faults,
    "fetching": fetching,
    "fuzz": fuzz,
    "latency": latency,
    "mapping": mapping,
    "random_resources": random_resources,
}


def main(names: Sequence[str]) -> None:
    """Run the trials that are named in turn, all of them where none is."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S607
    OUT.mkdir(exist_ok=True)
    for name in names or TRIALS:
        found = {"trial": name, "commit": commit, "date": datetime.now(UTC).date().isoformat()} | TRIALS[name]()
        (OUT / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
