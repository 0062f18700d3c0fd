"""Which part of the cohort a stay belongs to: decided by a hash, so order and size do not matter.

The hash is of the patient: all stays of one patient, and all their rows, fall into one part.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

from models.training.cohort import CohortError, patient_of

Part = Literal["train", "calibration", "test"]

SHARES: tuple[tuple[Part, float], ...] = (("train", 0.60), ("calibration", 0.20), ("test", 0.20))
"""Shares of the patients (assumption); everything is tuned in folds of the training patients."""


def part_of(stay: str, seed: int) -> Part:
    """The part of one stay; all its rows, and those of its patient's other stays, go there."""
    digest = hashlib.sha256(f"{seed}:{patient_of(stay)}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for part, share in SHARES:
        if place < share:
            return part
        place -= share
    return SHARES[-1][0]


def check_split(parts: Mapping[str, Iterable[str]]) -> None:
    """Nothing, where no patient stands in two parts; else `CohortError`. ``parts`` holds stays by name of part."""
    held: dict[str, str] = {}
    for part, stays in parts.items():
        for patient in dict.fromkeys(map(patient_of, stays)):
            if held.setdefault(patient, part) != part:
                raise CohortError(f"patient {patient} stands in two parts of the split: {held[patient]} and {part}")
