"""The reader that the package ships, trained on generated sentences: ``python -m models.studies.taught_reader``."""

import argparse
import tomllib
from pathlib import Path

import torch

from models.reader import DEFAULT_READER
from models.simulation.sentences import sentences
from models.training.fit_reader import Progress
from models.training.train_reader import train_reader

CONFIG = Path(__file__).parents[1] / "training" / "configs" / "reader.toml"


def taught_reader(config: Path, out: Path, progress: Progress = print) -> None:
    """The reader of a config in a folder, with as many sentences as the config names, of its seed."""
    raw = tomllib.loads(config.read_text("utf-8"))
    train_reader(raw, sentences(raw["corpus"]["sentences"], raw["corpus"]["seed"]), out, progress)


def main() -> None:
    """Train the reader of a config into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=DEFAULT_READER)
    asked = parser.parse_args()
    torch.set_num_threads(1)  # the same weights from the same seed
    taught_reader(asked.config, asked.out)


if __name__ == "__main__":
    main()
