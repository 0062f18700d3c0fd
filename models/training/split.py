"""Which part of the cohort a stay belongs to: decided by a hash, so order and size do not matter."""

import hashlib
from typing import Literal

Part = Literal["train", "validation", "calibration", "test"]

SHARES: tuple[tuple[Part, float], ...] = (
    ("train", 0.50), ("validation", 0.10), ("calibration", 0.20), ("test", 0.20),
)  # fmt: skip
"""Shares of the stays (assumption); ``validation`` only stops the training."""


def part_of(stay: str, seed: int) -> Part:
    """The part of one stay; all its rows go there."""
    digest = hashlib.sha256(f"{seed}:{stay}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for part, share in SHARES:
        if place < share:
            return part
        place -= share
    return SHARES[-1][0]
